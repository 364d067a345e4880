//! `revoked openapi`: the description of the API, without an agent.

use super::exit;
use anyhow::Result;

/// Print the description of the API (OpenAPI 3.1, JSON)
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

/// Runs the command.
pub(super) fn run(_: &Arguments) -> Result<u8> {
    println!("{}", crate::http::description().to_pretty_json()?);
    Ok(exit::OK)
}
