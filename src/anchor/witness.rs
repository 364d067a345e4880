//! Asking a witness (C2SP tlog-witness).

use super::{Refusal, ask};
use crate::audit::cosign::Cosigner;
use crate::audit::prove::Head;
use crate::audit::signed::{Note, decimal};
use crate::clock;
use crate::config::WitnessConfig;
use crate::journal::Journal;
use anyhow::{Context as _, anyhow};
use reqwest::{Client, StatusCode};
use std::cmp::Ordering;
use std::path::Path;

/// Longest answer.
const ANSWER: usize = 16 * 1024;
/// Times that a witness may say that it stands elsewhere, as it does when something asks it beside us.
const TURNS: u32 = 4;
/// Seconds between its clock and ours. A receipt whose time is further away would say of the log's own lines that
/// they are wrong.
const APART: u64 = 300;

/// The witness's signature line for `head`; `known` is what it held when it was asked last.
pub(super) async fn ask(
    client: &Client,
    witness: &WitnessConfig,
    journal: &Journal,
    dir: &Path,
    head: &Head,
    known: u64,
) -> Result<String, Refusal> {
    let cosigner = Cosigner::parse(&witness.key).context("its key")?;
    let url = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
    let mut old = known.min(head.size);
    for _ in 0..TURNS {
        let body = if old == 0 {
            format!("old 0\n\n{}", head.note)
        } else {
            journal.consistency(dir, old, Some(head.size)).await?.to_string()
        };
        let response = client.post(&url).body(body).send().await.context("asking it")?;
        match response.status() {
            StatusCode::OK => return receipt(&cosigner, head, &ask::body(response, ANSWER).await?),
            StatusCode::CONFLICT => {
                let holds = held(response).await?;
                if holds > head.size {
                    let ours = head.size;
                    return Err(Refusal::Contradicts(format!(
                        "holds {holds} lines of this log, which has {ours}"
                    )));
                }
                if holds == old && holds == head.size {
                    return Err(Refusal::Contradicts(format!(
                        "holds another tree of the same {holds} lines"
                    )));
                }
                if holds == old {
                    return Err(anyhow!("it answered 409 to the size that it holds").into());
                }
                old = holds;
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(Refusal::Contradicts(format!(
                    "holds other lines among the first {old} than this log has"
                )));
            }
            _ => return Err(anyhow!(ask::why(response).await).into()),
        }
    }
    Err(anyhow!("it changes faster than it can be asked; does another agent write this log?")
        .into())
}

/// Where a witness stands, beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds this very tree, and signed it once more.
    Same,
    /// It holds fewer lines. Whether they are the first of this log shows when it is given a checkpoint.
    Behind(u64),
    /// It holds more lines of this log than there are.
    Ahead(u64),
    /// It holds another tree of as many lines.
    Differs,
    /// It does not trust the key that signed the checkpoint.
    OtherKey,
    /// It does not know the log.
    Unknown,
}

/// Asks the witness where it stands, without moving it: a request that leads from `head` to itself is signed where it
/// holds just that, and answered with the size that it holds otherwise.
///
/// # Errors
/// When it does not answer, or not as a witness does, or its signature is not good under the configured key.
pub async fn standing(witness: &WitnessConfig, head: &Head) -> anyhow::Result<Standing> {
    let cosigner = Cosigner::parse(&witness.key).context("its key")?;
    let url = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
    let body = format!("old {}\n\n{}", head.size, head.note);
    let response = ask::client()?.post(&url).body(body).send().await.context("asking it")?;
    match response.status() {
        StatusCode::OK => {
            let answer = ask::body(response, ANSWER).await?;
            match receipt(&cosigner, head, &answer) {
                Ok(_) => Ok(Standing::Same),
                Err(Refusal::Failed(error)) => Err(error),
                Err(Refusal::Contradicts(why)) => Err(anyhow!(why)),
            }
        }
        StatusCode::CONFLICT => {
            let holds = held(response).await?;
            Ok(match holds.cmp(&head.size) {
                Ordering::Less => Standing::Behind(holds),
                Ordering::Equal => Standing::Differs,
                Ordering::Greater => Standing::Ahead(holds),
            })
        }
        StatusCode::FORBIDDEN => Ok(Standing::OtherKey),
        StatusCode::NOT_FOUND => Ok(Standing::Unknown),
        _ => Err(anyhow!(ask::why(response).await)),
    }
}

/// The size that a witness says it holds.
async fn held(response: reqwest::Response) -> anyhow::Result<u64> {
    let holds = String::from_utf8(ask::body(response, 64).await?).ok();
    let holds = holds.and_then(|text| decimal(text.trim_end()));
    holds.ok_or_else(|| anyhow!("it answered 409 without a size"))
}

/// The line that is the witness's, if it is good.
fn receipt(cosigner: &Cosigner, head: &Head, answer: &[u8]) -> Result<String, Refusal> {
    let lines = std::str::from_utf8(answer).context("its answer is not text")?;
    let note = Note::parse(&head.note).context("the log's own note")?;
    let mut ours = lines.split_inclusive('\n');
    let found = ours.find_map(|line| Some((line, cosigner.saw(note.body, line)?)));
    let Some((line, time)) = found else {
        return Err(anyhow!(
            "no line of its answer is a good cosignature under the configured key"
        )
        .into());
    };
    let now = u64::try_from(clock::now().micros() / 1_000_000).unwrap_or_default();
    if time.abs_diff(now) > APART {
        return Err(anyhow!(
            "its clock and ours are {} s apart; set the one that is wrong",
            time.abs_diff(now)
        )
        .into());
    }
    Ok(line.to_owned())
}
