//! `revoked expect recheck`: have an expected revocation looked at now.

use super::super::client::{Found, Reach, Where, path_of, read};
use super::super::exit;
use super::super::output::{self, Format};
use super::super::values;
use super::show::{print_view, several};
use crate::domain::time::UtcTime;
use crate::http::recheck::Asked;
use crate::http::view::View;
use anyhow::{Result, bail};

/// Have one revocation looked at now
///
/// Waits up to 15 s for a look that begins after the question. Of a subject that has several revocations, their ids are
/// listed on stderr.
///
/// Exit status: 0 revoked; 2 residual access; 3 inconclusive, or not looked at yet; 64 the
/// subject has several.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…, or that of its subject
    #[arg(value_name = "rev_ID|SUBJECT", value_parser = values::text)]
    id: String,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What the agent answered.
enum Rechecked {
    Judged(Box<View>),
    NotYet(UtcTime),
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let id = match reach.find(&arguments.id).await? {
        Found::One(view) => view.id,
        Found::Several(views) => {
            reach.leave().await?;
            several(&arguments.id, &views);
            return Ok(exit::USAGE);
        }
        Found::None => arguments.id.clone(),
    };
    let rechecked = ask(&reach, &id).await;
    reach.leave().await?;
    let Some(rechecked) = rechecked? else {
        return Err(super::nobody(&arguments.id));
    };
    let view = match rechecked {
        Rechecked::Judged(view) => view,
        Rechecked::NotYet(asked_at) => {
            eprintln!(
                "asked at {asked_at}, and not looked at yet; `expect show` tells when it was"
            );
            return Ok(exit::INCONCLUSIVE);
        }
    };
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&view)?),
        Format::Table => print_view(&view),
    }
    Ok(view.verdict.map_or(exit::INCONCLUSIVE, output::exit_code))
}

async fn ask(reach: &Reach, id: &str) -> Result<Option<Rechecked>> {
    let Reach::Http { client, base, .. } = reach else {
        bail!("no agent is running, so nobody looks; `revoked check` looks without one")
    };
    let Some(path) = path_of(id) else { return Ok(None) };
    let request = client.post(format!("{base}{path}/recheck"));
    let response = reach.answer(request).await?;
    Ok(match response.status() {
        reqwest::StatusCode::NOT_FOUND => None,
        reqwest::StatusCode::ACCEPTED => {
            Some(Rechecked::NotYet(read::<Asked>(response).await?.asked_at))
        }
        _ => Some(Rechecked::Judged(Box::new(read(response).await?))),
    })
}
