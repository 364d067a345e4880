//! The file as it is written. Its JSON schema comes from here, so the comments are for its readers.

use super::anchors::{GitConfig, TsaConfig, WitnessConfig};
use super::checklist::{ItemFile, SecretFile};
use super::external::ExternalFile;
use super::probes::ProbeFile;
use super::secret::Secret;
use super::senders::Scope;
use super::sources::{Field, Scheme};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Configuration of revoked. Relative paths are relative to the file. Durations are texts such as 30s, 15m, 4h
/// or 400d.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Directory of the agent's state: store, audit log, keys and socket, unless they are put elsewhere.
    pub(super) state_dir: PathBuf,
    /// Where state is kept; SQLite in state_dir without it.
    pub(super) store: Option<StoreFile>,
    /// The audit log.
    pub(super) log: Option<LogFile>,
    /// Addresses to listen at.
    pub(super) listen: Option<ListenFile>,
    /// Clusters to look at, by name.
    pub(super) targets: BTreeMap<String, TargetFile>,
    /// Who may use the API, by name.
    #[serde(default)]
    pub(super) tokens: BTreeMap<String, TokenFile>,
    /// Time between looks, 1s to 1h; 8s without it.
    pub(super) look_interval: Option<String>,
    /// Longest time between two readings of all access lists of a database, 10s to 1d; 5m without it. They are
    /// read sooner when anything tells of a change, and before each decision.
    pub(super) deep_interval: Option<String>,
    /// Time between the first clean look and the one that confirms it, 1s to 1d; 60s without it.
    pub(super) verification_delay: Option<String>,
    /// How long a verified revocation is looked at; 400d without it.
    pub(super) watch: Option<String>,
    /// Time allowed per reason.
    #[serde(default)]
    pub(super) profiles: BTreeMap<String, ProfileFile>,
    /// Zone in which dates and local times are meant (IANA name); UTC without it.
    pub(super) time_zone: Option<String>,
    /// What is particular to a sender: by token, by uid:N for commands, or by TOKEN/SYSTEM.
    #[serde(default)]
    pub(super) sources: BTreeMap<String, SourceFile>,
    /// Who has to agree to what keeps access.
    #[serde(default)]
    pub(super) approvals: Approvals,
    /// Somebody else approves an emergency revocation within so long afterwards, 1s to 30d; 4h without it.
    pub(super) emergency_approval: Option<String>,
    /// Most time that a notice may allow after the effect by its own `deadline`, 60s to 3700d; 90d without it.
    pub(super) longest_deadline: Option<String>,
    /// What a ticket that somebody gives has to look like, a regular expression for the whole of it.
    pub(super) ticket_pattern: Option<String>,
    /// Permissions to keep access.
    #[serde(default)]
    pub(super) exceptions: super::exceptions::ExceptionsFile,
    /// Which roles belong to whom.
    #[serde(default)]
    pub(super) subjects: SubjectsFile,
    /// What belongs to a vendor, by its id in notices.
    #[serde(default)]
    pub(super) vendors: BTreeMap<String, VendorFile>,
    /// Roles that give a permission, by the permission's name in notices.
    #[serde(default)]
    pub(super) permissions: BTreeMap<String, Vec<String>>,
    /// Who may push security event tokens (Shared Signals).
    pub(super) ssf: Option<super::ssf::SsfFile>,
    /// A folder whose files of notices are read.
    pub(super) inbox: Option<super::inbox::InboxFile>,
    /// Where people are told of revocations.
    pub(super) slack: Option<super::slack::SlackFile>,
    /// Where a record of each closed revocation is filed.
    pub(super) confluence: Option<super::confluence::ConfluenceFile>,
    /// Attestations of what was revoked, filed at the end of each period.
    #[serde(default)]
    pub(super) attestations: Vec<super::attestations::AttestationFile>,
    /// Endpoints of other systems that are told by signed requests (Standard Webhooks), by name.
    #[serde(default)]
    pub(super) webhooks_out: BTreeMap<String, super::webhooks::WebhookFile>,
    /// Rotation campaigns: who still uses an old credential is reminded.
    pub(super) chaser: Option<super::chaser::ChaserFile>,
    /// Other systems that are asked about each subject, by name.
    #[serde(default)]
    pub(super) external: BTreeMap<String, ExternalFile>,
    /// What people attest, by name. It never decides a verdict.
    #[serde(default)]
    pub(super) checklist: BTreeMap<String, ItemFile>,
    /// Shared secrets and who knows them, by name.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, SecretFile>,
    /// Accounts that nobody uses: a suspension is expected of each. Off without it.
    pub(super) inactivity: Option<super::inactivity::InactivityFile>,
    /// The keys of an earlier revocation script. timing sets profiles, actions switch surfaces.
    pub(super) rights_revocation: Option<super::seed::RightsRevocation>,
}

