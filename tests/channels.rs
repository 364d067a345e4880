//! Every channel by which access survives what people call a revocation, on real servers. For each: the
//! role acts, the look finds exactly that, it is taken away, the look finds nothing, and the role is refused.

mod common;

#[path = "channels/harness.rs"]
mod harness;

#[path = "channels/access.rs"]
mod access;
#[path = "channels/around.rs"]
mod around;
#[path = "channels/attributes.rs"]
mod attributes;
#[path = "channels/defaults.rs"]
mod defaults;
#[path = "channels/edited.rs"]
mod edited;
#[path = "channels/memberships.rs"]
mod memberships;
#[path = "channels/ownership.rs"]
mod ownership;
#[path = "channels/sessions.rs"]
mod sessions;
