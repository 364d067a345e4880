//! Whose word a revocation rests on, and whether an event takes back no more than its sender's own.

use crate::domain::time::UtcTime;
use crate::intake::amend::Amendment;
use crate::intake::identity::DOUBTED;
use crate::intake::joining::RELEASED;
use crate::store::{NoticeKey, Stored, Told};

/// Events that end everything for a person.
const ENDS: &[&str] = &["", "user_terminated", "contractor_expired"];
/// Events that ask for permission to keep access, or take something back: nothing is expected by them.
const NOTHING_GOES: &[&str] = &[
    "termination_rescinded",
    "user_rehired",
    "identifier_recycled",
    "contractor_extended",
    "access_restored",
    "temporary_access_granted",
    "break_glass_opened",
    "break_glass_closed",
    "legal_hold_set",
    "legal_hold_released",
];

/// Whose word a revocation rests on.
pub(super) struct Voice {
    /// Nobody else's than the sender's.
    pub(super) own: bool,
    /// Each said that everything ends.
    pub(super) ends: bool,
    /// When the newest was made.
    pub(super) newest: UtcTime,
}

impl Voice {
    pub(super) fn of(told: &[Told], sender: &str) -> Self {
        // What no notice tells of is nobody's word, and nobody's to take back.
        let own = told.iter().any(expects);
        let mut voice = Self { own, ends: own, newest: UtcTime::EPOCH };
        for one in told.iter().filter(|one| expects(one)) {
            voice.own &= sent_by(&one.source, sender);
            voice.ends &= ENDS.contains(&one.event_type.as_str());
            voice.newest = voice.newest.max(one.made_at());
        }
        voice
    }
}

/// Whether a notice asked for anything to be gone: a wish for permission did not, nor one that takes back.
pub(super) fn expects(told: &Told) -> bool {
    let change = told.event_type.is_empty() && told.event_id.starts_with("chg_");
    // What was erased may have asked for more.
    let asks = told.body.is_empty() || Amendment::parse(told.body.as_bytes()).is_ok();
    !NOTHING_GOES.contains(&told.event_type.as_str()) && (!change || asks)
}

/// Whether `sender` sent what came as `source`: what was held bears another prefix, a part of a checklist too, and a
/// system that the sender named follows.
pub(super) fn sent_by(source: &str, sender: &str) -> bool {
    let source = source.strip_prefix(RELEASED).unwrap_or(source);
    let source = source.strip_prefix(DOUBTED).unwrap_or(source);
    let source = source.strip_prefix("vendor:").unwrap_or(source);
    source == sender || source.strip_prefix(sender).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether `notice` speaks of a new end, of the new employment (also one that was stamped like the rehire: many systems stamp
/// the day), or is the word of somebody who did not say that the
/// person is back: then what was granted since has to go as well.
pub(in crate::intake) fn ends_again(stored: &Stored, notice: &NoticeKey, now: UtcTime) -> bool {
    let made = notice.facts.event_at.unwrap_or(now);
    stored
        .life
        .lineage
        .rehired
        .as_ref()
        .is_some_and(|rehired| made >= rehired.made_at || !sent_by(&notice.source, &rehired.by))
}

#[cfg(test)]
#[path = "voice_tests.rs"]
mod tests;
