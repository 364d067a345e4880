//! What a look saw, and what it could not see.

use super::credential;
use super::ids::{RoleOid, SystemIdentifier};
use super::inactivity::Activity;
use super::probes::Probing;
use super::residual::{Residual, ResidualKind, Strength};
use super::subject::Listed;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// A required surface that could not be read. With a gap, absence is not proved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// What was not seen.
    pub surface: ResidualKind,
    /// Where.
    pub target: String,
    /// Database, when the gap is in one of them only.
    pub database: Option<String>,
    /// Why it could not be read.
    pub reason: String,
    /// What makes it readable.
    pub fix: String,
    /// Class of the cause, for metrics.
    pub cause: Cause,
}

super::words::words! {
    /// Why a look could not see something; also the values of the metric label `cause`.
    Cause {
        /// Access was found after its deadline.
        ResidualAccess = "residual_access",
        /// No connection, or it broke.
        Unreachable = "unreachable",
        /// The server refused to show it.
        PermissionDenied = "permission_denied",
        /// It took too long.
        Timeout = "timeout",
        /// The canary of the target was not found: whatever else its looks do not show may be there.
        CanaryMissed = "canary_missed",
        /// Anything else, limits reached included.
        Internal = "internal",
    }
}

/// Something the verdict does not speak about, and why. Printed with every `revoked`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct NotCovered {
    /// What.
    pub surface: String,
    /// Why.
    pub reason: String,
}

/// One statement that was run: the evidence that a surface was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// What it reads.
    pub surface: ResidualKind,
    /// Where.
    pub target: String,
    /// Database connected to.
    pub database: String,
    /// Name of the statement.
    pub statement: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Rows it gave.
    pub rows: u64,
    /// Time it took, in microseconds.
    pub elapsed_us: u64,
}

/// The server that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// `pg_control_system().system_identifier`.
    pub system_identifier: SystemIdentifier,
    /// `server_version`, such as `15.18`.
    pub version: String,
    /// `server_version_num`, such as 150018.
    pub version_num: i32,
    /// A standby.
    pub in_recovery: bool,
    /// `pg_control_checkpoint().timeline_id`: for some time after a promotion the old one.
    pub timeline: i32,
    /// The target's clock less the agent's, in microseconds.
    pub clock_skew_us: i64,
    /// Role the agent is connected as.
    pub agent_role: String,
}

/// A further instance of the cluster that was looked at: its sessions are its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// Configured name.
    pub name: String,
    /// `server_version`.
    pub version: String,
    /// A standby.
    pub in_recovery: bool,
    /// Its clock less the agent's, in microseconds.
    #[serde(default)]
    pub clock_skew_us: i64,
}

/// A line of `pg_ident.conf` about a user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that was asked about, by which the user is meant.
    pub name: String,
    /// As whom that user comes in, as the line has it.
    pub leads: String,
    /// What the line says, but for the user.
    pub line: String,
    /// Where it stands.
    pub place: String,
    /// What it calls the user.
    pub word: String,
    /// Whether they come in now.
    pub strength: Strength,
}

/// A role of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RosterRole {
    /// `pg_roles.oid`.
    pub oid: RoleOid,
    /// `pg_roles.rolname`.
    pub name: String,
}

