//! What the auditor holds beside the log: keys, notes, disclosures, and what he asks for.

use super::Arguments;
use crate::audit::verify::{Anchor, Disclosures, MaxAge, Options, Vkey, VkeyError, Witness};
use crate::clock;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Longest text in which notes are looked for.
const MAX_TEXT: u64 = 16 << 20;
/// Longest file of disclosures.
const MAX_DISCLOSURES: u64 = 256 << 20;
/// What begins a note in one line.
const ONE_LINE: &str = "cp1.";

/// Reads what the arguments name. `first_line` is that of the log.
pub(super) fn options(arguments: &Arguments, first_line: Option<&[u8]>) -> Result<Options> {
    let key = arguments.key.as_deref().map(|text| key("--key", text, Vkey::parse)).transpose()?;
    let witnesses = arguments.witness.iter();
    let witnesses: Vec<Witness> = witnesses
        .map(|text| self::key("--witness", text, Witness::parse))
        .collect::<Result<_>>()?;
    let origin = match &key {
        Some(key) => key.origin().to_owned(),
        None => first_line.and_then(origin).unwrap_or_default(),
    };
    let mut anchors = Vec::new();
    for text in &arguments.anchor {
        anchors.extend(notes("--anchor", text, &origin)?);
    }
    let since = match &arguments.since {
        None => None,
        Some(text) => match <[Anchor; 1]>::try_from(notes("--since", text, &origin)?) {
            Ok([note]) => Some(note),
            Err(notes) => {
                bail!("--since: {text} holds {} notes: give the one you mean", notes.len())
            }
        },
    };
    let max_age = match &arguments.max_age {
        None => None,
        Some(limit) => {
            let limit = i64::try_from(limit.as_micros()).context("--max-age is too long")?;
            Some(MaxAge { now: clock::now().micros(), limit })
        }
    };
    let disclosures = match &arguments.subjects {
        None => None,
        Some(path) => {
            let text = String::from_utf8(bounded(path, MAX_DISCLOSURES)?)
                .with_context(|| format!("--subjects: {}", path.display()))?;
            let parsed = Disclosures::parse(&path.display().to_string(), &text);
            Some(parsed.with_context(|| format!("--subjects: {}", path.display()))?)
        }
    };
    Ok(Options {
        key,
        all_signatures: arguments.all_signatures,
        anchors,
        since,
        witnesses,
        require_anchor: arguments.require_anchor,
        max_age,
        disclosures,
        again: None,
    })
}

fn key<T>(option: &str, text: &str, parse: impl Fn(&str) -> Result<T, VkeyError>) -> Result<T> {
    if Path::new(text).is_file() {
        let read =
            std::fs::read_to_string(text).with_context(|| format!("{option}: reading {text}"))?;
        return parse(read.trim()).with_context(|| format!("{option}: {text}"));
    }
    parse(text).with_context(|| {
        format!("{option} is neither a file nor a public key (<origin>+<id>+<base64>)")
    })
}

fn notes(option: &str, text: &str, origin: &str) -> Result<Vec<Anchor>> {
    if text.starts_with(ONE_LINE) && !Path::new(text).exists() {
        return Ok(Anchor::find(option, text.as_bytes(), origin));
    }
    let path = Path::new(text);
    let bytes = bounded(path, MAX_TEXT).with_context(|| option.to_owned())?;
    Ok(Anchor::find(text, &bytes, origin))
}

/// Name of the log by its own word, to know its notes by.
fn origin(first_line: &[u8]) -> Option<String> {
    let line: serde_json::Value = serde_json::from_slice(first_line).ok()?;
    Some(line.get("what")?.get("origin")?.as_str()?.to_owned())
}

/// The bytes of a file that may not be longer than `limit`.
pub(super) fn bounded(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading {}", path.display()))?;
    if bytes.len() as u64 > limit {
        bail!("{} has more than {limit} bytes", path.display());
    }
    Ok(bytes)
}
