//! Time allowed per reason.

use super::milestone::Allowance;
use super::revocation::Reason;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Allowances of every reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profiles(BTreeMap<Reason, Allowance>);

impl Default for Profiles {
    /// Leavers: 15 min, 1 h, 4 h. Violations: 15 min throughout. A role change has 4 h in which old and
    /// new access overlap. Inactive accounts have a day.
    fn default() -> Self {
        let allow = |login, access, credentials| Allowance {
            login: Some(Duration::from_secs(login)),
            access: Some(Duration::from_secs(access)),
            credentials: Some(Duration::from_secs(credentials)),
        };
        Self(
            Reason::ALL
                .iter()
                .map(|reason| {
                    let allowance = match reason {
                        Reason::Terminated
                        | Reason::VendorOffboarded
                        | Reason::ContractExpired
                        | Reason::Other => allow(15 * MINUTE, HOUR, 4 * HOUR),
                        Reason::PolicyViolation => allow(15 * MINUTE, 15 * MINUTE, 15 * MINUTE),
                        Reason::RoleChange | Reason::CredentialRotation => {
                            allow(4 * HOUR, 4 * HOUR, 4 * HOUR)
                        }
                        Reason::Inactive => allow(24 * HOUR, 24 * HOUR, 24 * HOUR),
                    };
                    (*reason, allowance)
                })
                .collect(),
        )
    }
}

impl Profiles {
    /// Time allowed for `reason`.
    #[must_use]
    pub fn allowance(&self, reason: Reason) -> Allowance {
        self.0.get(&reason).copied().unwrap_or_default()
    }

    /// Replaces the allowance of `reason`.
    pub fn set(&mut self, reason: Reason, allowance: Allowance) {
        self.0.insert(reason, allowance);
    }
}