/// One look at one target. A look is not atomic and can fail part-way, so it carries its gaps: what
/// was seen proves presence, but only a look without gaps proves absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Configured name of the cluster.
    pub target: String,
    /// The agent's clock when the look began.
    pub started_at: UtcTime,
    /// The agent's clock when the look ended.
    pub ended_at: UtcTime,
    /// The agent's clock when the oldest evidence it rests on was read: `started_at`, or earlier where the
    /// access lists of a database were read by an earlier look and nothing told of a change since.
    pub deep_at: UtcTime,
    /// Databases of which an earlier look read the access lists.
    pub recalled: BTreeSet<String>,
    /// Who answered; `None` when nobody did.
    pub server: Option<Server>,
    /// Further instances that answered.
    pub instances: Vec<Instance>,
    /// Every role of the cluster; empty when it could not be read (there is a gap then).
    pub roster: Vec<RosterRole>,
    /// Those of them that may log in, by OID.
    pub logins: BTreeSet<RoleOid>,
    /// OIDs this look searched for.
    pub tracked: BTreeSet<RoleOid>,
    /// Names this look searched for.
    pub searched: BTreeSet<String>,
    /// What was still there, of every tracked account.
    pub residual: Vec<Residual>,
    /// Passwords of those tracked roles that are asked about.
    pub credentials: Vec<credential::Seen>,
    /// What the configured probes of this place told.
    pub probing: Probing,
    /// Sessions of roles that exist no more and are not tracked.
    pub vanished: Vec<Residual>,
    /// Lines of `pg_ident.conf` by which users of the system come in as some role who are called as somebody that was
    /// asked about, and not as a tracked role is.
    pub callers: Vec<Caller>,
    /// What PUBLIC has, and who else is a member of a tracked role. Shown, never decides.
    pub ambient: Vec<String>,
    /// What was not seen.
    pub gaps: Vec<Gap>,
    /// Of which tracked role more is there than was read, and what that leaves open. It says nothing about the
    /// others. What was read of the role is in `residual`.
    pub partly: BTreeMap<RoleOid, Vec<Gap>>,
    /// What nobody tried to see.
    pub not_covered: Vec<NotCovered>,
    /// What was read.
    pub coverage: Vec<Coverage>,
    /// Rights of the agent's own role beyond reading, in words.
    pub excess: Vec<String>,
    /// Who uses their accounts, where that was asked for.
    pub activity: Option<Activity>,
    /// Whose roles are whose by the mapping query, or why it told nothing; `None` where it was not asked.
    pub listed: Option<Result<Listed, String>>,
}

impl Observation {
    /// A look that has not seen anything yet.
    #[must_use]
    pub fn begun(target: &str, started_at: UtcTime) -> Self {
        Self {
            target: target.to_owned(),
            started_at,
            ended_at: started_at,
            deep_at: started_at,
            recalled: BTreeSet::new(),
            server: None,
            instances: Vec::new(),
            roster: Vec::new(),
            logins: BTreeSet::new(),
            tracked: BTreeSet::new(),
            searched: BTreeSet::new(),
            residual: Vec::new(),
            credentials: Vec::new(),
            probing: Probing::default(),
            vanished: Vec::new(),
            callers: Vec::new(),
            ambient: Vec::new(),
            gaps: Vec::new(),
            partly: BTreeMap::new(),
            not_covered: Vec::new(),
            coverage: Vec::new(),
            excess: Vec::new(),
            activity: None,
            listed: None,
        }
    }

    /// Gives back the room that lists of findings took in advance: most findings have one way, and a list of one is made
    /// for four.
    pub fn compact(&mut self) {
        for found in &mut self.residual {
            found.ways.shrink_to_fit();
            found.via.shrink_to_fit();
        }
        self.residual.shrink_to_fit();
        self.roster.shrink_to_fit();
    }

    /// What the clock by which `found` is dated differs from the agent's, in microseconds: that of the instance where it was
    /// seen. `None` when nobody knows.
    #[must_use]
    pub fn clock_skew_of(&self, found: &Residual) -> Option<i64> {
        match &found.instance {
            None => Some(self.server.as_ref()?.clock_skew_us),
            Some(name) => Some(self.instances.iter().find(|one| one.name == *name)?.clock_skew_us),
        }
    }

    /// The role with this OID, if the cluster has it.
    #[must_use]
    pub fn role(&self, oid: RoleOid) -> Option<&RosterRole> {
        self.roster.iter().find(|role| role.oid == oid)
    }

    /// Whether this look itself saw `found`, and did not remember it.
    #[must_use]
    pub fn saw(&self, found: &Residual) -> bool {
        use ResidualKind as K;
        let kept = matches!(
            found.kind,
            K::Privilege
                | K::Ownership
                | K::DefaultPrivilege
                | K::Policy
                | K::UserMapping
                | K::DanglingAcl
                | K::Job
        );
        if found.kind == K::Probe {
            let name = found.object.as_deref().unwrap_or_default();
            return found.account.target == self.target
                && self.probing.asked_now(name, self.started_at);
        }
        let recalled = found.database.as_ref().is_some_and(|name| self.recalled.contains(name));
        found.account.target == self.target && !(kept && recalled)
    }

    /// Whether every role of the cluster was read.
    #[must_use]
    pub fn roles_read(&self) -> bool {
        !self.roster.is_empty() && !self.gaps.iter().any(|gap| gap.surface == ResidualKind::Login)
    }

    /// Whether nobody answered. A system that is no target has no server, and a probe that told nothing is a gap.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.server.is_none() && !self.gaps.is_empty()
    }

    /// Nothing required stayed unread.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.gaps.is_empty()
    }
}