/// Where state is kept: give one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreFile {
    /// sqlite:///path/to/file or postgres://…
    pub(super) url: Option<Secret>,
    /// File that holds the URL.
    pub(super) url_file: Option<PathBuf>,
}

/// The audit log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogFile {
    /// Its directory; state_dir/log without it.
    pub(super) dir: Option<PathBuf>,
    /// Its signing key; state_dir/keys/log.key without it.
    pub(super) key_file: Option<PathBuf>,
    /// Size after which a new file is begun, such as 64KiB, 256MiB or 1GiB; 256MiB without it.
    pub(super) segment_bytes: Option<String>,
    /// Time after which a new file is begun, 1m to 366d; 1d without it.
    pub(super) segment_age: Option<String>,
    /// Longest silence of the log while the agent runs, up to 1d; 60s without it, 0s for none.
    pub(super) heartbeat: Option<String>,
    /// Servers of others that sign its checkpoints (C2SP tlog-witness).
    #[serde(default)]
    pub(super) witnesses: Vec<WitnessConfig>,
    /// Time-stamping authorities (RFC 3161) that date its checkpoints.
    #[serde(default)]
    pub(super) tsa: Vec<TsaConfig>,
    /// A git repository that its checkpoints are committed to.
    pub(super) git: Option<GitConfig>,
    /// Time between two checkpoints that are given to these, 1s to 1d; 1h without it.
    pub(super) anchor_interval: Option<String>,
}

/// Addresses to listen at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenFile {
    /// Metrics and probes; 127.0.0.1:7391 without it.
    pub(super) metrics: Option<String>,
    /// The API; 127.0.0.1:7390 without it.
    pub(super) api: Option<String>,
    /// File with TLS and basic authentication of the metrics listener, in the format of the Prometheus exporters
    /// (web.config); neither without it.
    pub(super) metrics_web_config: Option<PathBuf>,
}

/// A cluster to look at: give url or url_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetFile {
    /// postgres://… of any database of the cluster; all others are found.
    pub(super) url: Option<Secret>,
    /// File that holds the URL.
    pub(super) url_file: Option<PathBuf>,
    /// Further instances of the cluster, such as standbys, by name: each has sessions of its own.
    #[serde(default)]
    pub(super) instances: BTreeMap<String, InstanceFile>,
    /// Databases of the provider that nobody else may enter: judged by pg_shdepend alone.
    #[serde(default)]
    pub(super) shdepend_only: Vec<String>,
    /// Surfaces that have to be seen here beside those that always have to: hba_rule, ident_map, credential, probe.
    #[serde(default)]
    pub(super) required: Vec<String>,
    /// Accept that the agent's store lies on this cluster.
    #[serde(default)]
    pub(super) store_on_target: bool,
    /// A role without power whose planted residual every look must find.
    pub(super) canary: Option<CanaryFile>,
    /// Statements that are asked about each subject, by name.
    #[serde(default)]
    pub(super) probes: BTreeMap<String, ProbeFile>,
}

/// A role without power whose planted residual every look must find.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CanaryFile {
    /// Exact name of the role.
    pub(super) role: String,
    /// Longest time between two looks that find it, 10m to 7d; 6h without it.
    pub(super) every: Option<String>,
    /// Kinds of residual that must be found; [privilege] without it.
    pub(super) expect: Option<Vec<String>>,
}

