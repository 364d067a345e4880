//! Changes of role that the end of everything made void: once that end is withdrawn they are taken up again, by
//! themselves, since their sender was told that nothing is left to do.

use super::Intake;
use super::webhook::Said;
use crate::clock;
use crate::domain::notice::Outcome;
use crate::domain::time::UtcTime;
use std::collections::HashSet;

/// Who takes them up: no token and no user can be called so.
const SOURCE: &str = "revoked:withdrawn-end";
/// So long after its end was withdrawn a change is taken up, in microseconds: 30 days. What lay longer, as before an
/// update of the agent, nobody waits for.
const TAKEN_UP: i64 = 30 * 86_400_000_000;

impl Intake {
    /// Takes up what a withdrawn end made void. What cannot be used as it is by now is in `given_up`, and stays listed
    /// as superseded.
    pub(super) async fn take_up(&self, given_up: &mut HashSet<String>) {
        let since =
            UtcTime::from_micros(clock::now().micros() - TAKEN_UP).unwrap_or(UtcTime::EPOCH);
        let void = match self.journal.store.void_changes(since, given_up.len()).await {
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
            let said = Said { released: true, same_person: false, itself: true };
            match self.released(&notice, SOURCE, said).await {
                Ok(Some(received)) if received.outcome == Outcome::Released => {
                    let revocation = received.revocations.first().map(String::as_str);
                    tracing::info!(
                        notice,
                        revocation,
                        "a change of role was taken up again, since the end that made it void was withdrawn"
                    );
                }
                // Another end makes it void.
                Ok(Some(received)) if received.outcome == Outcome::Superseded => {
                    given_up.insert(notice);
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
