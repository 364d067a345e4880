//! A change of role back to what an earlier one took away.

use super::Voice;
use crate::domain::revocation::{Kind, Revocation, State};
use crate::intake::amend::Withdrawal;
use crate::intake::{Intake, IntakeError};

impl Intake {
    /// Asks, in the sender's name, that nothing is expected any more of earlier changes of role that took away nothing but
    /// what `asked` says must stay: what only its sender said, and that is older. It waits for a second person like all
    /// that keeps access. Gives the requests.
    pub(in crate::intake) async fn change_back(
        &self,
        asked: &Revocation,
        own: Option<&str>,
        sender: &str,
    ) -> Result<Vec<String>, IntakeError> {
        if asked.kind != Kind::Partial || asked.required_roles.is_empty() {
            return Ok(Vec::new());
        }
        let store = &self.journal.store;
        let mut requests = Vec::new();
        for known in store.expected_of(&asked.subject).await? {
            let earlier = &known.revocation;
            let stays = |role: &String| asked.required_roles.contains(role);
            let takes_back = earlier.kind == Kind::Partial
                && own != Some(earlier.id.as_str())
                && earlier.effective_at <= asked.effective_at
                && known.life.state != State::Scheduled
                && earlier.permissions.is_empty()
                && !earlier.roles.is_empty()
                && earlier.roles.iter().all(stays);
            if !takes_back || !Voice::of(&store.told_of(&earlier.id).await?, sender).own {
                continue;
            }
            let why = Some("user_role_changed");
            let withdrawal = Withdrawal { why, erroneous: false };
            let changed = self.withdraw(&earlier.id, withdrawal, sender).await?;
            requests.extend(changed.and_then(|changed| changed.pending).map(|asked| asked.id));
        }
        Ok(requests)
    }
}
