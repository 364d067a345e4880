//! What was there before: written once with its move, and erased where it tells who it was.

use crate::common::place::{Place, count};
use crate::common::sample::{at, revocation, verified};
use revoked::audit::record;
use revoked::domain::before::BeforeState;
use revoked::domain::erasure::Basis;
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::lineage::Rehired;
use revoked::domain::residual::{AccountRef, Residual, ResidualKind, Strength};
use revoked::store::{Erasure, Move, NewRecord, Store, Stored};

on_both!(
    what_was_there_before_is_written_once,
    who_leaves_again_had_something_else,
    it_is_erased_where_it_names_somebody,
);

fn state(oid: u32, role: &str) -> BeforeState {
    let account =
        AccountRef { target: "main".to_owned(), oid: RoleOid(oid), role: Some(role.to_owned()) };
    BeforeState {
        target: "main".to_owned(),
        oid: RoleOid(oid),
        seen_at: at(1),
        system_identifier: Some(SystemIdentifier(u64::MAX)),
        version_num: Some(180_000),
        residual: vec![Residual::new(ResidualKind::Login, Strength::CanLogIn, account).described()],
        gaps: Vec::new(),
    }
}

async fn accepted(store: &Store, id: &str, subject: &str) -> Stored {
    store.accept(&revocation(id, subject)).await.unwrap();
    store.revocation(id).await.unwrap().unwrap().stored
}

async fn what_was_there_before_is_written_once(place: &Place) {
    let store = place.open().await;
    let from = accepted(&store, "rev_1", "EMP-1").await;
    assert_eq!(store.before_of("rev_1").await.unwrap(), []);
    let first = Move { before: vec![state(u32::MAX, "x"), state(7, "y")], ..verified(&from, 1) };
    store.advance(&first).await.unwrap();
    let wanted = [state(7, "y"), state(u32::MAX, "x")];
    assert_eq!(store.before_of("rev_1").await.unwrap(), wanted);

    let from = store.revocation("rev_1").await.unwrap().unwrap();
    let again = Move { before: vec![state(7, "later"), state(8, "z")], ..verified(&from, 2) };
    store.advance(&again).await.unwrap();
    let wanted = [state(7, "y"), state(8, "z"), state(u32::MAX, "x")];
    assert_eq!(store.before_of("rev_1").await.unwrap(), wanted);

    // A move that loses writes nothing.
    let late = Move { before: vec![state(9, "late")], ..verified(&from, 3) };
    store.advance(&late).await.unwrap_err();
    assert_eq!(count(&store, "before_state").await, 3);
}

async fn who_leaves_again_had_something_else(place: &Place) {
    let store = place.open().await;
    let from = accepted(&store, "rev_1", "EMP-1").await;
    let mut back = Move { before: vec![state(7, "x"), state(8, "y")], ..verified(&from, 1) };
    let (made_at, by) = (at(1), "hr".to_owned());
    back.life.lineage.rehired = Some(Rehired { at: at(1), made_at, by, before: None });
    store.advance(&back).await.unwrap();
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    store.advance(&verified(&from, 2)).await.unwrap();
    assert_eq!(store.before_of("rev_1").await.unwrap().len(), 2);

    let from = store.revocation("rev_1").await.unwrap().unwrap();
    let mut again = Move { before: vec![state(7, "now")], ..verified(&from, 3) };
    again.life.lineage.rehired = None;
    store.advance(&again).await.unwrap();
    assert_eq!(store.before_of("rev_1").await.unwrap(), [state(7, "now")]);
}

async fn it_is_erased_where_it_names_somebody(place: &Place) {
    let store = place.open().await;
    for (id, subject) in [("rev_1", "john.smith"), ("rev_2", "EMP-2")] {
        let from = accepted(&store, id, subject).await;
        let step = Move { before: vec![state(7, "john.smith")], ..verified(&from, 1) };
        store.advance(&step).await.unwrap();
        super::journal::land(&store).await;
        let erasing = NewRecord {
            kind: "erasure",
            body: record::erasure(&format!("s_{id}"), Basis::Retention, "uid:1", at(3)),
        };
        let subject = revocation(id, subject).subject;
        let done = store.erase(&subject, &format!("era_{id}"), &erasing, at(3)).await.unwrap();
        assert_eq!(done, Erasure::Done(1));
    }
    assert_eq!(store.before_of("rev_1").await.unwrap(), [], "it was called so");
    assert_eq!(store.before_of("rev_2").await.unwrap().len(), 1, "only a role is named");
}
