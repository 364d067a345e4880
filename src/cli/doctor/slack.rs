//! Who is told: whether Slack takes the token. Nobody is told anything by that.

use super::section::{Level, Section};
use crate::config::Config;
use crate::deliver::slack::Slack;
use crate::deliver::{Heard, Receiver as _, usable_slack};
use crate::domain::delivery::{Answer, Audience};

/// Asks Slack about the token; `None` where nobody is told.
pub(super) async fn section(config: &Config) -> Option<Section> {
    let slack = config.slack.as_ref()?;
    let mut section = Section::new("slack", slack.channel.clone());
    let made = usable_slack(Some(slack)).and_then(|()| Slack::new(slack, Audience::Security));
    if let Some(button) = &slack.acknowledge {
        section.fact("acknowledge_pause_seconds", button.pause.as_secs());
        let text = format!(
            "messages of what is overdue have a button: Slack has to reach POST /api/v1/slack/interactions at {} by https, which nobody can \
             try from here",
            config.api_listen
        );
        section.say(Level::Note, text);
    }
    match made {
        Ok(receiver) => say(&mut section, &receiver.probe().await),
        Err(error) => section.say(Level::Broken, format!("{error:#}")),
    }
    Some(section)
}

fn say(section: &mut Section, heard: &Heard) {
    section.fact("answer", heard.word.as_str());
    match heard.answer {
        Answer::Sent(_) | Answer::Found(_) => {
            section.say(Level::Ok, "it takes the token".to_owned());
            let text = "whether the bot may write to the channel shows with the first message";
            section.say(Level::Note, text.to_owned());
        }
        Answer::Token => {
            let text = format!("it refuses the token ({})", heard.word);
            section.advise(
                Level::Warn,
                text,
                "put a good one into slack.token_file; messages wait",
            );
        }
        Answer::Later(_)
        | Answer::Doubtful
        | Answer::Destination
        | Answer::Thread
        | Answer::Gone
        | Answer::Payload
        | Answer::Unknown
        | Answer::Absent
        | Answer::Unsure => {
            let text = format!("it does not answer as it should ({})", heard.word);
            section.advise(Level::Warn, text, "look at the way to slack.base_url; messages wait");
        }
    }
}
