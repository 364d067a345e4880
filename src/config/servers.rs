//! Where the servers of a target are.

use super::{Config, TargetConfig};
use crate::domain::address::Address;
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use std::collections::BTreeMap;
use std::str::FromStr as _;

impl TargetConfig {
    /// Its servers, that of its own URL first. One whose URL cannot be used is left out.
    #[must_use]
    pub fn servers(&self) -> Vec<Address> {
        std::iter::once(&self.url)
            .chain(self.instances.values())
            .filter_map(|url| PgConnectOptions::from_str(url.expose_secret()).ok())
            .map(|options| {
                let socket = options.get_socket().map(|dir| dir.display().to_string());
                Address {
                    host: socket.unwrap_or_else(|| options.get_host().to_owned()),
                    port: options.get_port(),
                }
            })
            .collect()
    }
}

impl Config {
    /// The servers of each target.
    #[must_use]
    pub fn servers(&self) -> BTreeMap<String, Vec<Address>> {
        self.targets.iter().map(|target| (target.name.clone(), target.servers())).collect()
    }
}
