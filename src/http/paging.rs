//! Pages of lists: how many rows, and where the next one goes on, as a text that means nothing to others.

use super::problem::Problem;
use super::revocations::store_away;
use crate::domain::time::UtcTime;
use crate::store::{Place, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Rows of a page if nobody says how many.
const USUAL: u16 = 100;
/// Longest id in a cursor.
const ID: usize = 64;

/// No page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// What was asked for does not exist.
    #[error("{0}")]
    Filter(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PageError> for Problem {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Filter(what) => Self::malformed(what),
            PageError::Store(error) => store_away(error),
        }
    }
}

/// The question asks for what does not exist.
pub(super) fn wrong<T>(what: impl Into<String>) -> Result<T, PageError> {
    Err(PageError::Filter(what.into()))
}

/// The rows of a page.
#[derive(Debug)]
pub(super) struct Window {
    /// How many at the most.
    pub(super) limit: usize,
    /// The place after which they begin.
    pub(super) after: Option<Place>,
}

impl Window {
    /// What `limit` and `cursor` of a question ask for, of at most `most` rows.
    ///
    /// # Errors
    /// When there can be no such page.
    pub(super) fn of(
        limit: Option<u16>,
        cursor: Option<&str>,
        most: u16,
    ) -> Result<Self, PageError> {
        let limit = limit.unwrap_or(USUAL);
        if !(1..=most).contains(&limit) {
            return wrong(format!("limit: 1 to {most}"));
        }
        let after = cursor
            .map(|text| read(text).map_or_else(|| wrong("cursor: `next` of an earlier page"), Ok));
        Ok(Self { limit: limit.into(), after: after.transpose()? })
    }

    /// How many rows to read: one more than is shown tells whether there is a next page.
    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Leaves in `rows` those of the page, and gives the cursor of the next one if there is one.
    pub(super) fn cut<T>(&self, rows: &mut Vec<T>, place: impl Fn(&T) -> Place) -> Option<String> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        rows.last().filter(|_| more).map(|last| write(&place(last)))
    }
}

/// The cursor that goes on after `place`.
pub(super) fn write(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{}", place.received_at.micros(), place.id))
}

/// The place that a cursor names; `None` when [`write`] did not make it.
fn read(cursor: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (micros, id) = text.split_once('.')?;
    let known = |b: u8| b.is_ascii_alphanumeric() || b"_.:".contains(&b);
    let place = Place { received_at: UtcTime::from_micros(micros.parse().ok()?)?, id: id.into() };
    let good = !id.is_empty() && id.len() <= ID && id.bytes().all(known);
    (good && write(&place) == cursor).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_is_read() {
        let received_at = "2026-03-05T09:00:00.000001Z".parse().unwrap();
        let place = Place { received_at, id: "rev_0f3a".to_owned() };
        let cursor = write(&place);
        assert_eq!(read(&cursor), Some(place));
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for wrong in [
            String::new(),
            "x".to_owned(),
            format!("{cursor}="),
            cursor.to_lowercase(),
            encoded("1772701200000001"),
            encoded("1772701200000001."),
            encoded("+1772701200000001.rev_0f3a"),
            encoded("9223372036854775807.rev_0f3a"),
            encoded("1772701200000001.rev_\0"),
            encoded(&format!("1.{}", "x".repeat(65))),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
