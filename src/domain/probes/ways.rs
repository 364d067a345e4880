//! What several ways of asking about one subject come to together.

use super::{Declared, Expect, KEPT, Parameter, Person, Told};
use std::collections::BTreeMap;

impl Declared {
    /// Adds up what was told for each of `ways`. Where something has to be there for a ticket, it has to be there for each
    /// ticket: whoever names another one later does not make the first one's row unnecessary.
    #[must_use]
    pub fn together(&self, ways: &[Vec<String>], told: Vec<Told>) -> Told {
        let place = self.parameters.iter().position(|one| *one == Parameter::Ticket);
        let mut by_ticket: BTreeMap<Option<&String>, u64> = BTreeMap::new();
        let mut all = Told::default();
        for (way, told) in ways.iter().zip(told) {
            let ticket = place.and_then(|place| way.get(place));
            let count = by_ticket.entry(ticket).or_default();
            *count = count.saturating_add(told.count);
            all.count = all.count.saturating_add(told.count);
            all.more |= told.more;
            all.rows.extend(told.rows);
        }
        let lacks = by_ticket.values().any(|count| *count == 0);
        if self.expect == Expect::AtLeastOne && lacks {
            all = Told::default();
        }
        all.rows.truncate(KEPT);
        all
    }

    /// Whether it asks about somebody, and the subject of `person` is nobody in particular.
    #[must_use]
    pub fn asks_about_nobody(&self, person: &Person) -> bool {
        let target = self.database.as_ref().map(|_| self.place.as_str());
        let unknown = |one: &&Parameter| person.values_of(**one, target).is_empty();
        let mut about = self.parameters.iter().filter(|one| **one != Parameter::Account);
        person.nobody.is_some() && about.any(|one| unknown(&one))
    }
}
