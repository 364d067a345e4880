//! Where URLs of Postgres lead: servers of a target, and by which role.

use super::{Config, TargetConfig};
use crate::domain::address::Address;
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr as _;

/// Where a URL leads; never its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The server.
    pub server: Address,
    /// The role that it lets in.
    pub role: String,
    /// The database.
    pub database: String,
}

impl Endpoint {
    /// Where `url` leads; `None`: it is no URL of Postgres.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let of_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let options = PgConnectOptions::from_str(url).ok().filter(|_| of_postgres)?;
        let socket = options.get_socket().map(|dir| dir.display().to_string());
        let role = options.get_username().to_owned();
        Some(Self {
            server: Address {
                // An address of version 6 is in brackets where a port may follow.
                host: socket
                    .unwrap_or_else(|| options.get_host().trim_matches(['[', ']']).to_owned()),
                port: options.get_port(),
            },
            database: options.get_database().map_or_else(|| role.clone(), str::to_owned),
            role,
        })
    }

    /// Whether both are one role of one server, however they are written. A role is that of all databases of a server.
    #[must_use]
    pub fn is_role_of(&self, other: &Self) -> bool {
        self.role == other.role && self.server.is(&other.server)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, database {}, as {}", self.server, self.database, self.role)
    }
}

impl TargetConfig {
    /// Where its URLs lead, its own first. One that cannot be used is left out.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        let urls = std::iter::once(&self.url).chain(self.instances.values());
        urls.filter_map(|url| Endpoint::of(url.expose_secret()))
    }

    /// Its servers, that of its own URL first. One whose URL cannot be used is left out.
    #[must_use]
    pub fn servers(&self) -> Vec<Address> {
        self.endpoints().map(|endpoint| endpoint.server).collect()
    }
}

impl Config {
    /// The servers of each target.
    #[must_use]
    pub fn servers(&self) -> BTreeMap<String, Vec<Address>> {
        self.targets.iter().map(|target| (target.name.clone(), target.servers())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn one_role_of_one_server_however_it_is_written() {
        let one = |a: &str, b: &str| Endpoint::of(a).unwrap().is_role_of(&Endpoint::of(b).unwrap());
        let agent = "postgres://agent@localhost/x";
        for same in [
            "postgresql://agent:hush@127.0.0.1:5432/x?sslmode=disable",
            "postgres://agent@LOCALHOST/another",
            "postgres:///x?host=/var/run/postgresql&user=agent",
            "postgres://[::1]/x?user=agent",
        ] {
            assert!(one(agent, same), "{same}");
        }
        for other in [
            "postgres://tracker@localhost/x",
            "postgres://agent@localhost:5433/x",
            "postgres://agent@db.example/x",
        ] {
            assert!(!one(agent, other), "{other}");
        }
        let said = Endpoint::of("postgres://t:hush@db.example:5433/ops").unwrap().to_string();
        assert_eq!(said, "db.example port 5433, database ops, as t");
        assert_eq!(Endpoint::of("mysql://db.example/x"), None);
    }
}
