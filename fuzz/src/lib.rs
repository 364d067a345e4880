//! What of `revoked` reads bytes that strangers give, compiled by itself: without the store, the servers and what they
//! depend on it is built in a minute, and the fuzzer does not count code that it cannot reach.

#![allow(dead_code, reason = "what the other modules of the library use is not used here")]

#[path = "../../src"]
mod library {
    pub mod audit {
        pub mod cosign;
        pub mod format;
        pub mod key;
        pub mod line;
        pub mod signed;
        pub mod signer;
        pub mod tree;
        pub mod verify;
    }
    pub mod clock;
    pub mod domain;
}
#[path = "../../src/intake"]
pub mod intake {
    pub mod csv;
    mod kinds;
    pub mod submission;
}

pub use library::{audit, clock, domain};

pub mod config;
pub mod forge;
pub mod good;

/// Whether a text can be printed on a terminal: nothing of what was read may steer it.
#[must_use]
pub fn is_plain(text: &impl std::fmt::Display) -> bool {
    !text.to_string().contains(|c: char| c.is_control() && c != '\n')
}
