//! Looking at a Postgres cluster. Reads only; what cannot be read is a gap.
//!
//! A look is made of three parts, each in its own read-only transaction (why in this order:
//! `ARCHITECTURE.md`, "A look"):
//!
//! 1. prepared transactions, then one snapshot of what the whole cluster shares;
//! 2. sessions, in a new transaction after the role state, because `pg_stat_activity` is frozen within one;
//! 3. each database: access lists and owners, compared with `pg_shdepend` in the same snapshot.

mod cluster;
mod compare;
mod database;
mod door;
mod memberships;
mod prepared;
mod reach;
mod rows;
mod session;
mod sessions;
pub mod statements;
mod trouble;

pub use session::Limits;

use crate::clock;
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::plan::Membership;
use cluster::Cluster;
use door::Doors;
use session::{Session, Way};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use statements::{CLUSTER_SURFACES, DATABASE_SURFACES};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use trouble::Trouble;

/// One configured cluster.
#[derive(Clone)]
pub struct Target {
    name: String,
    options: PgConnectOptions,
    limits: Limits,
    shdepend_only: BTreeSet<String>,
    doors: Doors,
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
}

/// What a look searches for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Role names.
    pub names: BTreeSet<String>,
    /// Roles known by OID.
    pub oids: BTreeSet<RoleOid>,
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
}