/// A further instance of a cluster: give url or url_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InstanceFile {
    /// postgres://… of any database.
    pub(super) url: Option<Secret>,
    /// File that holds the URL.
    pub(super) url_file: Option<PathBuf>,
}

/// Who may use the API.
#[expect(clippy::struct_field_names, reason = "they are keys of the file")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFile {
    /// File that holds the bearer token, of at least 32 characters.
    pub(super) token_file: PathBuf,
    /// File that holds the token that takes its place: both are good until the first is taken out.
    pub(super) next_token_file: Option<PathBuf>,
    /// What it may be used for; everything without it.
    pub(super) scopes: Option<Vec<Scope>>,
    /// Requests in a minute; 60000 without it.
    pub(super) per_minute: Option<u32>,
}

/// Time allowed for each milestone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile {
    /// Until login is off and no session is open.
    pub(super) login: Option<String>,
    /// Until everything is gone.
    pub(super) access: Option<String>,
    /// Until shared secrets are changed.
    pub(super) credentials: Option<String>,
}

/// What is particular to a sender.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    /// Zone in which its dates and local times are meant (IANA name).
    pub(super) time_zone: Option<String>,
    /// What its webhooks are signed with; then they have to be.
    pub(super) signature: Option<SignatureFile>,
    /// How the payload of /api/v1/webhooks/NAME is read; the documented one without it.
    pub(super) mapping: Option<MappingFile>,
    /// Signed requests in a minute; 60000 without it.
    pub(super) per_minute: Option<u32>,
    /// Within this time it usually says something, 1m to 366d: the alert IntakeSilent goes by it.
    pub(super) expect_every: Option<String>,
}

/// What webhooks are signed with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureFile {
    /// How.
    pub(super) scheme: Scheme,
    /// Files with one secret each; two while a secret is changed.
    pub(super) secret_files: Vec<PathBuf>,
}

/// How the payload of a source is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingFile {
    /// Where each field is: a JSON Pointer, {value: …} for a constant, or for event_id {header: …}.
    pub(super) fields: BTreeMap<Field, FieldFile>,
    /// Our type of event for each of theirs; `ignored` for those that are none of ours. Without it they are the same.
    #[serde(default)]
    pub(super) events: BTreeMap<String, String>,
}

/// Where the value of a field is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum FieldFile {
    /// JSON Pointer into the payload.
    Pointer(String),
    /// Always the same.
    Value {
        /// The constant.
        value: String,
    },
    /// In a header.
    Header {
        /// Its name.
        header: String,
    },
}

/// What belongs to a vendor.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VendorFile {
    /// Database roles, each as ROLE or TARGET/ROLE.
    #[serde(default)]
    pub(super) accounts: Vec<String>,
    /// Stable ids of people and services.
    #[serde(default)]
    pub(super) subjects: Vec<String>,
}

/// Who has to agree to what keeps access: withdrawing, postponing, and that there is no account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approvals {
    /// A second person, known by another token or another user id.
    #[default]
    Two,
    /// Whoever asks for it. The log says that it is self-approved.
    Single,
}

/// Which roles belong to whom.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectsFile {
    /// Names that a convention suggests, as {username|lower|underscore} or TARGET/ro_{employee_id}; filters are
    /// lower, upper, underscore and local (before the @).
    #[serde(default)]
    pub(super) templates: Vec<String>,
    /// Roles by subject or user name, each as ROLE or TARGET/ROLE.
    #[serde(default)]
    pub(super) accounts: BTreeMap<String, Vec<String>>,
    /// CSV file with the columns subject and account, one account a line.
    pub(super) mapping_file: Option<PathBuf>,
    /// A query that tells more of them; asked anew each deep_interval.
    pub(super) mapping_query: Option<super::subjects::QueryFile>,
    /// Whoever is not listed has no account: then it is proved that there is none.
    #[serde(default)]
    pub(super) complete: bool,
}
