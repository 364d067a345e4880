//! What no machine can see and people attest: devices returned, an archive made. It never decides a verdict.

use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most words that are kept of one revocation.
const WORDS: usize = 64;

/// Something that people have to attest, as it was declared when the notice came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = ChecklistItem)]
pub struct Item {
    /// Its name, which stands in the log.
    pub name: String,
    /// What is attested, in words.
    pub what: String,
    /// By when.
    pub due_at: UtcTime,
    /// The subject's data were archived: the log says `data_archived`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archive: bool,
}

/// Somebody's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedItem)]
pub struct Word {
    /// Name of the item.
    pub item: String,
    /// Who says so: token or uid, never a typed name.
    pub by: String,
    /// When.
    pub at: UtcTime,
    /// In their words. Stays in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An item and the newest word about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedState)]
pub struct Standing {
    /// Its name.
    pub item: String,
    /// What is attested, in words.
    pub what: String,
    /// By when.
    pub due_at: UtcTime,
    /// Whose word there is; `null` as long as nobody attested it.
    pub attested: Option<Word>,
}

/// How each of `items` stands.
#[must_use]
pub fn standing(items: &[Item], words: &[Word]) -> Vec<Standing> {
    let newest = |item: &Item| words.iter().rfind(|word| word.item == item.name).cloned();
    let of = |item: &Item| Standing {
        item: item.name.clone(),
        what: item.what.clone(),
        due_at: item.due_at,
        attested: newest(item),
    };
    items.iter().map(of).collect()
}

/// Takes a word. `false`: there are too many.
#[must_use]
pub fn take(words: &mut Vec<Word>, word: Word) -> bool {
    if words.len() >= WORDS {
        return false;
    }
    words.push(word);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    #[test]
    fn the_newest_word_counts_and_there_is_an_end_to_them() {
        let item = |name: &str| Item {
            name: name.into(),
            what: "it".into(),
            due_at: at(9),
            archive: false,
        };
        let word = |second| Word {
            item: "devices".into(),
            by: "uid:1".into(),
            at: at(second),
            note: None,
        };
        let mut words = Vec::new();
        assert!((0..64).all(|second| take(&mut words, word(second))));
        assert!(!take(&mut words, word(64)));
        let states = standing(&[item("devices"), item("archive")], &words);
        assert_eq!(states[0].attested.as_ref().map(|word| word.at), Some(at(63)));
        assert_eq!(states[1].attested, None);
    }
}
