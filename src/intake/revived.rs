//! Changes of role that the end of everything made void: once that end is withdrawn they are taken up again, by
//! themselves, since their sender was told that nothing is left to do.

use super::Intake;
use crate::domain::notice::Outcome;
use std::collections::HashSet;

/// Who takes them up: no token and no user can be called so.
const SOURCE: &str = "revoked:withdrawn-end";

impl Intake {
    /// Takes up what a withdrawn end made void. What cannot be used as it is by now is in `given_up`, and stays listed
    /// as superseded.
    pub(super) async fn take_up(&self, given_up: &mut HashSet<String>) {
        let void = match self.journal.store.void_changes().await {
            Ok(void) => void,
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::debug!(error, "void changes of role are taken up later");
                return;
            }
        };
        for notice in
            void.into_iter().filter(|notice| !given_up.contains(notice)).collect::<Vec<_>>()
        {
            match self.retry(&notice, SOURCE, false).await {
                Ok(Some(received)) if received.outcome == Outcome::Released => {
                    let revocation = received.revocations.first().map(String::as_str);
                    tracing::info!(
                        notice,
                        revocation,
                        "a change of role was taken up again, since the end that made it void was withdrawn"
                    );
                }
                Ok(_) => {
                    tracing::warn!(
                        notice,
                        "a change of role is void by an end that was withdrawn, and cannot be used: revoked webhook retry"
                    );
                    given_up.insert(notice);
                }
                // Tried again at the next turn.
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::debug!(error, notice, "a change of role is taken up later");
                }
            }
        }
    }
}
