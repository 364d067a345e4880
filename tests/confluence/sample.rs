//! Made-up accounts, findings and looks.

use revoked::audit::record::{self, About, Seen};
use revoked::domain::account::{Account, LinkRule};
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::lifecycle::Label;
use revoked::domain::observation::{Coverage, NotCovered};
use revoked::domain::residual::{AccountRef, Residual, ResidualKind, Strength};
use revoked::domain::time::UtcTime;
use revoked::domain::verdict::Verdict;
use revoked::store::Stored;
use serde_json::Value;

/// A role on the target.
pub(crate) fn account(role: &str) -> Account {
    Account {
        target: "main".to_owned(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(16_401),
        role: role.to_owned(),
        names: vec![role.to_owned()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

/// A privilege that a role has.
pub(crate) fn finding(role: &str, object: &str) -> Residual {
    let account =
        AccountRef { target: "main".to_owned(), oid: RoleOid(16_401), role: Some(role.to_owned()) };
    let mut found = Residual::new(ResidualKind::Privilege, Strength::CanLogIn, account);
    found.database = Some("shop".to_owned());
    found.object = Some(object.to_owned());
    found.privilege = Some("SELECT".to_owned());
    found
}

/// The record of a look.
pub(crate) fn observation(
    from: &Stored,
    label: Label,
    verdict: Verdict,
    found: &[Residual],
    at: UtcTime,
) -> serde_json::Map<String, Value> {
    let covered = |database: &str| Coverage {
        surface: ResidualKind::Privilege,
        target: "main".to_owned(),
        database: database.to_owned(),
        statement: "acl_scan".to_owned(),
        sha256: "00".to_owned(),
        rows: 4,
        elapsed_us: 900,
    };
    let skipped = |surface: &str| NotCovered { surface: surface.to_owned(), reason: String::new() };
    let about = About { revocation: &from.revocation, subject: &from.subject_id, at };
    record::observation(
        &about,
        label,
        &Seen {
            verdict,
            as_of: at,
            residual: found,
            missing: &[],
            gaps: &[],
            not_covered: &[skipped("credential"), skipped("pooler")],
            coverage: &[covered("postgres"), covered("shop"), covered("shop")],
            credentials: &[],
            exists: verdict == Verdict::Residual,
            held: false,
        },
    )
}
