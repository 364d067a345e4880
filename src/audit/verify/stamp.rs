//! The one text form of an instant in the log.

/// An instant as the log writes it: `2026-11-21T21:00:01.000000Z`, 27 bytes (RFC 3339 section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    text: [u8; 27],
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) micros: i64,
}

impl Stamp {
    /// Reads the text form; `None` for any other text and for days that no calendar has.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 27] = text.as_bytes().try_into().ok()?;
        let shape = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
        let fits = |(byte, form): (&u8, &u8)| match form {
            b'd' => byte.is_ascii_digit(),
            _ => byte == form,
        };
        if !bytes.iter().zip(shape).all(fits) {
            return None;
        }
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=days_in(year, month)?).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = ((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self { text: bytes, micros: seconds * 1_000_000 + number(20, 26)? })
    }

    /// The text it was read from.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
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
            let stamp = Stamp::parse(text).expect(text);
            assert_eq!((stamp.micros, stamp.text().as_str()), (micros, text));
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
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }
}
