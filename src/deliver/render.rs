//! From a record that is in the log to a message. Pure. What is said of a revocation is what the log holds of it; no
//! person is named, and no reason in anybody's own words.

pub mod attestation;
mod beside;
mod campaign;
mod closure;
mod digest;
mod event;
mod history;
mod one;
mod outline;
mod part;
mod words;

pub use beside::Beside;
pub use campaign::{Chased, campaign};
pub use closure::{Circumstances, Page, Proof, closure};
pub use digest::{Digested, Sample, digest};
pub use event::{Event, Late, Missed, event, late, test};
pub use history::{differences, members};
pub use one::{Brief, one};
pub use outline::outline;
pub use words::Cite;

#[cfg(test)]
#[path = "render/tests.rs"]
mod tests;
