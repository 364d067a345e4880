//! What no verdict speaks about, for people: what is said of several targets in the same words is one line.

use crate::domain::observation::NotCovered;
use std::collections::BTreeMap;

/// Up to so many are all named.
const NAMED: usize = 5;
/// Of more than that, so many.
const FIRST: usize = 3;

/// One line for what is alike but for where it is: `poolers of a, b: …`.
pub(super) fn lines<'a>(list: impl IntoIterator<Item = &'a NotCovered>) -> Vec<String> {
    let mut together = BTreeMap::<(&str, &str), Vec<Option<&str>>>::new();
    for skipped in list {
        let (surface, of) = match skipped.surface.rsplit_once(" of ") {
            Some((surface, of)) => (surface, Some(of)),
            None => (skipped.surface.as_str(), None),
        };
        let places = together.entry((surface, &skipped.reason)).or_default();
        if !places.contains(&of) {
            places.push(of);
        }
    }
    // What has one reason is one line: what there is to know of two files is the same.
    let mut lines = BTreeMap::<(Vec<&str>, &str), Vec<&str>>::new();
    for ((surface, reason), places) in together {
        if places.contains(&None) {
            lines.entry((Vec::new(), reason)).or_default().push(surface);
        }
        let places: Vec<&str> = places.into_iter().flatten().collect();
        if !places.is_empty() {
            lines.entry((places, reason)).or_default().push(surface);
        }
    }
    let all = lines.into_iter().map(|((places, reason), surfaces)| {
        let surfaces = surfaces.join(" and ");
        if places.is_empty() {
            format!("{surfaces}: {reason}")
        } else {
            format!("{surfaces} of {}: {reason}", named(&places))
        }
    });
    all.collect()
}

/// All of a few, else how many they are and the first of them.
fn named(places: &[&str]) -> String {
    let Some((first, more)) = places.split_at_checked(FIRST).filter(|_| places.len() > NAMED)
    else {
        return places.join(", ");
    };
    // A database is written with its target, and a rule of the configuration in words.
    let targets = !places.iter().any(|place| place.contains(['/', ' ']));
    let what = if targets { " targets" } else { "" };
    format!("{}{what}: {} and {} more", places.len(), first.join(", "), more.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(surface: &str, reason: &str) -> NotCovered {
        NotCovered { surface: surface.to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn what_is_alike_but_for_the_target_is_one_line() {
        let list = [
            skipped("poolers of a", "no look reads them"),
            skipped("poolers of b", "no look reads them"),
            skipped("backups of a", "no look reads them"),
            skipped("backups of b", "no look reads them"),
            skipped("role john", "it is another's"),
            skipped("access lists of a/old", "judged by pg_shdepend alone"),
        ];
        assert_eq!(
            lines(&list),
            [
                "role john: it is another's",
                "backups and poolers of a, b: no look reads them",
                "access lists of a/old: judged by pg_shdepend alone",
            ]
        );
    }

    #[test]
    fn of_many_the_first_are_named_and_the_others_counted() {
        let of = |count: usize, place: &str| {
            let one = |n| skipped(&format!("poolers of t{n:02}{place}"), "no look reads them");
            lines(&(1..=count).map(one).collect::<Vec<_>>()).join("\n")
        };
        assert_eq!(of(5, ""), "poolers of t01, t02, t03, t04, t05: no look reads them");
        assert_eq!(
            of(50, ""),
            "poolers of 50 targets: t01, t02, t03 and 47 more: no look reads them"
        );
        assert_eq!(
            of(6, "/db"),
            "poolers of 6: t01/db, t02/db, t03/db and 3 more: no look reads them"
        );
    }
}
