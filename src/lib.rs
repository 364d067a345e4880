//! `revoked` proves that access which should be gone **is** gone from Postgres, and stays gone.
//!
//! ```text
//! notice ─intake─▶ Revocation ─▶ Expectation ┐
//!                                 (store)    ├─▶ judge + step ─▶ one transaction ─▶ log writer ─▶ deliver
//!         target ─look─▶ Observation ────────┘    pure, sync     state + queued      chain, sign,
//!                                                                 record + outbox    fsync
//! ```
//!
//! `ARCHITECTURE.md` has the invariants and says which module may name which.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

use tikv_jemallocator::Jemalloc;

/// Memory that is not used any more goes back to the system (docs/adr/0042-memory-goes-back.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

pub mod anchor;
pub mod audit;
pub mod board;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod domain;
pub mod external;
pub mod http;
pub mod inbox;
pub mod intake;
pub mod journal;
pub mod metrics;
pub mod reconcile;
pub mod reload;
pub mod store;
pub mod supervise;
pub mod systemd;
pub mod target;
pub mod throwaway;
pub mod witness;
