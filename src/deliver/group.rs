//! Which rows become one message. Pure.

use crate::domain::delivery::{Standing, Topic};
use crate::domain::time::UtcTime;
use crate::store::Delivery;
use std::collections::BTreeMap;

/// Lane of what is told late: each such digest begins a thread of its own.
pub(super) const LATE: &str = "dig_late";

/// The lane is of several revocations: a digest that began a thread, or the checklist of a vendor.
#[must_use]
pub(super) fn is_shared(lane: &str) -> bool {
    lane.starts_with("dig_") || lane.starts_with("chk_")
}

/// Digests of the lane keep a distance from each other.
#[must_use]
pub(super) fn is_spaced(lane: &str) -> bool {
    lane.starts_with("dig_") && lane != LATE
}

/// Whatever else there is, it is a message of its own: edits, digests, and what names consumers to their team.
fn is_by_itself(topic: Topic) -> bool {
    use Topic as T;
    matches!(topic, T::Status | T::Digest | T::Nudge | T::NudgeLead | T::Sweep)
}

/// Rows of one topic that go to one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crowd {
    /// What they are about.
    pub(super) topic: Topic,
    /// Where they go.
    pub(super) destination: String,
    /// They.
    pub(super) rows: Vec<Delivery>,
}

/// What nobody saw yet of more lanes at once than `over` allows, by topic and destination. It is made when the first of
/// them is due, with those that still wait for others.
pub(super) fn crowds(
    heads: &[Delivery],
    now: UtcTime,
    over: impl Fn(Topic, &str) -> usize,
    destination: impl Fn(&Delivery) -> String,
) -> Vec<Crowd> {
    let mut all: BTreeMap<(Topic, String), Vec<Delivery>> = BTreeMap::new();
    for head in heads {
        let alone = !is_shared(&head.lane)
            && !is_by_itself(head.topic)
            && head.row.standing == Standing::Due
            && head.row.attempts == 0;
        if alone {
            all.entry((head.topic, destination(head))).or_default().push(head.clone());
        }
    }
    let crowded = all.into_iter().filter(|((topic, to), rows)| {
        rows.len() > over(*topic, to) && rows.iter().any(|row| row.row.due_at <= now)
    });
    crowded.map(|((topic, destination), rows)| Crowd { topic, destination, rows }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Row;
    use std::time::Duration;

    fn head(topic: Topic, lane: &str, reason: &str) -> Delivery {
        Delivery {
            id: format!("{lane}.1/slack"),
            record: format!("{lane}.1"),
            receiver: "slack".to_owned(),
            topic,
            about: lane.to_owned(),
            reason: reason.to_owned(),
            lane: lane.to_owned(),
            row: Row {
                standing: Standing::Due,
                attempts: 0,
                unknown: 0,
                plain: false,
                doubled: false,
                due_at: UtcTime::EPOCH,
                expires_at: None,
            },
            created_at: UtcTime::EPOCH,
            seq: Some(1),
            first_sent_at: None,
            settled_at: None,
            remote: None,
            carrier: None,
            error: String::new(),
            version: 0,
        }
    }

    #[test]
    fn only_a_crowd_of_one_kind_in_one_place_becomes_a_digest() {
        let mut heads: Vec<_> =
            (0..4).map(|n| head(Topic::Opened, &format!("rev_{n}"), "terminated")).collect();
        heads.extend((4..6).map(|n| head(Topic::Opened, &format!("rev_{n}"), "other")));
        heads.extend((6..9).map(|n| head(Topic::Overdue, &format!("rev_{n}"), "terminated")));
        heads.extend((0..9).map(|_| head(Topic::Opened, "chk_1", "terminated")));
        heads.extend((0..9).map(|n| head(Topic::Status, &format!("rev_{n}"), "terminated")));
        let tried = heads.iter().take(1).cloned().map(|mut one| {
            one.row.attempts = 1;
            one
        });
        heads.extend(tried.collect::<Vec<_>>());
        let sizes = |over| {
            let all = crowds(&heads, UtcTime::EPOCH, |_, _| over, |one| one.reason.clone());
            all.iter().map(|c| (c.topic, c.destination.clone(), c.rows.len())).collect::<Vec<_>>()
        };
        assert_eq!(sizes(3), [(Topic::Opened, "terminated".to_owned(), 4)]);
        assert_eq!(sizes(2).len(), 2);
        assert_eq!(sizes(4), []);
        // Those that wait for others come along once the first of them is due.
        let later = UtcTime::EPOCH.plus(Duration::from_secs(9));
        for head in heads.iter_mut().skip(1) {
            head.row.due_at = later;
        }
        let crowded = |heads: &[Delivery]| {
            crowds(heads, UtcTime::EPOCH, |_, _| 3, |one| one.reason.clone()).len()
        };
        assert_eq!(crowded(&heads), 1);
        heads[0].row.due_at = later;
        assert_eq!(crowded(&heads), 0);
    }

    #[test]
    fn lanes_by_their_names() {
        assert!(is_shared("dig_1") && is_shared("chk_1") && !is_shared("rev_1"));
        assert!(is_spaced("dig_1") && !is_spaced("chk_1") && !is_spaced(LATE));
        assert!(!is_shared("target:main"));
    }
}
