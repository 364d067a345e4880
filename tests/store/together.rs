//! What shares a transaction: each has its own answer, and nobody's leaving is another's loss.

use crate::common::place::{Place, count};
use crate::common::sample::{at, revocation, verified};
use revoked::store::{Acceptance, Gather, Known, Move, Store, StoreError, Stored};
use std::sync::{Arc, Weak};
use std::time::Duration;

on_both!(
    moves_share_a_transaction_and_conflict_alone,
    one_that_is_refused_leaves_the_others_accepted,
    many_at_the_same_moment_are_all_accepted,
    who_leaves_takes_only_his_own_question_along,
    a_commit_whose_maker_left_is_known_to_the_next,
    what_did_not_change_is_not_made_anew,
);

async fn stored(store: &Store, id: &str) -> Stored {
    store.revocation(id).await.unwrap().unwrap().stored
}

async fn moves_share_a_transaction_and_conflict_alone(place: &Place) {
    let store = place.open().await;
    let mut steps = Vec::new();
    for id in ["rev_3", "rev_1", "rev_2"] {
        store.accept(&revocation(id, id)).await.unwrap();
        steps.push(verified(&stored(&store, id).await, 60));
    }
    store.advance(&Move { records: Vec::new(), ..steps[1].clone() }).await.unwrap();
    let answers = store.advance_all(&steps).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().as_deref(), Some("rev_3.5"));
    assert!(matches!(&answers[1], Err(StoreError::Conflict { id, version: 1 }) if id == "rev_1"));
    assert_eq!(answers[2].as_ref().unwrap().as_deref(), Some("rev_2.5"));
    assert_eq!(count(&store, "record").await, 3 * 3 + 2 * 2, "none of the one that lost");
    assert!(store.advance_all(&[]).await.unwrap().is_empty());
}

async fn one_that_is_refused_leaves_the_others_accepted(place: &Place) {
    let store = place.open().await;
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    // A subject of that name is there already.
    let all =
        [revocation("rev_2", "jane"), revocation("rev_3", "john"), revocation("rev_4", "mary")];
    let answers = store.accept_all(&all).await.unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    assert!(matches!(answers[1], Err(StoreError::Database(_))), "{answers:?}");
    assert_eq!(count(&store, "record").await, 3 * 3);
    assert_eq!(store.revocation("rev_3").await.unwrap(), None);
}

async fn many_at_the_same_moment_are_all_accepted(place: &Place) {
    let store = place.open().await;
    let gather = Arc::new(Gather::default());
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (store, gather) = (store.clone(), gather.clone());
        let id = format!("rev_{number}");
        asking.spawn(async move {
            let accepted = gather.accept(&store, revocation(&id, &id), ()).await.unwrap();
            assert_eq!(accepted, Acceptance::New { record: format!("{id}.3"), id });
        });
    }
    asking.join_all().await;
    assert_eq!(count(&store, "revocation").await, 200);
}

async fn who_leaves_takes_only_his_own_question_along(place: &Place) {
    let store = place.open().await;
    let gather = Gather::default();
    for round in 0..20 {
        let held = Arc::new(());
        let let_go: Weak<()> = Arc::downgrade(&held);
        let ask = |name: &str, held: Option<Arc<()>>| {
            gather.accept(
                &store,
                revocation(&format!("rev_{round}{name}"), &format!("{round}{name}")),
                held,
            )
        };
        let mut leaving = Box::pin(ask("leaves", Some(held)));
        let mut staying = Box::pin(ask("stays", None));
        // Whoever is polled first commits for both, and leaves at any point of it.
        let patience = Duration::from_micros(200 * round);
        let answered = tokio::time::timeout(patience, &mut leaving).await.is_ok();
        let stayed = tokio::time::timeout(Duration::ZERO, &mut staying).await;
        if !answered {
            let _ = tokio::time::timeout(patience, &mut leaving).await;
        }
        drop(leaving);
        match stayed {
            Ok(accepted) => drop(accepted.unwrap()),
            Err(_) => drop(staying.await.unwrap()),
        }
        assert!(store.revocation(&format!("rev_{round}stays")).await.unwrap().is_some());
        assert_eq!(let_go.strong_count(), 0, "what he held is free in round {round}");
    }
}

async fn a_commit_whose_maker_left_is_known_to_the_next(place: &Place) {
    let store = place.open().await;
    let new = revocation("rev_1", "john");
    store.accept(&new).await.unwrap();
    // Put back and committed again by another, who finds it there.
    let answers = store.accept_all(&[new, revocation("rev_2", "jane")]).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap(), &Acceptance::Repeated { id: "rev_1".into() });
    assert!(matches!(answers[1], Ok(Acceptance::New { .. })), "{answers:?}");
    assert_eq!(count(&store, "record").await, 2 * 3);
}

async fn what_did_not_change_is_not_made_anew(place: &Place) {
    let store = place.open().await;
    let known = Known::default();
    for id in ["rev_1", "rev_2"] {
        store.accept(&revocation(id, id)).await.unwrap();
    }
    let watched = async || store.watched_since(&known, at(0)).await.unwrap();
    let first = watched().await;
    let again = watched().await;
    assert!(first.iter().zip(&again).all(|(one, other)| Arc::ptr_eq(one, other)));

    store.advance(&verified(&first[0], 60)).await.unwrap();
    let moved = watched().await;
    assert_eq!(*moved[0], stored(&store, "rev_1").await);
    assert!(!Arc::ptr_eq(&moved[0], &first[0]) && Arc::ptr_eq(&moved[1], &first[1]));

    // Landing changes what is shown and not the version.
    let queued = store.queued(100).await.unwrap();
    let landed: Vec<_> = (1..)
        .zip(queued)
        .map(|(seq, record)| revoked::store::LandedRecord { record, seq, hash: String::new() })
        .collect();
    store.land(&landed).await.unwrap();
    let shown = watched().await;
    assert!(shown.iter().all(|one| one.landed.is_some()));
    let plain: Vec<Stored> = shown.iter().map(|one| Stored::clone(one)).collect();
    assert_eq!(plain, store.watched(at(0)).await.unwrap());
}
