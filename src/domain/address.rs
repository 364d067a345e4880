//! Where a server is.

use super::probe::Path;
use std::fmt;

/// Address and port of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name, address, or directory of the socket.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Whether it is on the machine of whoever uses it.
    fn is_here(&self) -> bool {
        let numbers = |c: char| c.is_ascii_digit() || c == '.';
        self.is_socket()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host == "::1"
            || self.host.starts_with("127.") && self.host.chars().all(numbers)
    }

    /// Whether both name one server: the same text, or one machine by its loopback and its socket. Other names of one
    /// server are not known to be that.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let sockets = self.is_socket() && other.is_socket();
        let host = if sockets {
            self.host.trim_end_matches('/') == other.host.trim_end_matches('/')
        } else {
            self.host.eq_ignore_ascii_case(&other.host) || self.is_here() && other.is_here()
        };
        host && self.port == other.port
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self { host: path.host.clone(), port: path.port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.host, self.port)
    }
}

/// All of them, in words.
#[must_use]
pub fn in_words(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_or_another() {
        let at = |text: &str| {
            let (host, port) = text.rsplit_once(' ').unwrap();
            Address { host: host.to_owned(), port: port.parse().unwrap() }
        };
        let one = |a: &str, b: &str| at(a).is(&at(b)) && at(b).is(&at(a));
        assert!(one("db.example 5432", "DB.example 5432"));
        assert!(one("127.0.0.1 5432", "localhost 5432"));
        assert!(one("::1 5432", "/var/run/postgresql 5432"));
        assert!(one("/tmp 5432", "/tmp/ 5432"));
        assert!(!one("127.0.0.1.example 5432", "localhost 5432"));
        assert!(!one("db.example 5432", "db.example 5433"));
        assert!(!one("127.0.0.1 5432", "127.0.0.1 5433"));
        assert!(!one("db.example 5432", "127.0.0.1 5432"));
        assert!(!one("db.example 5432", "db2.example 5432"));
        assert!(!one("/tmp 5432", "/var/run/postgresql 5432"));
    }
}
