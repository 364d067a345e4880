//! The times of an event, so that each that is wrong is told at once. Pure.

use super::fields::Fields;
use crate::domain::effective::{self, NotEffective, Zones};
use crate::domain::time::{UtcTime, parse_duration};

/// The dates that say when access ends.
pub(super) struct Dates {
    pub(super) effective_at: Option<String>,
    pub(super) termination_date: Option<String>,
    pub(super) last_working_day: Option<String>,
}

impl Dates {
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        let zone = fields.text("/user/time_zone");
        if let Some(Err(error)) = zone.as_deref().map(effective::zone) {
            fields.wrong("/user/time_zone", error.to_string());
        }
        let pointers = ["/effective_at", "/user/termination_date", "/metadata/last_working_day"];
        let mut given = pointers.map(|pointer| fields.text(pointer));
        let read = |text: &String| effective::resolve(text, &Zones::default());
        let one_is_good = given.iter().flatten().any(|text| read(text).is_ok());
        for (pointer, text) in pointers.into_iter().zip(&mut given) {
            match text.as_ref().map(read) {
                // What a program writes where there is no date says nothing beside one that there is.
                Some(Err(NotEffective::NoDay(_))) if one_is_good => *text = None,
                // In which zone it is meant makes none right.
                Some(Err(error)) => fields.wrong(pointer, error.to_string()),
                Some(Ok(_)) | None => {}
            }
        }
        let [effective_at, termination_date, last_working_day] = given;
        let dates = Self { effective_at, termination_date, last_working_day };
        let deadline = fields.text("/deadline").filter(|text| parse_duration(text).is_err());
        if deadline.is_some_and(|text| effective::resolve(&text, &Zones::default()).is_err()) {
            fields.wrong("/deadline", "a time, or a duration such as 15m");
        }
        dates
    }

    /// What is said to have happened is in effect when it is said, if no date says when.
    pub(super) fn effective(&self, at: Option<UtcTime>) -> Option<String> {
        let dated = self.termination_date.is_some() || self.last_working_day.is_some();
        self.effective_at.clone().or_else(|| at.filter(|_| !dated).map(|at| at.to_string()))
    }
}
