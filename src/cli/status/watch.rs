//! Since when nobody looks, by what the agent wrote into the log when it began and ended.

use super::rows::in_words;
use crate::audit::format;
use crate::cli::client::Where;
use crate::cli::verify::files;
use crate::config::Config;
use crate::domain::time::UtcTime;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

/// What is read of a line of the log.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    time: UtcTime,
}

/// Says that nobody looks, and since when.
pub(super) fn nobody_looks(at: &Where, now: UtcTime) -> Result<String> {
    let config = Config::read(&at.file.config)?;
    let mut last = None;
    for path in files(std::slice::from_ref(&config.log_dir))? {
        let log = File::open(&path).with_context(|| format!("reading {}", path.display()))?;
        for line in BufReader::new(log).lines() {
            last = turn(&line.with_context(|| format!("reading {}", path.display()))?).or(last);
        }
    }
    Ok(sentence(last.as_ref(), now))
}

/// A line by which the agent says that it begins or ends.
fn turn(line: &str) -> Option<Line> {
    // Cheaper than parsing each of a million lines.
    if !line.contains(format::START) && !line.contains(format::STOP) {
        return None;
    }
    let line: Line = serde_json::from_str(line).ok()?;
    [format::START, format::STOP].contains(&line.kind.as_str()).then_some(line)
}

fn sentence(last: Option<&Line>, now: UtcTime) -> String {
    match last {
        None => "NOBODY LOOKS: no agent is running, and none has run yet".to_owned(),
        Some(line) if line.kind == format::STOP => format!(
            "NOBODY LOOKS: no agent is running since {}, {} ago; what follows is what it knew then",
            line.time,
            in_words(now.since(line.time))
        ),
        Some(line) => format!(
            "NOBODY LOOKS: no agent is running; the one begun at {} ended without saying when; what follows is what \
             it knew",
            line.time
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_turn_decides() {
        let line = |kind: &str| {
            turn(&format!(r#"{{"seq":3,"time":"2026-03-05T09:00:00.000000Z","type":"{kind}"}}"#))
        };
        let now: UtcTime = "2026-03-05T10:30:00.000000Z".parse().unwrap();
        assert!(sentence(None, now).contains("none has run yet"));
        assert!(
            sentence(line("stop").as_ref(), now)
                .contains("since 2026-03-05T09:00:00.000000Z, 1h 30m")
        );
        assert!(sentence(line("start").as_ref(), now).contains("without saying when"));
        assert!(line("observation").is_none(), "it is no turn");
    }
}
