//! What tickets look like here.

use super::ConfigError;
use super::check::Reader;
use regex::Regex;

/// Most memory that a pattern may take, in bytes.
const SIZE: usize = 1 << 20;

/// A regular expression that the whole of a ticket has to match.
#[derive(Clone, Debug)]
pub struct TicketPattern {
    text: String,
    whole: Regex,
}

impl TicketPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no regular expression.
    fn parse(text: &str) -> Result<Self, regex::Error> {
        // By itself first: what is wrong with it is told in its own words.
        Regex::new(text)?;
        let whole = regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(SIZE).build()?;
        Ok(Self { text: text.to_owned(), whole })
    }

    /// Whether `ticket` is like that.
    #[must_use]
    pub fn fits(&self, ticket: &str) -> bool {
        self.whole.is_match(ticket)
    }
}

impl PartialEq for TicketPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TicketPattern {}

impl std::fmt::Display for TicketPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Reader<'_> {
    pub(super) fn ticket_pattern(
        &self,
        text: Option<&str>,
    ) -> Result<Option<TicketPattern>, ConfigError> {
        let parsed = text.map(TicketPattern::parse).transpose();
        parsed.map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default();
            self.wrong("ticket_pattern", format!("it is no regular expression: {why}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn parse(more: &str) -> Result<Config, ConfigError> {
        let text = format!("state_dir: s\ntargets: {{a: {{url: 'postgres://x@h/d'}}}}\n{more}\n");
        Config::parse(Path::new("/nowhere/revoked.yaml"), &text)
    }

    #[test]
    fn the_whole_ticket_has_to_match() {
        let config = parse("ticket_pattern: 'HR-[0-9]+|SEC-[0-9]+'").unwrap();
        let pattern = config.ticket_pattern.unwrap();
        for (ticket, fits) in
            [("HR-1", true), ("SEC-22", true), ("xHR-1", false), ("HR-1 ", false), ("SEC-", false)]
        {
            assert_eq!(pattern.fits(ticket), fits, "{ticket}");
        }
        assert_eq!(parse("").unwrap().ticket_pattern, None);
    }

    #[test]
    fn what_is_none_is_named() {
        for pattern in ["HR-(", "a)|(b", "[z-a]"] {
            let error = parse(&format!("ticket_pattern: '{pattern}'")).unwrap_err().to_string();
            assert!(error.contains("ticket_pattern: it is no regular expression"), "{error}");
        }
        assert!(parse("emergency_approval: 31d").is_err());
    }
}
