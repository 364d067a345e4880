//! Looking at a Postgres cluster. Reads only; what cannot be read is a gap.
//!
//! A look is made of three parts, each in its own read-only transaction (why in this order:
//! `ARCHITECTURE.md`, "A look"):
//!
//! 1. prepared transactions, then one snapshot of what the whole cluster shares (`cluster`, `shared`);
//! 2. sessions, in a new transaction after the role state, because `pg_stat_activity` is frozen within one, on
//!    every instance (`sessions`, `instance`);
//! 3. each database: access lists and owners, compared with `pg_shdepend` in the same snapshot (`database`). It
//!    is dear, so a look that goes before a decision reads all of them, and others only what is due (`memory`).

mod activity;
mod arriving;
mod attributes;
mod before;
mod catalog;
mod cluster;
mod compare;
mod consumers;
mod credentials;
mod database;
mod door;
mod files;
mod hba;
mod ident;
mod instance;
mod jobs;
mod look;
mod mapping;
mod memberships;
mod memory;
mod prepared;
pub mod probe;
mod probes;
mod rows;
mod selftest;
mod server;
mod session;
mod sessions;
mod share;
mod shared;
mod slots;
mod standby;
pub mod statements;
mod survey;
mod trouble;

pub use credentials::Secrets;
pub use session::Limits;
pub use survey::Survey;

use crate::domain::ids::RoleOid;
use crate::domain::inactivity::SeenQuery;
use crate::domain::plan::Membership;
use crate::domain::plan::locks::Held;
use crate::domain::probes::{Person, SqlProbe};
use crate::domain::residual::ResidualKind;
use door::Doors;
use memory::Memory;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

/// One configured cluster. Clones share what they remember of it.
#[derive(Clone)]
pub struct Target {
    name: String,
    options: PgConnectOptions,
    doors: Doors,
    /// Further instances of the cluster.
    instances: Vec<OtherInstance>,
    limits: Limits,
    pace: Pace,
    shdepend_only: BTreeSet<String>,
    /// Surfaces that have to be seen beside those that always have to.
    required: BTreeSet<ResidualKind>,
    memory: Memory,
    /// Statements that are asked about subjects.
    probes: Vec<SqlProbe>,
    told: probes::Memory,
}

/// A further instance of a cluster.
#[derive(Clone)]
struct OtherInstance {
    name: String,
    options: PgConnectOptions,
    doors: Doors,
}

/// How long the access lists of a database that were read are taken for what they are now.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// At most this long, whatever else is known.
    pub deep: Duration,
    /// This long without asking the server's statistics for a change.
    pub compare: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { deep: Duration::from_secs(300), compare: Duration::from_secs(30) }
    }
}

/// How much a look reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    #[default]
    Full,
    /// What changes fast, and the access lists of those databases for which it is time.
    Due,
}

impl std::fmt::Debug for Target {
    /// The name only: connection options hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A connection URL that cannot be used. Never repeats the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BadUrl {
    /// Not a Postgres URL.
    #[error(
        "it must begin with postgres:// or postgresql://, as in postgres://agent@db.example/orders"
    )]
    Scheme,
    /// The scheme is right, the rest is not.
    #[error("{0}")]
    Syntax(String),
    /// An instance's URL names another database than the target's own. Neither is repeated: in a URL that was
    /// misread it may be a part of a password.
    #[error(
        "instance {0}: its URL names another database than the target's own; the agent reads what the cluster \
         shares in one database, whichever instance is the primary: name the same one, or none"
    )]
    OtherDatabase(String),
}

/// What a look searches for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Role names.
    pub names: BTreeSet<String>,
    /// Roles known by OID.
    pub oids: BTreeSet<RoleOid>,
    /// Further names by which a user of the system may come in as some role: earlier ones of roles.
    pub callers: BTreeSet<String>,
    /// Whose passwords are asked about, if anybody's.
    pub secrets: Option<Secrets>,
    /// How much is read.
    pub depth: Depth,
    /// Whom probes are asked about.
    pub people: Vec<Person>,
    /// Every probe is tried about nobody, to see whether it can be asked.
    pub rehearse: bool,
    /// Who uses their accounts, if that is asked.
    pub activity: Option<AskedActivity>,
    /// The query that tells whose roles are whose, where it is asked here and it is its turn.
    pub mapping: Option<SeenQuery>,
}

/// What is asked about the use of accounts.
#[derive(Clone, Debug, Default)]
pub struct AskedActivity {
    /// A configured query that tells more than sessions do, where it is its turn.
    pub query: Option<SeenQuery>,
}

/// What a plan needs beside the residual.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Owner of each database.
    pub database_owner: BTreeMap<String, String>,
    /// Databases that take no connections.
    pub closed: BTreeSet<String>,
    /// Roles that may do everything.
    pub superusers: BTreeSet<String>,
    /// Every membership of the cluster.
    pub memberships: Vec<Membership>,
    /// Locks of prepared transactions, of a [full](Depth::Full) look.
    pub locks: Vec<Held>,
}

