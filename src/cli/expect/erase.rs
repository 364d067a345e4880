//! `revoked expect erase`: forgetting a person.

use crate::cli::client::Where;
use crate::cli::exit;
use crate::cli::output::{Format, shown};
use crate::cli::values;
use crate::domain::erasure::Basis;
use anyhow::{Result, bail};

/// Erase who a person is
///
/// Deletes from the store the person's names, the disclosure, and what the notices about them said. Revocations and
/// records stay, under the subject's id in the log, and the log verifies as before. Refused while a revocation of the
/// person is not finished. A later notice about the same person makes a new subject.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// The person, by the id that the notices gave, or by the one of the log, s_…
    #[arg(value_parser = values::text)]
    subject: String,

    /// On what ground: gdpr_art_17, retention or other; the log says so
    #[arg(long, value_name = "BASIS", value_parser = basis)]
    basis: Basis,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

fn basis(word: &str) -> Result<Basis, String> {
    Basis::from_word(word).ok_or_else(|| "gdpr_art_17, retention or other".to_owned())
}

pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let done = reach.erase(&arguments.subject, arguments.basis).await;
    reach.leave().await?;
    let Some(done) = done? else {
        bail!(
            "there is no subject {}: `revoked expect list` shows what they are called",
            shown(&arguments.subject)
        );
    };
    if arguments.output == Format::Json {
        println!("{}", serde_json::to_string(&done)?);
    } else if done.erased {
        println!("erased: {}, of {} revocations", done.subject, done.revocations);
        println!("Backups of the store still have the name, until they are gone.");
    } else {
        println!("erased before: {}", done.subject);
    }
    Ok(exit::OK)
}
