//! What counts as time of watching, and when an account is inactive.

use super::*;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

fn at(second: u64) -> UtcTime {
    UtcTime::from_micros(i64::try_from(second * 1_000_000).unwrap()).unwrap()
}

fn activity(logins: &[u32], seen: &[u32]) -> Activity {
    Activity {
        logins: logins.iter().copied().map(RoleOid).collect(),
        seen: seen.iter().copied().map(RoleOid).collect(),
        ..Activity::default()
    }
}

fn look(second: u64, activity: &Activity, whole: bool) -> Look<'_> {
    let (most, every) = (Duration::from_secs(HOUR), Duration::from_secs(HOUR));
    Look { at: at(second), activity, whole, most, every }
}

#[expect(clippy::unnecessary_wraps, reason = "as who names roles gives them")]
fn name(oid: RoleOid) -> Option<String> {
    Some(format!("r{oid}"))
}

/// Looks once an hour from `from` on, `hours` times.
fn hours(watch: &mut Watch, from: u64, hours: u64, activity: &Activity) -> usize {
    (0..hours)
        .map(|hour| watch.follow(&look(from + hour * HOUR, activity, true), name).put.len())
        .sum()
}

fn inactive(watch: &Watch, oid: u32) -> Option<Inactive> {
    watch.accounts[&RoleOid(oid)].inactive(watch.watched_us, Duration::from_secs(90 * DAY))
}

#[test]
fn one_that_nobody_ever_saw_is_inactive_after_that_time_of_watching() {
    let mut watch = Watch::default();
    let unused = activity(&[1], &[]);
    hours(&mut watch, 0, 90 * 24 + 1, &unused);
    assert_eq!(inactive(&watch, 1), None, "what is not written yet may have been use");
    hours(&mut watch, 90 * DAY + HOUR, 1, &unused);
    let found = inactive(&watch, 1).unwrap();
    assert_eq!((found.last_seen_at, found.watched_since), (None, at(0)));
    assert_eq!(
        found.sentence(),
        "never seen in use since watching began at 1970-01-01T00:00:00.000000Z, in 90 days of watching"
    );
}

#[test]
fn gaps_of_watching_do_not_count() {
    let unused = activity(&[1], &[]);
    // The agent was away for a year.
    let mut watch = Watch::default();
    hours(&mut watch, 0, 2, &unused);
    hours(&mut watch, 365 * DAY, 2, &unused);
    assert_eq!(watch.watched_us, 2 * HOUR * 1_000_000);
    // It looked, and could not see all.
    let mut watch = Watch::default();
    watch.follow(&look(0, &unused, true), name);
    watch.follow(&look(10, &unused, false), name);
    watch.follow(&look(20, &unused, true), name);
    assert_eq!(watch.watched_us, 0, "nobody knows of either half");
    watch.follow(&look(30, &unused, true), name);
    assert_eq!(watch.watched_us, 10_000_000);
}

#[test]
fn use_is_written_once_an_hour_and_any_look_proves_it() {
    let mut watch = Watch::default();
    let used = activity(&[1], &[1]);
    let written: usize =
        (0..600).map(|n| watch.follow(&look(n * 12, &used, true), name).put.len()).sum();
    assert_eq!(written, 2, "two hours");
    // Blind to others, it still saw this one.
    let changes = watch.follow(&look(20_000, &used, false), name);
    assert_eq!(changes.put[0].seen_at, Some(at(20_000)));
    hours(&mut watch, 20_000, 89 * 24, &activity(&[1], &[]));
    assert_eq!(inactive(&watch, 1), None);
    hours(&mut watch, 20_000 + 89 * DAY, 50, &activity(&[1], &[]));
    let found = inactive(&watch, 1).unwrap();
    assert_eq!(found.last_seen_at, Some(at(20_000)));
    assert!(found.sentence().starts_with("last seen in use at 1970-01-01T05:33:20"));
}

#[test]
fn what_a_query_tells_counts_from_when_it_was() {
    let mut watch = Watch::default();
    let unused = activity(&[1], &[]);
    hours(&mut watch, 0, 91 * 24 + 2, &unused);
    assert!(inactive(&watch, 1).is_some());
    let mut told = unused.clone();
    let now = 91 * DAY + 2 * HOUR;
    told.told = Some(Ok(BTreeMap::from([("r1".to_owned(), at(now - 2 * DAY))])));
    let changes = watch.follow(&look(now, &told, true), name);
    assert_eq!(changes.put[0].seen_at, Some(at(now - 2 * DAY)));
    assert_eq!(watch.watched_us - changes.put[0].mark_us, 2 * DAY * 1_000_000);
    assert_eq!(inactive(&watch, 1), None);
    // The same again is nothing new, nor is what lies before it or in the future.
    for ago in [2 * DAY, 3 * DAY] {
        told.told = Some(Ok(BTreeMap::from([("r1".to_owned(), at(now - ago))])));
        assert!(watch.follow(&look(now + 1, &told, true), name).put.is_empty());
    }
    told.told = Some(Ok(BTreeMap::from([("r1".to_owned(), at(now + 9 * DAY))])));
    assert_eq!(watch.follow(&look(now + 2, &told, true), name).put[0].seen_at, Some(at(now + 2)));
}

#[test]
fn one_that_may_log_in_again_is_new() {
    let mut watch = Watch::default();
    hours(&mut watch, 0, 100 * 24, &activity(&[1, 2], &[2]));
    assert!(inactive(&watch, 1).is_some() && inactive(&watch, 2).is_none());
    let changes = watch.follow(&look(100 * DAY, &activity(&[2], &[2]), true), name);
    assert_eq!(changes.gone, [RoleOid(1)]);
    watch.follow(&look(100 * DAY + 60, &activity(&[1, 2], &[2]), true), name);
    assert_eq!(inactive(&watch, 1), None);
    // A look that read no roles makes nobody new.
    let changes = watch.follow(&look(100 * DAY + 120, &activity(&[], &[]), false), name);
    assert!(changes.is_empty() && watch.accounts.len() == 2, "{changes:?}");
}

#[test]
fn what_was_not_written_when_the_agent_was_killed_makes_nobody_inactive_sooner() {
    let mut watch = Watch::default();
    let used = activity(&[1], &[1]);
    watch.follow(&look(0, &used, true), name);
    let written = watch.clone();
    // Used for most of an hour, not written, killed; then never used again.
    for n in 1..350 {
        assert!(watch.follow(&look(n * 10, &used, true), name).is_empty());
    }
    let mut watch = Watch { last: None, watched_us: written.written_us, ..written };
    let unused = activity(&[1], &[]);
    hours(&mut watch, 3_600, 90 * 24 + 1, &unused);
    assert_eq!(inactive(&watch, 1), None);
    hours(&mut watch, 3_600 + 90 * DAY + HOUR, 1, &unused);
    assert!(inactive(&watch, 1).is_some());
}

#[test]
fn what_is_tried_out_with_short_times_is_written_more_often() {
    assert_eq!(written_every(Duration::from_secs(90 * DAY)), Duration::from_secs(HOUR));
    assert_eq!(written_every(Duration::from_secs(24)), Duration::from_secs(1));
}
