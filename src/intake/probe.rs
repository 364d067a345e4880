//! Taking somebody's word about an old secret. What the server answered is judged here; that it answered so is theirs.

use super::amend::unchanged;
use super::submission::{SubmissionError, account_name, object, text_fits, wrong};
use super::{Intake, IntakeError, notice_of_change};
use crate::audit::record::{self, About};
use crate::config::{Config, TargetConfig};
use crate::domain::account::Account;
use crate::domain::address::{Address, in_words};
use crate::domain::credential::{Attestation, Attested};
use crate::domain::probe::{Answer, Finding, Path, Why};
use crate::domain::request::Refused;
use crate::domain::revocation::State;
use crate::store::{NewRecord, Stored};

/// Longest name of a server's routine.
const ROUTINE: usize = 100;

/// What an attestation comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it says of the old secret.
    pub finding: Finding,
    /// What that rests on.
    pub why: Why,
}

impl Intake {
    /// Takes `bytes` (an [`Attestation`]) to the rotation `id` as the word of `by`. When this returns, the record of
    /// it is in the log. `None`: there is no such revocation.
    ///
    /// # Errors
    /// When it cannot be used, is about no rotation or an earlier password, or cannot be kept now.
    pub async fn attest(
        &self,
        id: &str,
        bytes: &[u8],
        by: &str,
    ) -> Result<Option<Taken>, IntakeError> {
        let attestation: Attestation = object(bytes)?;
        fits(&attestation)?;
        let said = attestation.said();
        let moved = self.moving(id, |stored, config, now| {
            let state = stored.life.state;
            if state == State::Withdrawn {
                return Err(Refused::State(state).into());
            }
            if !stored.revocation.kind.is_about_a_secret() {
                return Err(Refused::NotARotation(stored.revocation.kind).into());
            }
            let account = account_of(stored, &attestation.account)?;
            at_its_servers(config, account, &attestation.path)?;
            let mut step = unchanged(stored, now);
            let mut credentials = step.life.credentials.iter_mut();
            let held = credentials.find(|held| held.standing.is_of(account));
            let held = held.filter(|held| held.standing.since == attestation.credential);
            let Some(held) = held else { return Err(Refused::Outdated.into()) };
            let probe = Attested {
                by: by.to_owned(),
                at: now,
                finding: said.finding,
                path: attestation.path.clone(),
                answer: attestation.answer.clone(),
                control: attestation.control.clone(),
                credential: attestation.credential,
            };
            if !held.attest(probe.clone()) {
                return Err(Refused::TooManyPaths.into());
            }
            let about =
                About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
            let body = record::attested(&about, account, &probe);
            step.records.push(NewRecord { kind: "item_attested", body });
            step.notice = Some(notice_of_change(bytes, by, now)?);
            Ok(step)
        });
        Ok(moved.await?.map(|_| Taken { finding: said.finding, why: said.why }))
    }
}

/// Whether the attempt was made at a server of the account's target.
fn at_its_servers(config: &Config, account: &Account, path: &Path) -> Result<(), Refused> {
    let known = config.target(&account.target).map(TargetConfig::servers).unwrap_or_default();
    let tried = Address::from(path);
    if known.iter().any(|address| address.is(&tried)) {
        return Ok(());
    }
    Err(Refused::OtherServer {
        target: account.target.clone(),
        tried: tried.to_string(),
        known: in_words(&known),
    })
}

/// The one linked account that is meant.
fn account_of<'a>(stored: &'a Stored, text: &str) -> Result<&'a Account, SubmissionError> {
    let whole = |account: &&Account| format!("{}/{}", account.target, account.role) == text;
    if let Some(account) = stored.accounts.iter().find(whole) {
        return Ok(account);
    }
    let name = account_name(text);
    let mut named = stored
        .accounts
        .iter()
        .filter(|account| account.role == name.role && name.applies_to(&account.target));
    match (named.next(), named.next()) {
        (Some(account), None) => Ok(account),
        (Some(_), Some(_)) => {
            Err(wrong("/account", format!("several targets have {text}: write TARGET/{text}")))
        }
        (None, _) => Err(wrong("/account", format!("no account of this revocation is {text}"))),
    }
}

fn fits(attestation: &Attestation) -> Result<(), SubmissionError> {
    let path = &attestation.path;
    text_fits("/account", Some(&attestation.account))?;
    text_fits("/path/host", Some(&path.host))?;
    text_fits("/path/transport", Some(&path.transport))?;
    text_fits("/path/database", path.database.as_ref())?;
    for answer in [Some(&attestation.answer), attestation.control.as_ref()].into_iter().flatten() {
        answer_fits(answer)?;
    }
    Ok(())
}

fn answer_fits(answer: &Answer) -> Result<(), SubmissionError> {
    let code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if answer.sqlstate.len() != 5 || !answer.sqlstate.chars().all(code) {
        return Err(wrong("/answer/sqlstate", "five digits or capital letters"));
    }
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if answer.routine.len() > ROUTINE || !answer.routine.chars().all(name) {
        return Err(wrong("/answer/routine", "the name of a routine of the server"));
    }
    if answer.is_none() {
        return Err(wrong("/answer/sqlstate", "the server did not look at the login: try again"));
    }
    Ok(())
}
