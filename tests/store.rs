//! One conformance suite for both kinds of store: SQLite and PostgreSQL keep the same promises.

mod common;

use revoked::domain::delivery::{Audience, Topic};
use revoked::store::Addressee;
use std::time::Duration;

/// Who is told what security is, and `confluence` of what is filed.
fn addressed(told: &[(&str, Duration)]) -> Vec<Addressee> {
    let topics = |name: &str| {
        if name == "confluence" {
            vec![Topic::Closure, Topic::Attestation]
        } else {
            Audience::Security.topics()
        }
    };
    let one = |(name, gather): &(&str, Duration)| Addressee {
        name: (*name).to_owned(),
        gather: *gather,
        keep: None,
        topics: topics(name),
    };
    told.iter().map(one).collect()
}

/// Makes a test of each case on each kind of store.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            use crate::common::place::Place;
            $(#[tokio::test] async fn $case() { super::$case(&Place::sqlite()).await; })+
        }
        mod postgres {
            use crate::common::place::Place;
            $(#[tokio::test] async fn $case() { super::$case(&Place::postgres()).await; })+
        }
    };
}

#[path = "store/attestations.rs"]
mod attestations;
#[path = "store/before.rs"]
mod before;
#[path = "store/campaigns.rs"]
mod campaigns;
#[path = "store/canary.rs"]
mod canary;
#[path = "store/faults.rs"]
mod faults;
#[path = "store/filed.rs"]
mod filed;
#[path = "store/holder.rs"]
mod holder;
#[path = "store/journal.rs"]
mod journal;
#[path = "store/landing.rs"]
mod landing;
#[path = "store/moves.rs"]
mod moves;
#[path = "store/notices.rs"]
mod notices;
#[path = "store/outbox.rs"]
mod outbox;
#[path = "store/pages.rs"]
mod pages;
#[path = "store/plans.rs"]
mod plans;
#[path = "store/schema.rs"]
mod schema;
#[path = "store/together.rs"]
mod together;
