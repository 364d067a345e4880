//! What is filed: a revocation or an offboarding at its end, or the attestation of a period.

use super::Place;
use super::gather::{Closing, closing};
use crate::deliver::periods::Ended;
use crate::deliver::render::attestation::title;
use crate::domain::attestation::{LeftOut, Period};
use crate::domain::delivery::Topic;
use crate::domain::time::UtcTime;
use crate::store::{Delivery, Store, StoreError};
use std::collections::BTreeSet;

/// Every revocation of a period.
pub(super) const ROWS: &str = "revocations.csv";
/// The numbers of an attestation.
pub(super) const NUMBERS: &str = "attestation.json";

/// What is filed.
#[derive(Clone, Debug)]
pub enum Matter {
    /// A revocation, or all of a vendor's offboarding, at its end.
    Closure(Box<Closing>),
    /// A period that ended.
    Period(PeriodEnd),
}

/// A period that is to be attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodEnd {
    /// Name of the attestation.
    pub name: String,
    /// What it is about.
    pub period: Period,
    /// Periods before it that are not attested.
    pub left_out: Option<LeftOut>,
    /// Where it was to be filed when it ended.
    pub place: Option<Place>,
    /// Line of the record that says that it ended: what is before that is counted.
    pub seq: u64,
    /// When that was.
    pub at: UtcTime,
    /// The page that was filed for this before, and is to be replaced.
    pub replaces: Option<String>,
    /// An attempt was made before this one: a page of ours may be there.
    pub tried: bool,
}

impl Matter {
    /// The title of its page.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Closure(closing) => closing.title(),
            Self::Period(end) => title(Some(&end.name), &end.period, end.seq),
        }
    }

    /// Names of everything that is attached.
    pub(super) fn file_names(&self) -> Vec<String> {
        match self {
            Self::Closure(closing) => closing.file_names(),
            Self::Period(_) => vec![ROWS.to_owned(), NUMBERS.to_owned()],
        }
    }

    /// What it is, as records say it, and the label of its page.
    pub(super) fn what(&self) -> (&'static str, &'static str) {
        match self {
            Self::Closure(_) => ("closure", "revocation-closure"),
            Self::Period(_) => ("attestation", "revocation-attestation"),
        }
    }

    /// What it is about.
    pub(super) fn about(&self) -> &str {
        match self {
            Self::Closure(closing) => &closing.about,
            Self::Period(end) => &end.name,
        }
    }

    /// Line of its record.
    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Closure(closing) => closing.seq,
            Self::Period(end) => end.seq,
        }
    }

    /// The page that was filed for this before.
    pub(super) fn replaces(&self) -> Option<&str> {
        match self {
            Self::Closure(closing) => closing.replaces.as_deref(),
            Self::Period(end) => end.replaces.as_deref(),
        }
    }

    /// An attempt was made before this one.
    pub(super) fn tried(&self) -> bool {
        match self {
            Self::Closure(closing) => closing.tried,
            Self::Period(end) => end.tried,
        }
    }
}

/// What a row of the outbox files; `None`: nothing any more.
pub(super) async fn matter(
    store: &Store,
    row: &Delivery,
    vendors: &BTreeSet<String>,
) -> Result<Option<Matter>, StoreError> {
    if row.topic != Topic::Attestation {
        let closing = closing(store, row, vendors).await?;
        return Ok(closing.map(|closing| Matter::Closure(Box::new(closing))));
    }
    let record = store.landed_record(&row.record).await?;
    let Some(ended) = record.as_ref().and_then(Ended::of) else { return Ok(None) };
    Ok(Some(Matter::Period(PeriodEnd {
        name: ended.name,
        period: ended.period,
        left_out: ended.left_out,
        place: ended.place.map(|(space, parent)| Place { space, parent }),
        seq: ended.seq,
        at: ended.at.unwrap_or(row.created_at),
        replaces: store.filed_page(&row.id).await?.map(|page| page.page_id),
        tried: row.first_sent_at.is_some(),
    })))
}
