//! What a page says of the pages beside it, and of what it leaves out.

use crate::deliver::storage::Panel;

/// The pages beside one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside<'a> {
    /// The one before it.
    pub earlier: Option<&'a str>,
    /// The page that was removed, and in whose place this one is.
    pub replaces: Option<&'a str>,
    /// The page on which a person wrote before it was complete.
    pub amends: Option<&'a str>,
    /// Tables are left to what is attached.
    pub short: bool,
}

impl Beside<'_> {
    /// What is said of them. `before` is what the page before it is called.
    pub(super) fn said(&self, before: &str) -> Vec<(Panel, String)> {
        let amends = self.amends.map(|page| {
            let words = format!(
                "This is an amendment. Somebody edited page {page} before it was complete; it was left as it is, and \
                 says nothing that the log vouches for."
            );
            (Panel::Note, words)
        });
        let replaces = self.replaces.map(|page| {
            (Panel::Note, format!("This page was filed again, since page {page} was removed."))
        });
        let earlier =
            self.earlier.map(|page| (Panel::Info, format!("{before} is on page {page}.")));
        let short = self.short.then(|| {
            let words =
                "With all its tables this page would be too long: they are in the attached files.";
            (Panel::Note, words.to_owned())
        });
        [amends, replaces, earlier, short].into_iter().flatten().collect()
    }
}
