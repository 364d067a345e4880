//! From a record that is in the log to a message. Pure. What is said of a revocation is what the log holds of it; no
//! person is named, and no reason in anybody's own words.

pub mod attestation;
mod campaign;
mod closure;
mod digest;
mod history;
mod one;
mod part;
mod words;

pub use campaign::{Chased, campaign};
pub use closure::{Circumstances, Page, Proof, closure};
pub use digest::{Digested, Sample, digest};
pub use history::{differences, members};
pub use one::{Brief, one};
pub use words::Cite;

#[cfg(test)]
#[path = "render/tests.rs"]
mod tests;