impl Target {
    /// A target from its URL. Over TCP the server's certificate and name are verified unless the URL says
    /// otherwise (`sslmode=`); a Unix socket needs no TLS.
    ///
    /// # Errors
    /// When the URL is not one of Postgres.
    pub fn from_url(name: &str, url: &str) -> Result<Self, BadUrl> {
        Ok(Self {
            name: name.to_owned(),
            options: options(url)?,
            required: BTreeSet::new(),
            doors: Doors::default(),
            instances: Vec::new(),
            limits: Limits::default(),
            pace: Pace::default(),
            shdepend_only: BTreeSet::new(),
            memory: Memory::default(),
            probes: Vec::new(),
            told: probes::Memory::default(),
        })
    }

    /// A further instance of the cluster, such as a standby: it has sessions of its own. Whichever of all
    /// instances is the primary is asked for what they share.
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url), and when it is to another database than the target's own URL.
    pub fn instance(mut self, name: &str, url: &str) -> Result<Self, BadUrl> {
        let (name, options) = (name.to_owned(), options(url)?);
        let own = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        if options.get_database().is_some_and(|named| named != own) {
            return Err(BadUrl::OtherDatabase(name));
        }
        // As libpq would without a name, but for the whole target.
        let options = options.database(own);
        self.instances.push(OtherInstance { name, options, doors: Doors::default() });
        Ok(self)
    }

    /// Databases that are judged by `pg_shdepend` alone, because the provider keeps others out of them.
    #[must_use]
    pub fn shdepend_only(mut self, databases: impl IntoIterator<Item = String>) -> Self {
        self.shdepend_only.extend(databases);
        self
    }

    /// Surfaces that have to be seen here beside those that always have to: of [`ResidualKind::OPTIONAL`].
    #[must_use]
    pub fn require(mut self, surfaces: impl IntoIterator<Item = ResidualKind>) -> Self {
        self.required.extend(surfaces);
        self
    }

    /// Statements that are asked about subjects.
    #[must_use]
    pub fn probes(mut self, probes: impl IntoIterator<Item = SqlProbe>) -> Self {
        self.probes.extend(probes);
        self
    }

    /// Replaces the time limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long what was read of a database is taken for what it is now.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// How its instances are reached, the least safe way of them, in words for people.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        let ways = self.ways().map(transport_of);
        ways.min_by_key(|(safety, _)| *safety).map_or("", |(_, words)| words)
    }

    /// Whether nobody on the way can read or change what the servers say.
    #[must_use]
    pub fn transport_is_safe(&self) -> bool {
        self.ways().all(|options| transport_of(options).0 >= SAFE)
    }

    /// Names of its further instances.
    pub fn instance_names(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().map(|other| other.name.as_str())
    }

    fn ways(&self) -> impl Iterator<Item = &PgConnectOptions> {
        std::iter::once(&self.options).chain(self.instances.iter().map(|other| &other.options))
    }
}

/// From here on somebody is verified.
const SAFE: u8 = 3;

/// How safe a way is, and in words.
fn transport_of(options: &PgConnectOptions) -> (u8, &'static str) {
    if over_socket(options) {
        return (5, "over a Unix socket");
    }
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull => (4, "over TLS; certificate and name are verified"),
        PgSslMode::VerifyCa => (SAFE, "over TLS; the certificate is verified, the name is not"),
        PgSslMode::Require => (2, "over TLS, but nobody verifies whose"),
        PgSslMode::Prefer | PgSslMode::Allow => (1, "over TCP; without TLS if the server has none"),
        PgSslMode::Disable => (0, "over TCP without TLS"),
    }
}

fn over_socket(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

/// How to connect, by a URL.
fn options(url: &str) -> Result<PgConnectOptions, BadUrl> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(BadUrl::Scheme);
    }
    // A password with a bare `/` ends the host early: its rest would become the name of a database, which
    // is no secret.
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if path.is_some_and(|(_, path)| path.split('?').next().is_some_and(|p| p.contains('@'))) {
        return Err(BadUrl::Syntax(
            "it has an @ after the first /; in a password or a name write / as %2F and @ as %40"
                .to_owned(),
        ));
    }
    let mut options = PgConnectOptions::from_str(url).map_err(|error| {
        let sqlx::Error::Configuration(source) = error else {
            return BadUrl::Syntax("it is not a connection URL".to_owned());
        };
        BadUrl::Syntax(source.to_string())
    })?;
    let told = url.contains("sslmode=") || url.contains("ssl-mode=");
    if !told && std::env::var_os("PGSSLMODE").is_none() {
        let socket = over_socket(&options);
        options = options.ssl_mode(if socket { PgSslMode::Prefer } else { PgSslMode::VerifyFull });
    }
    Ok(options)
}
