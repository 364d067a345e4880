//! What a doctor says: sections of sentences, each with its weight and, where there is one, the fix.

use crate::cli::exit;
use crate::cli::output::{print_wrapped, shown};
use serde::Serialize;
use serde_json::{Map, Value};

/// How much a sentence matters; the order is from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// Should be mended, keeps nothing from being seen.
    Warn,
    /// This user may not look. Nobody knows.
    Unchecked,
    /// Something required cannot be seen.
    Gap,
    /// The agent cannot work with this.
    Broken,
    /// Somebody holds another history of the log.
    Differs,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warn => "WARN",
            Self::Unchecked => "NOT CHECKED",
            Self::Gap => "NOT SEEN",
            Self::Broken => "BROKEN",
            Self::Differs => "DIFFERS",
        }
    }
}

/// One sentence.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

/// What was found about one thing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    /// `configuration`, `target`, `store`, `log`, `anchors`, `slack`, `confluence`, `attestations`, `campaigns`, `agent`, `disk`, `signals` or `inbox`.
    pub(super) about: &'static str,
    /// Which one.
    pub(super) name: String,
    /// The facts behind the sentences.
    pub(super) facts: Map<String, Value>,
    pub(super) lines: Vec<Line>,
}

impl Section {
    pub(super) fn new(about: &'static str, name: impl Into<String>) -> Self {
        Self { about, name: name.into(), facts: Map::new(), lines: Vec::new() }
    }

    /// Adds a fact for programs.
    pub(super) fn fact(&mut self, key: &str, value: impl Into<Value>) {
        self.facts.insert(key.to_owned(), value.into());
    }

    /// Adds a sentence.
    pub(super) fn say(&mut self, level: Level, text: impl Into<String>) {
        self.lines.push(Line { level, text: text.into(), fix: None });
    }

    /// Adds a sentence with what to do about it.
    pub(super) fn advise(&mut self, level: Level, text: impl Into<String>, fix: impl Into<String>) {
        self.lines.push(Line { level, text: text.into(), fix: Some(fix.into()) });
    }

    /// The worst of it.
    pub(super) fn level(&self) -> Level {
        self.lines.iter().map(|line| line.level).max().unwrap_or(Level::Ok)
    }

    pub(super) fn print(&self) {
        println!("{} {}", self.about, shown(&self.name));
        for line in &self.lines {
            print_wrapped(&format!("  {:<11}  ", line.level.word()), &shown(&line.text));
            if let Some(fix) = &line.fix {
                print_wrapped("               to fix: ", &shown(fix));
            }
        }
    }
}

/// The end: one sentence, and the exit status.
pub(super) fn conclusion(sections: &[Section]) -> (String, u8) {
    let names = |level: Level| {
        let here = sections.iter().filter(|section| section.level() == level);
        here.map(|section| match section.about {
            "target" | "signals" => format!("{} {}", section.about, section.name),
            about => format!("the {about}"),
        })
        .collect::<Vec<_>>()
        .join(", ")
    };
    let warnings = sections.iter().flat_map(|section| &section.lines);
    let warnings = warnings.filter(|line| line.level == Level::Warn).count();
    match sections.iter().map(Section::level).max().unwrap_or(Level::Ok) {
        Level::Differs => (
            format!(
                "The log's history differs from what is held elsewhere: look at {}.",
                names(Level::Differs)
            ),
            exit::DIFFERS,
        ),
        Level::Broken => {
            (format!("The agent cannot work: look at {}.", names(Level::Broken)), exit::ERROR)
        }
        Level::Gap => (
            format!("Not everything that is required can be seen: look at {}.", names(Level::Gap)),
            exit::INCONCLUSIVE,
        ),
        Level::Unchecked => (
            format!(
                "What could be checked is in order, but this user may not look at {}.",
                names(Level::Unchecked)
            ),
            exit::INCONCLUSIVE,
        ),
        Level::Warn if warnings == 1 => (
            "Everything that is required can be seen; 1 thing should be mended.".to_owned(),
            exit::OK,
        ),
        Level::Warn => (
            format!("Everything that is required can be seen; {warnings} things should be mended."),
            exit::OK,
        ),
        Level::Note | Level::Ok => {
            ("Everything that is required can be seen.".to_owned(), exit::OK)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides() {
        let section = |about, level| {
            let mut section = Section::new(about, "main");
            section.say(Level::Ok, "it is there");
            section.say(level, "it");
            section
        };
        for (levels, status) in [
            (vec![Level::Ok, Level::Note], 0),
            (vec![Level::Warn], 0),
            (vec![Level::Warn, Level::Unchecked], 3),
            (vec![Level::Gap, Level::Ok], 3),
            (vec![Level::Gap, Level::Broken], 1),
            (vec![Level::Broken, Level::Differs], 5),
        ] {
            let sections: Vec<_> = levels.iter().map(|level| section("target", *level)).collect();
            assert_eq!(conclusion(&sections).1, status, "{levels:?}");
        }
        let (sentence, _) =
            conclusion(&[section("target", Level::Gap), section("log", Level::Warn)]);
        assert_eq!(sentence, "Not everything that is required can be seen: look at target main.");
    }
}
