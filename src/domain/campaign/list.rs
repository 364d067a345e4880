//! The list of a campaign's consumers, as a query or a file tells it. One row that cannot be read makes all of it unusable:
//! whoever is left out would be taken for somebody who is done.

use crate::domain::effective::{Zones, resolve};
use crate::domain::time::UtcTime;
use std::collections::BTreeSet;

/// What a list may tell of a consumer.
pub const COLUMNS: &[&str] = &[
    "consumer",
    "team",
    "status",
    "confirmed_at",
    "deadline",
    "old_role",
    "new_role",
    "old_used_at",
    "new_used_at",
];
/// Most consumers of a campaign.
pub const MOST: usize = 10_000;
/// Longest name of a consumer or role, in characters.
const NAME: usize = 200;
/// Longest name of a team, in bytes: it stands in the log and in ids.
const TEAM: usize = 64;

/// A consumer as a list tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The team that owns it.
    pub team: String,
    /// Until when, where it has a time of its own.
    pub deadline: Option<UtcTime>,
    /// Its status says that it uses the new credential.
    pub confirmed: bool,
    /// Since when.
    pub confirmed_at: Option<UtcTime>,
    /// Database role of the old credential, where it is its own.
    pub old_role: Option<String>,
    /// The same of the new one.
    pub new_role: Option<String>,
    /// Newest use of the old credential.
    pub old_used_at: Option<UtcTime>,
    /// Newest use of the new one.
    pub new_used_at: Option<UtcTime>,
}

/// Why a list cannot be used. It names a row by its number, and nobody's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongList {
    /// Nobody is in it.
    #[error("it names no consumers")]
    Empty,
    /// Too many.
    #[error("it names more than {MOST} consumers")]
    TooMany,
    /// A row without what every row has.
    #[error("row {0} has no {1}")]
    Missing(usize, &'static str),
    /// A row with something else than belongs there.
    #[error("row {0}: {1}: {2}")]
    Wrong(usize, &'static str, &'static str),
    /// A consumer that was there before.
    #[error("row {0} names a consumer that an earlier row names")]
    Twice(usize),
}

/// Reads `rows`, each of which gives the text of a column; times without a zone are meant in `zone`.
///
/// # Errors
/// Which row is wrong, and how.
pub fn read<R: Fn(&str) -> Option<String>>(
    rows: impl IntoIterator<Item = R>,
    zone: Option<&str>,
) -> Result<Vec<Listed>, WrongList> {
    let (mut all, mut names) = (Vec::new(), BTreeSet::new());
    for (place, row) in rows.into_iter().enumerate() {
        if place == MOST {
            return Err(WrongList::TooMany);
        }
        let one = one(&row, place + 1, zone)?;
        if !names.insert(one.name.clone()) {
            return Err(WrongList::Twice(place + 1));
        }
        all.push(one);
    }
    // A table that is being filled would say of everybody that they are done.
    if all.is_empty() { Err(WrongList::Empty) } else { Ok(all) }
}

fn one(
    row: &impl Fn(&str) -> Option<String>,
    number: usize,
    zone: Option<&str>,
) -> Result<Listed, WrongList> {
    let text =
        |column: &str| row(column).map(|text| text.trim().to_owned()).filter(|t| !t.is_empty());
    let wrong = |column, why| WrongList::Wrong(number, column, why);
    let name = |column: &'static str| match text(column) {
        Some(name) if name.chars().count() > NAME || name.contains('\0') => {
            Err(wrong(column, "up to 200 characters, none of them NUL"))
        }
        name => Ok(name),
    };
    let at = |column: &'static str| {
        let zones = Zones { default: zone, ..Zones::default() };
        let read = |text: String| {
            let why = "it is no time; write it as 2026-03-05T17:00:00Z, or as 2026-03-05";
            resolve(&text, &zones).map(|(at, _)| at).map_err(|_| wrong(column, why))
        };
        text(column).map(read).transpose()
    };
    let missing = |column| WrongList::Missing(number, column);
    let team = text("team").ok_or_else(|| missing("team"))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if team.len() > TEAM || !team.bytes().all(plain) {
        let why = "up to 64 letters, digits, dots, dashes and underscores: it stands in the log";
        return Err(wrong("team", why));
    }
    let confirmed = match text("status").as_deref() {
        None | Some("pending") => false,
        Some("confirmed") => true,
        Some(_) => return Err(wrong("status", "it is `pending` or `confirmed`")),
    };
    let (old_role, new_role) = (name("old_role")?, name("new_role")?);
    if new_role.is_some() && new_role == old_role {
        return Err(wrong("new_role", "it is the old one, whose use would be use of the new one"));
    }
    Ok(Listed {
        name: name("consumer")?.ok_or_else(|| missing("consumer"))?,
        team,
        deadline: at("deadline")?,
        confirmed,
        confirmed_at: at("confirmed_at")?,
        old_role,
        new_role,
        old_used_at: at("old_used_at")?,
        new_used_at: at("new_used_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[&[(&str, &str)]]) -> Result<Vec<Listed>, WrongList> {
        let rows = rows.iter().map(|row| {
            |column: &str| {
                let found = row.iter().find(|(name, _)| *name == column);
                found.map(|(_, text)| (*text).to_owned())
            }
        });
        read(rows, Some("Europe/Berlin"))
    }

    #[test]
    fn a_row_tells_who_and_whose_and_perhaps_more() {
        let all = list(&[
            &[("consumer", " billing "), ("team", "payments")],
            &[
                ("consumer", "etl"),
                ("team", "data.core"),
                ("status", "confirmed"),
                ("deadline", "2026-03-05"),
                ("new_used_at", "2026-03-05T09:00:00Z"),
                ("new_role", "etl_2026"),
            ],
        ]);
        let all = all.unwrap();
        assert_eq!(
            (all[0].name.as_str(), all[0].confirmed, all[0].deadline),
            ("billing", false, None)
        );
        assert_eq!(all[1].deadline.unwrap().to_string(), "2026-03-05T16:00:00.000000Z");
        assert_eq!((all[1].confirmed, all[1].new_role.as_deref()), (true, Some("etl_2026")));
    }

    #[test]
    fn one_row_that_cannot_be_read_makes_the_list_unusable() {
        for (rows, says) in [
            (vec![], "no consumers"),
            (vec![vec![("team", "a")]], "row 1 has no consumer"),
            (vec![vec![("consumer", "a")]], "row 1 has no team"),
            (vec![vec![("consumer", "a"), ("team", "a b")]], "row 1: team: up to 64"),
            (vec![vec![("consumer", "a"), ("team", "a"), ("status", "done")]], "row 1: status"),
            (vec![vec![("consumer", "a"), ("team", "a"), ("deadline", "soon")]], "row 1: deadline"),
            (
                vec![vec![("consumer", "a"), ("team", "a"), ("old_role", "r"), ("new_role", "r")]],
                "row 1: new_role",
            ),
            (vec![vec![("consumer", "a"), ("team", "a")]; 2], "row 2 names a consumer that"),
        ] {
            let rows: Vec<&[(&str, &str)]> = rows.iter().map(Vec::as_slice).collect();
            let error = list(&rows).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
