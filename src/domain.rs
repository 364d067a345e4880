//! What the product is about, and nothing else: no async, no I/O, no clock, no SQL statements run.
//!
//! Time is an argument, a look is a value, and every rule is a function of its arguments. That is what
//! lets the verdict rules be tested as tables and a whole life of a revocation as a script.

pub mod account;
pub mod acknowledged;
pub mod address;
pub mod attestation;
pub mod before;
pub mod campaign;
pub mod canary;
pub mod checklist;
pub mod claims;
pub mod credential;
pub mod delivery;
pub mod effective;
pub mod emergency;
pub mod erasure;
pub mod exception;
pub mod expectation;
pub mod graph;
pub mod hex;
pub mod identity;
pub mod ids;
pub mod inactivity;
pub mod lifecycle;
pub mod lineage;
pub mod link;
pub mod milestone;
pub mod notice;
pub mod observation;
pub mod page;
pub mod plan;
pub mod population;
pub mod powers;
pub mod probe;
pub mod probes;
pub mod profile;
pub mod relapse;
pub mod request;
pub mod residual;
pub mod revocation;
pub mod strength;
pub mod subject;
pub mod time;
pub mod uses;
pub mod verdict;
pub(crate) mod words;
