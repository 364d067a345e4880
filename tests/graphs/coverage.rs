//! What the graphs really held, as the server told it. A generator that covers nothing is a test that cannot
//! fail.

use super::answer::Answer;
use super::claim::Derived;
use super::rows::Row;
use super::truth::Truth;
use revoked::domain::residual::ResidualKind;
use revoked::domain::verdict::Verdict;
use std::collections::BTreeMap;

/// How often each thing was seen.
#[derive(Default)]
pub(crate) struct Coverage {
    seen: BTreeMap<String, usize>,
    pub(crate) roles: usize,
    pub(crate) revoked: usize,
    pub(crate) findings: usize,
    pub(crate) questions: usize,
    pub(crate) refused: usize,
}

/// Kinds of residual that catalogs and sessions of a server can show to a role without privileges.
const KINDS: &str = "login attribute membership admin_option ownership privilege default_privilege policy \
    user_mapping session vanished_session prepared_transaction subscription role_setting dangling_acl";

/// Catalogs with owners.
const OWNED: &str = "pg_class pg_proc pg_type pg_namespace pg_language pg_largeobject pg_foreign_data_wrapper \
    pg_foreign_server pg_collation pg_conversion pg_operator pg_opclass pg_opfamily pg_ts_dict pg_ts_config \
    pg_statistic_ext pg_publication pg_event_trigger pg_database pg_tablespace pg_extension";

/// Catalogs with access lists, and the privileges in them.
const GRANTED: &[(&str, &str)] = &[
    ("pg_class", "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER USAGE"),
    ("pg_class column", "SELECT INSERT UPDATE REFERENCES"),
    ("pg_proc", "EXECUTE"),
    ("pg_type", "USAGE"),
    ("pg_namespace", "USAGE CREATE"),
    ("pg_language", "USAGE"),
    ("pg_largeobject", "SELECT UPDATE"),
    ("pg_foreign_data_wrapper", "USAGE"),
    ("pg_foreign_server", "USAGE"),
    ("pg_database", "CREATE CONNECT TEMPORARY"),
    ("pg_tablespace", "CREATE"),
    ("tables", "SELECT"),
    ("sequences", "USAGE"),
    ("functions", "EXECUTE"),
    ("types", "USAGE"),
    ("schemas", "USAGE"),
];

impl Coverage {
    /// Adds a batch.
    pub(crate) fn count(&mut self, truth: &Truth, answer: &Answer, refused: usize) {
        for claim in &truth.claims {
            let class = match claim.kind.as_str() {
                "default_privilege" => {
                    claim.object.split(" of ").next().unwrap_or_default().to_owned()
                }
                _ if claim.sub.is_empty() || claim.class.is_empty() => claim.class.clone(),
                _ => format!("{} column", claim.class),
            };
            self.add(&format!("kind {}", claim.kind));
            match claim.kind.as_str() {
                "membership" => self.add(&format!("membership for {}", claim.sub)),
                "attribute" => self.add(&format!("attribute {}", claim.privilege)),
                "ownership" => self.add(&format!("owner {class}")),
                _ => self.add(&format!("{class} {}", claim.privilege)),
            }
            if claim.grantable && claim.kind != "admin_option" {
                self.add(&format!("{class} with grant option"));
            }
            if claim.tampered {
                self.add("tampered");
            }
            if !matches!(claim.grantor.as_str(), "" | "postgres") {
                self.add(&format!("{} by another grantor", claim.kind));
            }
        }
        for held in &truth.held {
            self.add(&format!("has {}", held.class));
        }
        for row in truth.rows.all.iter().filter(|row| truth.oid(&row.member).is_some()) {
            self.add(&format!("membership {:?}", options(row)));
        }
        for (derived, way) in answer.derived.iter().flat_map(|d| d.ways.iter().map(move |w| (d, w)))
        {
            self.add(&format!("{} {}", through(derived), way.can));
            if way.granted_by.is_some() {
                self.add("a first step granted by another");
            }
        }
        for derived in answer.derived.iter().filter(|derived| derived.ways.is_empty()) {
            self.add(&format!("{} itself", through(derived)));
        }
        for act in &truth.acts {
            self.add(if act.code == "42501" { "act refused" } else { "act done" });
        }
        for take in &truth.takes {
            self.add(if take.taken == "00000" { "role taken" } else { "role not taken" });
            self.add(if take.given == "00000" { "role given" } else { "role not given" });
        }
        for came_in in truth.logins.values() {
            self.add(if *came_in { "login done" } else { "login refused" });
        }
        for code in truth.drops.values() {
            self.add(&format!("drop {code}"));
        }
        self.roles += truth.roles.len();
        self.revoked += answer.verdicts.values().filter(|v| **v == Verdict::Revoked).count();
        self.findings += answer.claims.len() + answer.derived.len();
        self.questions += truth.held.len() + truth.reaches.len() + truth.acts.len();
        self.refused += refused;
    }

