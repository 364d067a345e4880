//! What `intake/kinds.rs` names of the configuration. The module of the library has everything else behind it, and no
//! target comes here.

use crate::domain::checklist::Item;
use crate::domain::revocation::{Kind, Reason};
use crate::domain::time::UtcTime;

/// A configuration that only has a checklist.
pub struct Config {
    /// Items of it.
    pub checklist: Vec<ItemConfig>,
}

/// One item.
pub struct ItemConfig(Option<Item>);

impl ItemConfig {
    /// The item of a revocation.
    #[must_use]
    pub fn of(&self, _: Kind, _: Reason, _: UtcTime) -> Option<Item> {
        self.0.clone()
    }
}