impl Target {
    /// A target from its URL. Over TCP the server's certificate and name are verified unless the URL says
    /// otherwise (`sslmode=`); a Unix socket needs no TLS.
    ///
    /// # Errors
    /// When the URL is not one of Postgres.
    pub fn from_url(name: &str, url: &str) -> Result<Self, BadUrl> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(BadUrl::Scheme);
        }
        // A password with a bare `/` ends the host early: its rest would become the name of a database, which
        // is no secret.
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        if path.is_some_and(|(_, path)| path.split('?').next().is_some_and(|p| p.contains('@'))) {
            return Err(BadUrl::Syntax(
                "it has an @ after the first /; in a password or a name write / as %2F and @ as %40".to_owned(),
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
            let socket = options.get_socket().is_some() || options.get_host().starts_with('/');
            options =
                options.ssl_mode(if socket { PgSslMode::Prefer } else { PgSslMode::VerifyFull });
        }
        Ok(Self {
            name: name.to_owned(),
            options,
            limits: Limits::default(),
            shdepend_only: BTreeSet::new(),
            doors: Doors::default(),
        })
    }

    /// Databases that are judged by `pg_shdepend` alone, because the provider keeps others out of them.
    #[must_use]
    pub fn shdepend_only(mut self, databases: impl IntoIterator<Item = String>) -> Self {
        self.shdepend_only.extend(databases);
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

    /// How the server is reached, in words for people.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        if self.over_socket() {
            return "over a Unix socket";
        }
        match self.options.get_ssl_mode() {
            PgSslMode::VerifyFull => "over TLS; certificate and name are verified",
            PgSslMode::VerifyCa => "over TLS; the certificate is verified, the name is not",
            PgSslMode::Require => "over TLS, but nobody verifies whose",
            PgSslMode::Prefer | PgSslMode::Allow => "over TCP; without TLS if the server has none",
            PgSslMode::Disable => "over TCP without TLS",
        }
    }

    /// Whether nobody on the way can read or change what the server says.
    #[must_use]
    pub fn transport_is_safe(&self) -> bool {
        self.over_socket()
            || matches!(self.options.get_ssl_mode(), PgSslMode::VerifyFull | PgSslMode::VerifyCa)
    }

    fn over_socket(&self) -> bool {
        self.options.get_socket().is_some() || self.options.get_host().starts_with('/')
    }

    /// Looks for what `wanted` has. Always gives an observation: what failed is a gap in it.
    pub async fn look(&self, wanted: &Wanted) -> Observation {
        self.look_with_facts(wanted).await.0
    }

    /// As [`look`](Self::look), with what a plan needs.
    pub async fn look_with_facts(&self, wanted: &Wanted) -> (Observation, Facts) {
        let mut observation = Observation::begun(&self.name, clock::now());
        observation.searched.clone_from(&wanted.names);
        let mut facts = Facts::default();
        let way = Way::new(&self.options, &self.doors, self.limits);
        let mut session = Session::open(&way, None, &mut observation).await;
        if let Some(trouble) = session.broken().cloned() {
            session.close().await;
            observation.gaps.extend(self.nobody_answers(&trouble));
        } else {
            let cluster = cluster::read(&mut session, wanted).await;
            session.close().await;
            facts.database_owner =
                cluster.databases.iter().map(|d| (d.name.clone(), d.owner.clone())).collect();
            let closed = cluster.databases.iter().filter(|d| !d.allows_connections);
            facts.closed = closed.map(|d| d.name.clone()).collect();
            facts.superusers.clone_from(&cluster.superusers);
            facts.memberships.clone_from(&cluster.memberships);
            self.look_into_databases(&way, &cluster, &mut observation).await;
        }
        observation.not_covered.extend(self.unread());
        observation.residual.sort();
        // Default privileges of one role on tables and on functions differ in the kind of object alone.
        observation
            .residual
            .dedup_by(|a, b| a.identity() == b.identity() && a.object_type == b.object_type);
        observation.ended_at = clock::now();
        (observation, facts)
    }

    /// What this version never reads, said with every answer.
    fn unread(&self) -> impl Iterator<Item = NotCovered> + '_ {
        const UNREAD: &[(&str, &str)] = &[
            (
                "pg_hba.conf and pg_ident.conf",
                "their rules are not read: NOLOGIN is what is proved",
            ),
            ("passwords and other credentials", "whether a secret still works is not tried"),
            ("poolers and applications", "accounts outside Postgres are not looked at"),
        ];
        UNREAD.iter().map(|(surface, reason)| NotCovered {
            surface: format!("{surface} of {}", self.name),
            reason: (*reason).to_owned(),
        })
    }

    fn nobody_answers(&self, trouble: &Trouble) -> Vec<Gap> {
        CLUSTER_SURFACES
            .iter()
            .map(|surface| Gap {
                surface: *surface,
                target: self.name.clone(),
                database: None,
                reason: trouble.reason.clone(),
                fix: trouble.fix.clone(),
                cause: trouble.cause,
            })
            .collect()
    }

    async fn look_into_databases(
        &self,
        way: &Way<'_>,
        cluster: &Cluster,
        observation: &mut Observation,
    ) {
        let mut shared_read = false;
        for database in &cluster.databases {
            let alone = if self.shdepend_only.contains(&database.name) {
                Some("is listed under shdepend_only")
            } else if !database.allows_connections {
                Some("does not accept connections")
            } else {
                None
            };
            if let Some(why) = alone {
                observation.not_covered.push(NotCovered {
                    surface: format!("access lists of {}/{}", self.name, database.name),
                    reason: format!("judged by pg_shdepend alone: {} {why}", database.name),
                });
                observation.residual.extend(cluster.by_dependency_alone(database));
                continue;
            }
            if !database.may_connect {
                observation.residual.extend(cluster.by_dependency_alone(database));
                observation.gaps.extend(self.may_not_connect(&database.name, observation));
                continue;
            }
            let mut session = Session::open(way, Some(&database.name), observation).await;
            shared_read |= database::read(&mut session, cluster, database).await;
            session.close().await;
        }
        if !shared_read {
            observation.residual.extend(cluster.shared_by_dependency_alone());
        }
    }

    fn may_not_connect(&self, database: &str, observation: &Observation) -> Vec<Gap> {
        let agent =
            observation.server.as_ref().map_or("the agent's role", |s| s.agent_role.as_str());
        DATABASE_SURFACES
            .iter()
            .map(|surface| Gap {
                surface: *surface,
                target: self.name.clone(),
                database: Some(database.to_owned()),
                reason: format!("{agent} may not connect to database {database}"),
                fix: format!(
                    "GRANT CONNECT ON DATABASE {} TO {};",
                    crate::domain::plan::quote::ident(database),
                    crate::domain::plan::quote::ident(agent)
                ),
                cause: Cause::PermissionDenied,
            })
            .collect()
    }
}
