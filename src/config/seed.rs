//! The keys of the revocation script that many begin with (`rights_revocation:`), under their own names.

use super::ConfigError;
use super::check::Reader;
use super::file::File;
use crate::domain::residual::ResidualKind as K;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The keys of an earlier revocation script.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RightsRevocation {
    /// Times in seconds.
    #[serde(default)]
    pub(super) timing: Timing,
    /// What must be gone. Switching one off is recorded, and named in every answer.
    #[serde(default)]
    pub(super) actions: Actions,
    /// What becomes of data: others see to it, and this program does not check it.
    #[serde(default)]
    pub(super) data: Data,
    /// Who is told.
    #[serde(default)]
    pub(super) notifications: Notifications,
    /// What is connected.
    #[serde(default)]
    pub(super) integrations: Integrations,
}

/// Times in seconds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Timing {
    /// Time allowed for login and sessions of somebody who leaves.
    pub(super) termination_timeout: Option<u64>,
    /// Time allowed after a change of role.
    pub(super) role_change_timeout: Option<u64>,
    /// Time between the first clean look and the one that confirms it.
    pub(super) verification_delay: Option<u64>,
}

macro_rules! switches {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $key:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name { $($(#[$doc])* pub(super) $key: Option<bool>),+ }
    };
}

switches! {
    /// What must be gone.
    Actions {
        /// Login off.
        disable_account,
        /// Tokens and other secrets.
        revoke_tokens,
        /// No session open.
        terminate_sessions,
        /// No role held.
        remove_groups,
        /// No right on any object, and none owned.
        revoke_db_permissions,
        /// Keys of applications.
        disable_api_keys,
        /// Data archived; not checked.
        archive_data,
    }
}

switches! {
    /// Who is told.
    Notifications {
        /// Security.
        security_team,
        /// The subject's manager.
        user_manager,
        /// Compliance.
        compliance_team,
    }
}

switches! {
    /// What is connected.
    #[expect(clippy::struct_field_names, reason = "the keys are the script's")]
    Integrations {
        /// The HR system's notices.
        hr_webhook_enabled,
        /// An identity system.
        iam_sync_enabled,
        /// The audit log: it cannot be switched off.
        audit_logging_enabled,
    }
}

/// What becomes of data.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    /// Data is archived.
    pub(super) archive_enabled: Option<bool>,
    /// For how many days.
    pub(super) archive_retention_days: Option<u64>,
    /// Encrypted.
    pub(super) encryption_enabled: Option<bool>,
    /// A legal hold is looked for first.
    pub(super) legal_hold_check: Option<bool>,
}

impl RightsRevocation {
    /// Surfaces that are switched off.
    pub(super) fn not_required(&self) -> BTreeSet<K> {
        let actions = &self.actions;
        let parts: [(Option<bool>, &[K]); 6] = [
            (actions.disable_account, &[K::Login]),
            (actions.terminate_sessions, &[K::Session, K::VanishedSession, K::Replication]),
            (actions.remove_groups, &[K::Membership, K::AdminOption]),
            (
                actions.revoke_db_permissions,
                &[
                    K::Attribute,
                    K::Ownership,
                    K::Privilege,
                    K::DefaultPrivilege,
                    K::Policy,
                    K::DanglingAcl,
                ],
            ),
            (actions.revoke_tokens, &[K::Credential, K::UserMapping]),
            (actions.disable_api_keys, &[K::Probe]),
        ];
        let off = parts.into_iter().filter(|(on, _)| *on == Some(false));
        off.flat_map(|(_, surfaces)| surfaces.iter().copied()).collect()
    }

    /// Keys that are understood and change nothing, for the operator to know.
    pub(super) fn without_effect(&self) -> Vec<&'static str> {
        let (data, told, with) = (&self.data, &self.notifications, &self.integrations);
        [
            (self.actions.archive_data.is_some(), "actions.archive_data"),
            (data.archive_enabled.is_some(), "data.archive_enabled"),
            (data.archive_retention_days.is_some(), "data.archive_retention_days"),
            (data.encryption_enabled.is_some(), "data.encryption_enabled"),
            (data.legal_hold_check.is_some(), "data.legal_hold_check"),
            (told.security_team.is_some(), "notifications.security_team"),
            (told.user_manager.is_some(), "notifications.user_manager"),
            (told.compliance_team.is_some(), "notifications.compliance_team"),
            (with.hr_webhook_enabled.is_some(), "integrations.hr_webhook_enabled"),
            (with.iam_sync_enabled.is_some(), "integrations.iam_sync_enabled"),
        ]
        .into_iter()
        .filter_map(|(given, key)| given.then_some(key))
        .collect()
    }
}

impl Reader<'_> {
    /// What the keys of the earlier script say, put into the keys of this file. Gives the surfaces that are
    /// switched off.
    pub(super) fn seed(
        &mut self,
        file: &mut File,
        notes: &mut Vec<String>,
    ) -> Result<BTreeSet<K>, ConfigError> {
        const KEY: &str = "rights_revocation";
        let Some(seed) = file.rights_revocation.take() else { return Ok(BTreeSet::new()) };
        if seed.integrations.audit_logging_enabled == Some(false) {
            let key = format!("{KEY}.integrations.audit_logging_enabled");
            return Err(self.wrong(&key, "the audit log cannot be switched off; take the key out"));
        }
        let twice = |key: &str, own: &str| {
            self.wrong(&format!("{KEY}.timing.{key}"), format!("{own} says this already; keep one"))
        };
        let seconds = |seconds: u64| Some(format!("{seconds}s"));
        if let Some(timeout) = seed.timing.termination_timeout {
            let profile = file.profiles.entry("terminated".to_owned()).or_default();
            if profile.login.is_some() {
                return Err(twice("termination_timeout", "profiles.terminated.login"));
            }
            profile.login = seconds(timeout);
        }
        if let Some(timeout) = seed.timing.role_change_timeout {
            let profile = file.profiles.entry("role_change".to_owned()).or_default();
            if profile.access.is_some() {
                return Err(twice("role_change_timeout", "profiles.role_change.access"));
            }
            profile.access = seconds(timeout);
        }
        if let Some(delay) = seed.timing.verification_delay {
            if file.verification_delay.is_some() {
                return Err(twice("verification_delay", "verification_delay"));
            }
            file.verification_delay = seconds(delay);
        }
        let off = seed.not_required();
        if !off.is_empty() {
            let words: Vec<_> = off.iter().map(|surface| surface.as_str()).collect();
            notes.push(format!("{KEY}.actions: these are not asked for: {}", words.join(", ")));
        }
        let idle = seed.without_effect().into_iter();
        notes.extend(idle.map(|key| format!("{KEY}.{key}: has no effect")));
        Ok(off)
    }
}