    fn add(&mut self, what: &str) {
        *self.seen.entry(what.to_owned()).or_default() += 1;
    }

    /// What should have occurred on a server of this version, and did not.
    pub(crate) fn missing(&self, major: u32) -> Vec<String> {
        let mut wanted: Vec<String> =
            KINDS.split_whitespace().map(|kind| format!("kind {kind}")).collect();
        wanted.extend(OWNED.split_whitespace().map(|class| format!("owner {class}")));
        let mut granted = GRANTED.to_vec();
        if major >= 15 {
            granted.push(("pg_parameter_acl", "SET ALTER-SYSTEM"));
        }
        if major >= 17 {
            granted.push(("pg_class", "MAINTAIN"));
        }
        if major >= 18 {
            granted.push(("large objects", "SELECT"));
        }
        for (class, privileges) in granted {
            let privileges = privileges.split_whitespace();
            wanted.extend(privileges.map(|name| format!("{class} {}", name.replace('-', " "))));
            wanted.push(format!("{class} with grant option"));
        }
        wanted.extend(memberships(major).iter().map(|options| format!("membership {options:?}")));
        let attributes = ["SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"];
        wanted.extend(attributes.map(|name| format!("attribute {name}")));
        let others = [
            "tampered",
            "privilege by another grantor",
            "membership by another grantor",
            "act done",
            "act refused",
            "role taken",
            "role not taken",
            "role given",
            "role not given",
            "login done",
            "login refused",
            "drop 00000",
            "drop 2BP01",
        ];
        wanted.extend(others.map(str::to_owned));
        wanted.extend(derived(major).iter().map(|&(what, can)| format!("{what} {can}")));
        wanted.retain(|what| !self.seen.contains_key(what));
        wanted
    }

    /// Everything seen, for people.
    pub(crate) fn told(&self) -> String {
        let line = |(what, times)| format!("{times:>8} {what}");
        self.seen.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} roles, {} revoked, {} findings, {} answers of oracles, {} statements refused in the making; \
             no difference",
            self.roles, self.revoked, self.findings, self.questions, self.refused
        )
    }
}

/// What a finding without a row of its own is called here.
fn through(derived: &Derived) -> &'static str {
    if derived.kind == ResidualKind::Attribute {
        "attribute through others"
    } else if derived.kind == ResidualKind::AdminOption {
        "ADMIN through others"
    } else if derived.database.is_empty() {
        "reached through others"
    } else {
        "database owner"
    }
}

/// Such findings that have to occur, and what each lets a role do. Before 16 every membership allows SET ROLE.
fn derived(major: u32) -> &'static [(&'static str, &'static str)] {
    const BEFORE_16: &[(&str, &str)] = &[
        ("reached through others", "uses_now"),
        ("reached through others", "set_role"),
        ("ADMIN through others", "set_role"),
        ("attribute through others", "set_role"),
        ("attribute through others", "create_role"),
        // There is none on 13.
        ("database owner", "itself"),
        ("database owner", "uses_now"),
    ];
    if major < 16 {
        return if major < 14 { &BEFORE_16[..5] } else { BEFORE_16 };
    }
    &[
        ("reached through others", "uses_now"),
        ("reached through others", "set_role"),
        ("reached through others", "after_set_role"),
        ("reached through others", "self_grant"),
        ("reached through others", "listed"),
        ("ADMIN through others", "uses_now"),
        ("ADMIN through others", "set_role"),
        ("ADMIN through others", "after_set_role"),
        ("attribute through others", "set_role"),
        ("attribute through others", "self_grant"),
        ("database owner", "itself"),
        ("database owner", "uses_now"),
        ("database owner", "set_role"),
        ("database owner", "self_grant"),
        ("a first step granted", "by another"),
    ]
}

fn options(row: &Row) -> String {
    let options = [(row.inherit, "INHERIT"), (row.set, "SET"), (row.admin, "ADMIN")];
    let on = options.into_iter().filter(|(on, _)| *on).map(|(_, word)| word);
    on.collect::<Vec<_>>().join(" ")
}

/// Options that a membership can have: before 16 INHERIT is the member's and SET is always on.
fn memberships(major: u32) -> &'static [&'static str] {
    if major < 16 {
        return &["INHERIT SET", "INHERIT SET ADMIN", "SET", "SET ADMIN"];
    }
    &[
        "",
        "INHERIT",
        "SET",
        "ADMIN",
        "INHERIT SET",
        "INHERIT ADMIN",
        "SET ADMIN",
        "INHERIT SET ADMIN",
    ]
}
