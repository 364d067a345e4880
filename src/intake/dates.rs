//! The times of an event, so that each that is wrong is told at once. Pure.

use super::fields::Fields;
use crate::domain::effective::{self, Zones};
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
        let mut day = |pointer| {
            let text = fields.text(pointer)?;
            wrong_day(fields, pointer, &text);
            Some(text)
        };
        let dates = Self {
            effective_at: day("/effective_at"),
            termination_date: day("/user/termination_date"),
            last_working_day: day("/metadata/last_working_day"),
        };
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

/// Says what is wrong with `text` as a day or an instant. In which zone it is meant makes none right.
fn wrong_day(fields: &mut Fields<'_>, pointer: &str, text: &str) {
    if let Err(error) = effective::resolve(text, &Zones::default()) {
        fields.wrong(pointer, error.to_string());
    }
}
