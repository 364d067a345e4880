//! Where the page of a delivery is, or can be made.

use super::client::Said;
use super::edition::{Remote, Space};
use super::{Confluence, Matter};
use crate::deliver::receiver::Heard;
use crate::domain::delivery::Answer;
use serde_json::Value;

/// Titles that are tried, where others have them.
const TITLES: u32 = 9;
/// Attempts to read what was made a moment ago, and may not be shown yet.
pub(super) const GRACE: u32 = 6;

/// Where it is.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// The title there.
    pub(super) title: String,
    /// A person wrote on the page of this id before it was complete.
    pub(super) amends: Option<String>,
    pub(super) state: SpotState,
}

/// What is there.
#[derive(Clone, Debug)]
pub(super) enum SpotState {
    /// Nothing.
    Free,
    /// The page, without all that belongs to it.
    Part(Remote),
    /// All of it, and what its property says.
    Whole(Remote, Value),
}

/// What a title leads to.
enum Look {
    Free,
    Part(Remote),
    Whole(Remote, Value),
    /// Another page, or one of ours that was thrown away.
    Taken,
}

fn titled(title: &str, amends: bool, number: u32) -> String {
    let amendment = if amends { ", amendment" } else { "" };
    let number = if number == 1 { String::new() } else { format!(" ({number})") };
    format!("{title}{amendment}{number}")
}

/// What is said of each version of ours.
pub(super) fn message(delivery: &str) -> String {
    format!("revoked:{delivery}")
}

impl Confluence {
    /// Where the page of `delivery` is, or can be made.
    pub(super) async fn spot(
        &self,
        space: &Space,
        matter: &Matter,
        delivery: &str,
    ) -> Result<Spot, Heard> {
        let (mut amends, mut number) = (None, 1);
        while number <= TITLES {
            let title = titled(&matter.title(), amends.is_some(), number);
            let state = match self.look(space, &title, delivery, matter.tried()).await? {
                Look::Free => SpotState::Free,
                Look::Whole(page, value) => SpotState::Whole(page, value),
                // Before the first version of ours there is none of anybody's.
                Look::Part(page) if page.version == 1 || page.message == message(delivery) => {
                    SpotState::Part(page)
                }
                Look::Part(page) if amends.is_none() => {
                    tracing::warn!(
                        page = page.id,
                        version = page.version,
                        "somebody edited a page before it was complete: it is left as it is, and filed beside it"
                    );
                    (amends, number) = (Some(page.id), 1);
                    continue;
                }
                Look::Part(_) | Look::Taken => {
                    tracing::warn!(title, "another page has this title: the next one is tried");
                    number += 1;
                    continue;
                }
            };
            return Ok(Spot { title, amends, state });
        }
        Err(Heard::new(Answer::Unknown, "titles_taken"))
    }

    async fn look(
        &self,
        space: &Space,
        title: &str,
        delivery: &str,
        tried: bool,
    ) -> Result<Look, Heard> {
        let edition = self.filing.section.edition;
        let found = match self.client.ask(edition.find(space, title)).await? {
            Said::Good(body) => edition.read_found(title, &body),
            Said::Hidden(status) => return Err(self.hidden(status).await),
            Said::Refused { word, .. } => return Err(Heard::new(Answer::Unknown, word)),
            Said::Conflict => return Err(Heard::new(Answer::Unknown, "http_409")),
        };
        let Some(page) = found else { return Ok(Look::Free) };
        // Before the first attempt nothing is ours, whatever somebody wrote on it.
        if !tried {
            return Ok(Look::Taken);
        }
        if let Some(value) = self.property(&page.id).await? {
            let is_ours = value.get("delivery").and_then(Value::as_str) == Some(delivery);
            return Ok(match (is_ours, page.is_current) {
                (true, true) => Look::Whole(page, value),
                (true, false) | (false, _) => Look::Taken,
            });
        }
        if !page.is_current {
            return Ok(Look::Taken);
        }
        // The key that people see was written with the page itself.
        let page = self.read(&page.id).await?;
        let has_key = page.body.as_ref().is_some_and(|body| body.contains(delivery));
        Ok(if has_key { Look::Part(page) } else { Look::Taken })
    }

    /// What our property of a page says; `None`: it has none, or is not shown.
    pub(super) async fn property(&self, page: &str) -> Result<Option<Value>, Heard> {
        let edition = self.filing.section.edition;
        match self.client.ask(edition.property(page)).await? {
            Said::Good(body) => Ok(edition.read_property(&body)),
            Said::Hidden(404) => Ok(None),
            Said::Hidden(status) => Err(self.hidden(status).await),
            Said::Refused { word, .. } => Err(Heard::new(Answer::Unknown, word)),
            Said::Conflict => Err(Heard::new(Answer::Unknown, "http_409")),
        }
    }

    /// A page with its body. One that was made a moment ago may not be shown yet.
    pub(super) async fn read(&self, id: &str) -> Result<Remote, Heard> {
        let edition = self.filing.section.edition;
        for _ in 0..GRACE {
            match self.client.ask(edition.page(id)).await? {
                Said::Good(body) => {
                    let page = edition.read_page(&body);
                    return page.ok_or_else(|| Heard::new(Answer::Later(None), "unreadable"));
                }
                Said::Hidden(404) => self.pause().await,
                Said::Hidden(status) => return Err(self.hidden(status).await),
                Said::Refused { word, .. } => return Err(Heard::new(Answer::Unknown, word)),
                Said::Conflict => return Err(Heard::new(Answer::Unknown, "http_409")),
            }
        }
        Err(Heard::new(Answer::Later(None), "not_shown_yet"))
    }

    /// The usual pause.
    pub(super) async fn pause(&self) {
        tokio::time::sleep(self.filing.section.retry).await;
    }
}
