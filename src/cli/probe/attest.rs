//! Telling the agent what an attempt with an old secret came to.

use crate::cli::client::{Reach, Where, path_of, read};
use crate::cli::expect::unknown;
use crate::cli::output::shown;
use crate::cli::values;
use crate::domain::credential::Attestation;
use crate::domain::probe::{Answer, Path};
use crate::domain::time::UtcTime;
use crate::http::view::View;
use anyhow::{Result, bail};

/// To which rotation the attempt is attested.
#[derive(Debug, clap::Args)]
pub(super) struct To {
    #[command(flatten)]
    at: Where,

    /// Tell the agent, for this rotation: what was found, and never the secret. It counts as your word
    #[arg(long, value_name = "rev_ID", value_parser = values::revocation)]
    pub(super) revocation: Option<String>,

    /// Configured target that was tried, where the rotation has the role on several
    #[arg(long, value_name = "TARGET", requires = "revocation", value_parser = values::name)]
    on: Option<String>,
}

/// A rotation as it stood before the attempt.
pub(super) struct Witness {
    reach: Reach,
    id: String,
    account: String,
    credential: UtcTime,
}

impl To {
    /// Has the agent look at the password before it is tried: if it changes after that, the attempt proves nothing
    /// of the new one.
    pub(super) async fn witness(&self, role: &str) -> Result<Option<Witness>> {
        let Some(id) = &self.revocation else { return Ok(None) };
        let reach = self.at.reach().await?;
        let found = self.account(&reach, id, role).await;
        match found {
            Ok((account, credential)) => {
                Ok(Some(Witness { reach, id: id.clone(), account, credential }))
            }
            Err(error) => {
                reach.leave().await?;
                Err(error)
            }
        }
    }

    async fn account(&self, reach: &Reach, id: &str, role: &str) -> Result<(String, UtcTime)> {
        let view = match looked_at_now(reach, id).await? {
            Some(view) => Some(view),
            None => reach.show(id).await?,
        };
        let Some(view) = view else {
            return Err(unknown(id));
        };
        if !view.kind.is_about_a_secret() {
            let (id, kind) = (&view.id, view.kind);
            bail!("{id} is a {kind} revocation; only a rotation is about a secret, or a transfer");
        }
        let theirs = |target: &str| self.on.as_deref().is_none_or(|on| on == target);
        let mut named = view.accounts.iter().filter(|a| a.role == role && theirs(&a.target));
        let Some(account) = named.next() else {
            bail!("no account of {} is called {}", view.id, shown(role));
        };
        if named.next().is_some() {
            bail!("{} has {} on several targets: say which with --on", view.id, shown(role));
        }
        let Some(standing) = view.credentials.iter().find(|s| s.is_of(account)) else {
            bail!(
                "the agent has not looked at {} for this rotation yet; try again soon",
                shown(role)
            );
        };
        Ok((format!("{}/{}", account.target, account.role), standing.since))
    }
}

/// The rotation after a look begun now: a password that was changed a moment ago is known then. `None` where nobody
/// looks, or not soon enough.
async fn looked_at_now(reach: &Reach, id: &str) -> Result<Option<View>> {
    let Reach::Http { client, base, .. } = reach else { return Ok(None) };
    let Some(path) = path_of(id) else { return Ok(None) };
    let response = reach.answer(client.post(format!("{base}{path}/recheck"))).await?;
    if response.status() != reqwest::StatusCode::OK {
        return Ok(None);
    }
    read(response).await.map(Some)
}

impl Witness {
    /// Tells what came of the attempt.
    pub(super) async fn tell(
        self,
        path: Path,
        answer: Answer,
        control: Option<Answer>,
    ) -> Result<()> {
        let Self { reach, id, account, credential } = self;
        let attestation = Attestation { account, credential, path, answer, control };
        let told = reach.attest(&id, serde_json::to_vec(&attestation)?).await;
        reach.leave().await?;
        if told?.is_none() {
            return Err(unknown(&id));
        }
        Ok(())
    }

    /// Leaves without telling anything.
    pub(super) async fn leave(self) -> Result<()> {
        self.reach.leave().await
    }
}
