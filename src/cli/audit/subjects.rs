//! `revoked log subjects`: who the people in the log are, for an auditor who may know.

use crate::cli::doctor::store::open_read_only;
use crate::cli::exit;
use crate::config::Config;
use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use std::fs::OpenOptions;
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// Print who the people in the log are
///
/// One JSON object a line with the subject's id in the log and the disclosure, for `revoked verify --subjects`. It
/// comes from the store, where an erasure deletes it; the log does not have it. Run it as the agent's user, beside a
/// running agent too. Nobody gets it over the API.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    file: crate::cli::client::ConfigFile,

    /// Make this file, which you alone may read, instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(arguments: &Arguments) -> Result<u8> {
    let config = Config::read(&arguments.file.config)?;
    let store = open_read_only(config.store.expose_secret()).await.context("reading the store")?;
    let mut out: Box<dyn Write + Send> = match &arguments.output {
        None => Box::new(std::io::stdout()),
        Some(path) => {
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            Box::new(BufWriter::new(made.with_context(|| format!("making {}", path.display()))?))
        }
    };
    let mut after = String::new();
    loop {
        let page = store.disclosures(&after).await?;
        let Some((last, _)) = page.last() else { break };
        last.clone_into(&mut after);
        for (subject, disclosure) in &page {
            let line = serde_json::json!({"disclosure": disclosure, "subject": subject});
            match writeln!(out, "{line}") {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit::OK),
                written => written.context("writing the disclosures")?,
            }
        }
    }
    match out.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit::OK),
        flushed => flushed.context("writing the disclosures")?,
    }
    store.close().await;
    Ok(exit::OK)
}
