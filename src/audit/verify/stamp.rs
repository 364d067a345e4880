//! The one text form of an instant in the log.

/// An instant as the log writes it: `2026-11-21T21:00:01.000000Z`, 27 bytes (RFC 3339 section 5.6).
/// Held as microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub(super) micros: i64,
}

impl Stamp {
    /// Reads the text form; `None` for any other text and for days that no calendar has.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', rest @ ..] = text else {
            return None;
        };
        let [h1, h2, b':', n1, n2, b':', s1, s2, b'.', f1, f2, f3, f4, f5, f6, b'Z'] = rest else {
            return None;
        };
        let year = number([y1, y2, y3, y4])?;
        let (month, day) = (number([m1, m2])?, number([d1, d2])?);
        let (hour, minute, second) = (number([h1, h2])?, number([n1, n2])?, number([s1, s2])?);
        if !(1..=days_in(year, month)?).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = ((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self { micros: seconds * 1_000_000 + number([f1, f2, f3, f4, f5, f6])? })
    }

    /// The text form. Instants come from [`Stamp::parse`] or lie near such a one.
    pub(super) fn text(self) -> String {
        let (seconds, micros) =
            (self.micros.div_euclid(1_000_000), self.micros.rem_euclid(1_000_000));
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = calendar(days);
        let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

fn number<const N: usize>(digits: [&u8; N]) -> Option<i64> {
    digits.into_iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
    })
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from 1970-01-01, for years 0 to 9999. A year begins in March here: the leap day ends it.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of what [`days_before`] counts.
fn calendar(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_the_calendar_does() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2000-02-29T12:00:00.000001Z", 951_825_600_000_001),
            ("2026-11-21T21:00:01.000000Z", 1_795_294_801_000_000),
            ("0000-01-01T00:00:00.000000Z", -62_167_219_200_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ] {
            let stamp = Stamp::parse(text.as_bytes()).expect(text);
            assert_eq!((stamp.micros, stamp.text().as_str()), (micros, text));
        }
    }

    #[test]
    fn days_have_their_text() {
        for day in (-719_528..2_932_896_i64).step_by(13) {
            let stamp = Stamp { micros: day * 86_400_000_000 + 86_399_999_999 };
            assert_eq!(Stamp::parse(stamp.text().as_bytes()), Some(stamp), "{day}");
        }
    }

    #[test]
    fn refuses_every_other_form() {
        for text in [
            "",
            "2026-11-21T21:00:01Z",
            "2026-11-21T21:00:01.000000z",
            "2026-11-21 21:00:01.000000Z",
            "2026-11-21T21:00:01.00000+00",
            "2026-02-29T21:00:01.000000Z",
            "1900-02-29T21:00:01.000000Z",
            "2026-13-01T21:00:01.000000Z",
            "2026-00-01T21:00:01.000000Z",
            "2026-04-31T21:00:01.000000Z",
            "2026-11-00T21:00:01.000000Z",
            "2026-11-21T24:00:00.000000Z",
            "2026-11-21T21:60:01.000000Z",
            "2026-11-21T21:00:60.000000Z",
            "+026-11-21T21:00:01.000000Z",
            "2026-11-21T21:00:01.00000éZ",
        ] {
            assert_eq!(Stamp::parse(text.as_bytes()), None, "{text}");
        }
    }
}
