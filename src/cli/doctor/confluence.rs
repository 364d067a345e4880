//! Where records are filed: whether Confluence takes the token and has the space. Nothing is written by that.

use super::section::{Level, Section};
use crate::config::Config;
use crate::deliver::Heard;
use crate::deliver::confluence::{Filing, probe};
use crate::domain::delivery::Answer;
use crate::domain::time::UtcTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Days before the end of a token on which it is told of.
const SOON: i32 = 30;

/// Asks Confluence about token and space; `None` where nothing is filed.
pub(super) async fn section(config: &Config, now: UtcTime) -> Option<Section> {
    let filing = Filing::of(config)?;
    let mut section = Section::new("confluence", filing.section.space.clone());
    match probe(&filing).await {
        Ok(heard) => say(&mut section, &heard),
        Err(error) => section.say(Level::Broken, format!("{error:#}")),
    }
    if let Some(end) = filing.section.token_expires_on {
        let days = days_to(end, now);
        section.fact("token_expires_in_days", days);
        if days <= SOON {
            let text = if days < 0 {
                format!("its token ended on {end}, as the configuration says")
            } else {
                format!("its token ends on {end}, in {days} days")
            };
            let fix =
                "make a new one, put it into confluence.token_file, and correct token_expires_on";
            section.advise(Level::Warn, text, fix);
        }
    }
    Some(section)
}

fn days_to(end: Date, now: UtcTime) -> i32 {
    let now = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or_default();
    let today = now.to_zoned(TimeZone::UTC).date();
    today.until(end).map_or(0, |span| span.get_days())
}

fn say(section: &mut Section, heard: &Heard) {
    section.fact("answer", heard.word.as_str());
    match heard.answer {
        Answer::Sent(_) | Answer::Found(_) => {
            section.say(Level::Ok, "it takes the token, and has the space".to_owned());
            let text = "whether pages may be made there shows with the first one";
            section.say(Level::Note, text.to_owned());
        }
        Answer::Token => {
            let text = format!("it refuses the token ({})", heard.word);
            let fix = "put a good one into confluence.token_file; records wait";
            section.advise(Level::Warn, text, fix);
        }
        Answer::Destination => {
            let text = format!("it takes the token, and shows no such space ({})", heard.word);
            let fix = "correct confluence.space, or let the account see it; records wait";
            section.advise(Level::Warn, text, fix);
        }
        Answer::Later(_)
        | Answer::Doubtful
        | Answer::Thread
        | Answer::Gone
        | Answer::Payload
        | Answer::Unknown
        | Answer::Absent
        | Answer::Unsure => {
            let text = format!("it does not answer as it should ({})", heard.word);
            let fix = "look at the way to confluence.base_url; records wait";
            section.advise(Level::Warn, text, fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_to_the_end() {
        let now: UtcTime = "2026-11-22T23:00:00Z".parse().unwrap();
        for (end, days) in [("2026-12-22", 30), ("2026-11-22", 0), ("2026-11-21", -1)] {
            assert_eq!(days_to(end.parse().unwrap(), now), days);
        }
    }
}
