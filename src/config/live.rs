//! The configuration in force, which a reload replaces.

use super::Config;
use std::sync::Arc;
use tokio::sync::watch;

/// Sees the configuration in force. Clones see the same one.
#[derive(Clone, Debug)]
pub struct Live(watch::Receiver<Arc<Config>>);

/// Replaces the configuration in force.
#[derive(Debug)]
pub struct Replacer(watch::Sender<Arc<Config>>);

impl Live {
    /// `config`, and who may replace it.
    #[must_use]
    pub fn new(config: Config) -> (Self, Replacer) {
        let (sender, receiver) = watch::channel(Arc::new(config));
        (Self(receiver), Replacer(sender))
    }

    /// The configuration in force. Ask once per piece of work, so that all of it is done under one.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        self.0.borrow().clone()
    }

    /// Waits until it was replaced; for ever, once nobody can replace it any more.
    pub async fn changed(&mut self) -> Arc<Config> {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().clone()
    }
}

impl Replacer {
    /// Puts `config` in force.
    pub fn replace(&self, config: Config) {
        self.0.send_replace(Arc::new(config));
    }

    /// The configuration in force.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        self.0.borrow().clone()
    }
}
