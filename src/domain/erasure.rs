//! Why a person is forgotten.

use super::words::words;

words! {
    /// On what ground a person's data are erased.
    Basis {
        /// The person asked for it (Art. 17 GDPR, or what other laws have like it).
        GdprArt17 = "gdpr_art_17",
        /// They need not be kept any longer.
        Retention = "retention",
        /// Anything else.
        Other = "other",
    }
}
