//! A store, a log, a deliverer and endpoints, put together as the agent does.

use crate::common::endpoint::Endpoint;
use crate::common::logbook::Logbook;
pub(crate) use crate::common::telling::Running;
use crate::desk::Office;
use std::ops::Deref;
use tempfile::TempDir;

pub(crate) struct Hooked {
    office: Office,
    pub(crate) endpoint: Endpoint,
    pub(crate) home: TempDir,
}

impl Deref for Hooked {
    type Target = Office;

    fn deref(&self) -> &Office {
        &self.office
    }
}

/// The section with the endpoint `tickets`. `more` has further keys of it.
pub(crate) fn section(endpoint: &Endpoint, more: &str) -> String {
    format!("webhooks_out: {{{}}}\n", endpoint.config("tickets", more))
}

impl Hooked {
    /// With one endpoint, `tickets`. `more` has further keys of it.
    pub(crate) async fn new(more: &str) -> Self {
        let endpoint = Endpoint::start().await;
        let section = section(&endpoint, more);
        Self::of(endpoint, section)
    }

    pub(crate) fn of(endpoint: Endpoint, section: String) -> Self {
        let home = tempfile::tempdir().unwrap();
        endpoint.write_files(home.path());
        let logbook = Logbook::new();
        endpoint.against(logbook.log_dir());
        let office = Office::at(logbook, home.path().to_owned(), section);
        Self { office, endpoint, home }
    }
}
