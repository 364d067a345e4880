//! Where a list goes on, as a text that means nothing to others.

use crate::domain::time::UtcTime;
use crate::store::Place;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest id in a cursor.
const ID: usize = 64;

/// The cursor that goes on after `place`.
pub(super) fn write(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{}", place.received_at.micros(), place.id))
}

/// The place that a cursor names; `None` when [`write`] did not make it.
pub(super) fn read(cursor: &str) -> Option<Place> {
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
