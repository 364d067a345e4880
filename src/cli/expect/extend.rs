//! `revoked expect add --extend`: a contract goes on.

use super::super::client::Where;
use super::super::exception;
use super::super::output::{Format, Output, in_options, shown};
use crate::domain::exception::ExceptionKind;
use crate::intake::exceptions::Wish;
use anyhow::{Result, bail};

/// Asks that the end date of `subject` moves by `by`. A second person approves it, like every exception.
pub(super) async fn run(
    at: &Where,
    subject: &str,
    by: String,
    why: String,
    output: Format,
) -> Result<u8> {
    let wish = Wish {
        kind: ExceptionKind::Extension.as_str().to_owned(),
        subject: Some(subject.to_owned()),
        extend_by: Some(by),
        why,
        ..Wish::default()
    };
    let reach = at.reach().await?;
    let asked = reach.request_exception(serde_json::to_vec(&wish)?).await.map_err(in_options);
    reach.leave().await?;
    let Some(view) = asked? else {
        bail!(
            "nothing is expected of {0}, so there is no end date to move; say when the contract ends: \
             revoked expect add --user {0} --reason contract_expired --schedule DATE",
            shown(subject)
        )
    };
    let output = match output {
        Format::Json => Output::Json,
        Format::Table => Output::Table,
    };
    exception::print(&view, output)
}
