//! What must hold, by when.

use super::milestone::{Allowance, Deadlines, Milestone};
use super::revocation::{Kind, Reason};
use super::time::UtcTime;

/// Which milestones a revocation of `kind` for `reason` has.
///
/// `role_change` has no login milestone: the person stays and keeps the account. A partial revocation
/// leaves the login alone, a rotation and a transfer are about the secret.
#[must_use]
pub fn milestones(kind: Kind, reason: Reason) -> &'static [Milestone] {
    match (kind, reason) {
        (Kind::Full | Kind::Suspend, Reason::RoleChange) | (Kind::Partial, _) => {
            &[Milestone::Access]
        }
        (Kind::Full | Kind::Suspend, _) => &[Milestone::Login, Milestone::Access],
        (Kind::Rotation | Kind::Transfer, _) => &[Milestone::Credentials],
    }
}

/// Deadlines of a revocation, counted from the later of `effective_at` and `received_at`.
///
/// `stated` (the notice's own deadline) sets `access`, or `credentials` of a rotation, and caps `login`; it never
/// grants more time for login than the allowance does.
#[must_use]
pub fn deadlines(
    kind: Kind,
    reason: Reason,
    allowance: &Allowance,
    effective_at: UtcTime,
    received_at: UtcTime,
    stated: Option<UtcTime>,
) -> Deadlines {
    let start = effective_at.max(received_at);
    let mut deadlines = Deadlines::default();
    for milestone in milestones(kind, reason) {
        let allowed = allowance.get(*milestone).map(|duration| start.plus(duration));
        let deadline = match (milestone, stated) {
            // A rotation has no other milestone.
            (Milestone::Access | Milestone::Credentials, Some(stated)) => Some(stated),
            (Milestone::Login, Some(stated)) => Some(allowed.map_or(stated, |at| at.min(stated))),
            (_, None) => allowed,
        };
        deadlines.set(*milestone, deadline);
    }
    deadlines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(minute: i64) -> UtcTime {
        UtcTime::from_micros(minute * 60_000_000).unwrap()
    }

    #[test]
    fn deadlines_run_from_the_later_of_effect_and_receipt() {
        let allowance = Allowance {
            login: Some(Duration::from_secs(900)),
            access: Some(Duration::from_secs(3600)),
            credentials: Some(Duration::from_secs(7200)),
        };
        let cases = [
            // kind, reason, effective, received, stated, login, access, credentials
            (Kind::Full, Reason::Terminated, 10, 0, None, Some(25), Some(70), None),
            (Kind::Full, Reason::Terminated, 0, 10, None, Some(25), Some(70), None),
            (Kind::Full, Reason::Terminated, 0, 0, Some(5), Some(5), Some(5), None),
            (Kind::Full, Reason::Terminated, 0, 0, Some(90), Some(15), Some(90), None),
            (Kind::Full, Reason::RoleChange, 0, 0, None, None, Some(60), None),
            (Kind::Partial, Reason::Terminated, 0, 0, None, None, Some(60), None),
            (Kind::Rotation, Reason::CredentialRotation, 0, 0, None, None, None, Some(120)),
            (Kind::Rotation, Reason::CredentialRotation, 0, 0, Some(30), None, None, Some(30)),
        ];
        for (kind, reason, effective, received, stated, login, access, credentials) in cases {
            let got =
                deadlines(kind, reason, &allowance, at(effective), at(received), stated.map(at));
            assert_eq!(got.login, login.map(at), "{kind} {reason} login");
            assert_eq!(got.access, access.map(at), "{kind} {reason} access");
            assert_eq!(got.credentials, credentials.map(at), "{kind} {reason} credentials");
        }
    }
}
