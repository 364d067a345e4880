//! The audit log: what was decided, in an order and a form that nobody can change unseen.
//!
//! `verify` is what strangers run. It shares only the constants of `format` with the writer.

pub mod cosign;
pub mod file;
pub mod format;
pub mod key;
pub mod line;
pub mod prove;
pub mod read;
pub mod record;
mod scan;
pub mod signed;
pub mod tree;
pub mod verify;
pub mod writer;
