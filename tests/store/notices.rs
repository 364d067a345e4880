//! Notices: each makes one revocation, once and for good.

use crate::common::place::{Place, count};
use crate::common::sample::{at, notice, revocation, verified};
use revoked::domain::revocation::Kind;
use revoked::store::{Acceptance, Move, StoreError};

on_both!(
    what_is_accepted_is_read_back,
    a_repeated_notice_is_known_for_good,
    a_notice_that_joined_is_known_too,
    of_two_at_the_same_moment_one_wins,
    a_refused_notice_leaves_nothing_behind,
    any_name_comes_back_as_it_was,
    the_unfinished_and_the_watched,
);

async fn what_is_accepted_is_read_back(place: &Place) {
    let store = place.open().await;
    let new = revocation("rev_1", "john");
    let accepted = store.accept(&new).await.unwrap();
    assert_eq!(accepted, Acceptance::New { id: "rev_1".into(), record: "rev_1.3".into() });
    let stored = store.revocation("rev_1").await.unwrap().unwrap().stored;
    assert_eq!(stored.revocation, new.revocation);
    assert_eq!((&*stored.life, stored.landed), (&new.life, None));
    assert_eq!((stored.version, stored.records, stored.queued_at), (1, 3, at(0)));
    assert_eq!((stored.subject_id, stored.watch_until), (new.subject.id.clone(), new.watch_until));
    assert_eq!(store.subject("john").await.unwrap(), Some(new.subject));
    assert_eq!(store.subject("John").await.unwrap(), None);
    assert_eq!(store.revocation("rev_2").await.unwrap(), None);
    assert!(store.list(10).await.unwrap().is_empty(), "people are shown what the log holds");
    let queued = store.queued(10).await.unwrap();
    let kinds: Vec<_> = queued.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["subject", "revocation_triggered", "validation_completed"]);
    assert_eq!(queued[0].body["id"], "rev_1.1", "the id stands in the record's line");
}

async fn a_repeated_notice_is_known_for_good(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.repeated(&notice("rev_1", "digest")).await.unwrap(), None);
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    store.close().await;
    for time in ["at once", "after a restart"] {
        let store = place.open().await;
        let known = store.repeated(&notice("rev_1", "digest")).await.unwrap();
        assert_eq!(known.as_deref(), Some("rev_1"), "{time}");
        let differs = store.repeated(&notice("rev_1", "another")).await;
        assert!(matches!(differs, Err(StoreError::NoticeDiffers { .. })), "{time}: {differs:?}");
        let mut elsewhere = notice("rev_1", "another");
        "vendors".clone_into(&mut elsewhere.source);
        assert_eq!(store.repeated(&elsewhere).await.unwrap(), None, "ids are the sender's own");
        store.close().await;
    }
}

async fn a_notice_that_joined_is_known_too(place: &Place) {
    let store = place.open().await;
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    let joined = notice("second", "digest");
    let step = Move { notice: Some(joined.clone()), records: Vec::new(), ..verified(&from, 1) };
    assert_eq!(store.advance(&step).await.unwrap(), None, "no record, none to wait for");
    assert_eq!(store.repeated(&joined).await.unwrap().as_deref(), Some("rev_1"));
    // Once more with the same notice: the whole move is refused.
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    let again = Move { notice: Some(joined), ..verified(&from, 2) };
    assert!(store.advance(&again).await.is_err());
    assert_eq!(store.revocation("rev_1").await.unwrap(), Some(from));
    assert_eq!(count(&store, "record").await, 3);
}

