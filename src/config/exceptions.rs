//! What an installation decides about exceptions.

use super::check::Reader;
use super::{Approvals, Config, ConfigError, TargetConfig};
use crate::domain::account::AccountName;
use crate::domain::exception::{REVIEW_AFTER, Rules};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Permissions to keep access.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionsFile {
    /// A break-glass is to be reviewed within so long after its end, 1h to 90d; 3d without it.
    pub(super) review_after: Option<String>,
    /// Roles for emergencies, as ROLE or TARGET/ROLE: a session of one while no break-glass is open is an incident.
    #[serde(default)]
    pub(super) break_glass_roles: Vec<String>,
}

/// What is decided about exceptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceptions {
    /// A break-glass is reviewed within so long after its end.
    pub review_after: Duration,
    /// Roles that nobody uses while no break-glass is open.
    pub break_glass_roles: Vec<AccountName>,
}

impl Config {
    /// The rules for exceptions.
    #[must_use]
    pub fn exception_rules(&self) -> Rules {
        Rules {
            single: self.approvals == Approvals::Single,
            review_after: self.exceptions.review_after,
        }
    }
}

impl Reader<'_> {
    pub(super) fn exceptions(
        &self,
        file: ExceptionsFile,
        targets: &[TargetConfig],
    ) -> Result<Exceptions, ConfigError> {
        let key = "exceptions.break_glass_roles";
        let roles = self.roles(key, file.break_glass_roles, targets)?;
        Ok(Exceptions {
            review_after: self.duration(
                "exceptions.review_after",
                file.review_after,
                REVIEW_AFTER,
                (3_600, 90 * 86_400),
            )?,
            break_glass_roles: roles,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::LinkRule;
    use std::path::Path;

    fn parse(more: &str) -> Result<Config, ConfigError> {
        let text = format!("state_dir: s\ntargets: {{a: {{url: 'postgres://x@h/d'}}}}\n{more}\n");
        Config::parse(Path::new("/nowhere/revoked.yaml"), &text)
    }

    #[test]
    fn roles_for_emergencies_are_of_one_target_or_of_all() {
        let config =
            parse("exceptions: {review_after: 2d, break_glass_roles: [a/root, a/b/c, boss]}")
                .unwrap();
        let named = |target: Option<&str>, role: &str| AccountName {
            target: target.map(str::to_owned),
            role: role.to_owned(),
            rule: LinkRule::Stated,
        };
        let roles = vec![named(Some("a"), "root"), named(Some("a"), "b/c"), named(None, "boss")];
        assert_eq!(config.exceptions.break_glass_roles, roles);
        assert_eq!(config.exceptions.review_after, Duration::from_secs(2 * 86_400));
        assert_eq!(parse("").unwrap().exceptions.review_after, REVIEW_AFTER);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (more, key) in [
            ("exceptions: {review_after: 1m}", "exceptions.review_after"),
            ("exceptions: {break_glass_roles: ['a/']}", "exceptions.break_glass_roles"),
            ("exceptions: {break_glass_roles: ['main/root']}", "there is no target main"),
            (
                "inactivity: {exempt: ['main/etl']}",
                "inactivity.exempt: main/etl: there is no target main",
            ),
            ("exceptions: {grace: 9d}", "grace"),
        ] {
            let error = parse(more).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
