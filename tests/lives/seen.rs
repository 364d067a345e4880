//! Looks of words.

use super::at;
use revoked::domain::graph::Can;
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::observation::{Cause, Gap, Observation, RosterRole, Server};
use revoked::domain::residual::{AccountRef, Residual, ResidualKind, Strength, Way};
use revoked::domain::time::UtcTime;
use revoked::store::Stored;

const TARGET: &str = "main";
/// OID of the role that a look finds under the first name of the revocation.
const OID: u32 = 16_401;

/// A look of words. `login`, `session`, `owner`, `grant`, `superuser`, or the name of a role that is held: what is there.
/// `?SURFACE`: what could not be read. `absent`: no role of the name is there any more. `new`: another role has the
/// name. `as=NAME`: the role is called so. `moved`: another cluster answers. `down`: nobody does. `missed`: the canary
/// is not found. `nothing` stands for no word.
pub(super) fn observation(seen: &str, stored: &Stored, now: UtcTime) -> Observation {
    let words: Vec<&str> = seen.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    let mut look = Observation::begun(TARGET, now);
    if has("down") {
        look.gaps.push(gap(ResidualKind::Login, Cause::Unreachable));
        return look;
    }
    look.server = Some(server(if has("moved") { 8 } else { 7 }));
    let oid = RoleOid(if has("new") { OID + 1_000 } else { OID });
    let named = stored.revocation.accounts.first().map(|name| name.role.clone());
    let renamed = words.iter().find_map(|word| word.strip_prefix("as="));
    let name = renamed.map_or_else(|| named.unwrap_or_default(), str::to_owned);
    look.tracked.extend(stored.accounts.iter().map(|account| account.oid));
    look.tracked.insert(oid);
    look.searched.extend(stored.revocation.accounts.iter().map(|name| name.role.clone()));
    look.roster.push(RosterRole { oid: RoleOid(10), name: "postgres".into() });
    for (number, role) in ["app_r", "app_w", "<!channel>"].into_iter().enumerate() {
        let oid = RoleOid(20_000 + u32::try_from(number).unwrap());
        look.roster.push(RosterRole { oid, name: role.into() });
    }
    if !has("absent") {
        look.roster.push(RosterRole { oid, name: name.clone() });
    }
    let account = AccountRef { target: TARGET.into(), oid, role: Some(name) };
    for word in words {
        let found = |kind, strength| Residual::new(kind, strength, account.clone());
        match word {
            "nothing" | "absent" | "new" | "moved" => {}
            "missed" => look.gaps.push(gap(ResidualKind::Privilege, Cause::CanaryMissed)),
            "login" => look.residual.push(found(ResidualKind::Login, Strength::CanLogIn)),
            "session" => {
                let mut session = found(ResidualKind::Session, Strength::ActsNow);
                session.since = Some(at("1", "00:00"));
                look.residual.push(session);
            }
            "owner" => look.residual.push(found(ResidualKind::Ownership, Strength::Latent)),
            "grant" => look.residual.push(found(ResidualKind::Privilege, Strength::Latent)),
            "superuser" => {
                let mut power = found(ResidualKind::Attribute, Strength::CanRegain);
                power.privilege = Some("SUPERUSER".into());
                look.residual.push(power);
            }
            word if word.starts_with("as=") => {}
            word => {
                if let Some(surface) = word.strip_prefix('?') {
                    let surface = ResidualKind::from_word(surface).unwrap();
                    look.gaps.push(gap(surface, Cause::PermissionDenied));
                } else {
                    let mut member = found(ResidualKind::Membership, Strength::CanRegain);
                    member.privilege = Some(word.to_owned());
                    member.ways = vec![way()];
                    look.residual.push(member);
                }
            }
        }
    }
    look
}

/// What a membership with INHERIT gives.
fn way() -> Way {
    Way { can: Can::UsesNow, via: Vec::new(), at: None, granted_by: None }
}

fn server(cluster: u64) -> Server {
    Server {
        system_identifier: SystemIdentifier(cluster),
        version: "17.2".into(),
        version_num: 170_002,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "revoked_agent".into(),
    }
}

fn gap(surface: ResidualKind, cause: Cause) -> Gap {
    Gap {
        surface,
        target: TARGET.into(),
        database: None,
        reason: "it could not be read".into(),
        fix: "let it be read".into(),
        cause,
    }
}