async fn of_two_at_the_same_moment_one_wins(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    for round in 0..10 {
        let event = notice(&format!("event {round}"), "digest");
        let [mut one, mut other] = ["a", "b"]
            .map(|side| revocation(&format!("rev_{round}{side}"), &format!("{side} {round}")));
        (one.notice, other.notice) = (event.clone(), event.clone());
        let (one, other) = tokio::join!(here.accept(&one), there.accept(&other));
        let won: Vec<_> = [&one, &other].into_iter().filter_map(|r| r.as_ref().ok()).collect();
        let [Acceptance::New { id, .. }] = won[..] else { panic!("{one:?} {other:?}") };
        assert_eq!(here.repeated(&event).await.unwrap().as_ref(), Some(id));
    }
    assert_eq!(count(&here, "notice").await, 10);
    assert_eq!(count(&here, "revocation").await, 10, "nothing is left of those that lost");
    assert_eq!(count(&here, "subject").await, 10);
    assert_eq!(count(&here, "record").await, 30);
}

async fn a_refused_notice_leaves_nothing_behind(place: &Place) {
    let store = place.open().await;
    let mut nobody = revocation("rev_1", "john");
    nobody.new_subject = false;
    assert!(store.accept(&nobody).await.is_err(), "there is no such subject");
    store.accept(&revocation("rev_2", "jane")).await.unwrap();
    let mut twice = revocation("rev_3", "jim");
    twice.notice = notice("rev_2", "digest");
    assert!(store.accept(&twice).await.is_err(), "the notice was there already");
    let mut same_id = revocation("rev_2", "joe");
    same_id.notice = notice("rev_4", "digest");
    assert!(store.accept(&same_id).await.is_err(), "the revocation was there already");
    for (table, rows) in [("subject", 1), ("revocation", 1), ("notice", 1), ("record", 3)] {
        assert_eq!(count(&store, table).await, rows, "{table}");
    }
}

async fn any_name_comes_back_as_it_was(place: &Place) {
    let store = place.open().await;
    // A thousand bytes that do not compress: an index takes them as they are.
    let long: String = (0..1000_u32)
        .map(|n| char::from(b'!' + u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap() % 90))
        .collect();
    let emojis = "🦀🔑é̂".repeat(60);
    let names = ["O'Neil \"Jim\"; --", "\\' $1 ?1 :a", "\u{202e}nhoj\n\t\u{7f}", &emojis, &long];
    for (n, name) in names.into_iter().enumerate() {
        let mut new = revocation(&format!("rev_{n}"), "somebody");
        name.clone_into(&mut new.revocation.subject);
        name.clone_into(&mut new.subject.name);
        name.clone_into(&mut new.revocation.accounts[0].role);
        name.clone_into(&mut new.notice.source);
        name.clone_into(&mut new.notice.event_id);
        name.clone_into(&mut new.notice.body);
        store.accept(&new).await.unwrap();
        let stored = store.revocation(&new.revocation.id).await.unwrap().unwrap();
        assert_eq!(stored.revocation, new.revocation, "{name}");
        assert_eq!(store.subject(name).await.unwrap(), Some(new.subject), "{name}");
        assert_eq!(store.repeated(&new.notice).await.unwrap(), Some(new.revocation.id), "{name}");
        let found = store.unfinished(name, Kind::Full).await.unwrap();
        assert_eq!(found, Some(stored), "{name}");
    }
}

async fn the_unfinished_and_the_watched(place: &Place) {
    let store = place.open().await;
    for (id, subject) in [("rev_1", "john"), ("rev_2", "jane")] {
        store.accept(&revocation(id, subject)).await.unwrap();
    }
    let ids = async |second| {
        let watched = store.watched(at(second)).await.unwrap();
        watched.into_iter().map(|stored| stored.revocation.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(1_000_000).await, ["rev_1", "rev_2"], "open ones are watched for ever");
    let found = store.unfinished("john", Kind::Full).await.unwrap();
    assert_eq!(found.map(|found| found.stored.revocation.id).as_deref(), Some("rev_1"));
    assert_eq!(store.unfinished("john", Kind::Partial).await.unwrap(), None);
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    assert_eq!(store.unfinished("john", Kind::Full).await.unwrap(), None, "verified is finished");
    assert_eq!(ids(86_400).await, ["rev_1", "rev_2"]);
    assert_eq!(ids(86_402).await, ["rev_2"], "verified ones until their watch ends");
}
