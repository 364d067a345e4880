//! The audit log: what was decided, in an order and a form that nobody can change unseen.
//!
//! `verify` is what strangers run. It shares only the constants of `format` with the writer.

mod ahead;
mod batch;
mod built;
mod commit;
pub mod cosign;
mod dir;
mod entry;
mod error;
pub mod file;
pub mod format;
pub mod key;
pub mod keys;
pub mod line;
mod lines;
mod moment;
mod open;
pub mod prove;
mod quarantine;
pub mod read;
pub mod record;
pub mod replace;
mod reserve;
mod scan;
mod segment;
pub mod signed;
pub mod signer;
mod since;
pub mod tree;
pub mod verify;
pub mod writer;
