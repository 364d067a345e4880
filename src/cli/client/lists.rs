//! Lists of revocations: every page of them, through the agent or alone.

use super::Reach;
use crate::cli::asked::REVOCATION;
use crate::domain::exception::{self, Turn};
use crate::domain::milestone::Milestone;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::http::list::{self, Filter, Page};
use crate::http::view::View;
use crate::store::Stored;
use anyhow::{Context as _, Result};

/// Which revocations somebody means.
pub(in crate::cli) enum Found {
    /// This one.
    One(Box<View>),
    /// A subject has several, newest first.
    Several(Vec<View>),
    /// There is none.
    None,
}

impl Reach {
    /// The revocation `text`, or those of the subject that is called so.
    pub(in crate::cli) async fn find(&self, text: &str) -> Result<Found> {
        if let Some(view) = self.show(text).await? {
            return Ok(Found::One(Box::new(view)));
        }
        if text.starts_with(REVOCATION) {
            return Ok(Found::None);
        }
        let mut views = self.list(false).await?;
        views.retain(|view| view.is_called(text));
        let (first, rest) = (views.pop(), views);
        Ok(match (first, rest.is_empty()) {
            (None, _) => Found::None,
            // What a list does not have, such as its rotations.
            (Some(view), true) => match self.show(&view.id).await? {
                Some(whole) => Found::One(Box::new(whole)),
                None => Found::None,
            },
            (Some(view), false) => Found::Several([rest, vec![view]].concat()),
        })
    }

    /// As [`list`](Self::list). Alone, what has passed its deadline is overdue although nobody has looked.
    pub(in crate::cli) async fn list_at(&self, open: bool, now: UtcTime) -> Result<Vec<View>> {
        let mut views = self.list(open).await?;
        if let Self::Alone(agent) = self {
            for view in &mut views {
                if let Some(stored) = agent.journal.store.revocation(&view.id).await? {
                    view.overdue = overdue_at(&stored, now);
                }
            }
        }
        Ok(views)
    }

    /// Every revocation, or every open one, newest first.
    pub(in crate::cli) async fn list(&self, open: bool) -> Result<Vec<View>> {
        self.listed(Filter { open: open.then_some(true), ..Filter::default() }).await
    }

    /// Those with an item of the checklist that is past its due and that nobody attested.
    pub(in crate::cli) async fn unattested(&self) -> Result<Vec<View>> {
        self.listed(Filter { unattested: Some(true), ..Filter::default() }).await
    }

    /// Emergencies that nobody approved in time.
    pub(in crate::cli) async fn unapproved(&self) -> Result<Vec<View>> {
        self.listed(Filter { unapproved: Some(true), ..Filter::default() }).await
    }

    /// Those of which something waits for a second person.
    pub(in crate::cli) async fn pending(&self) -> Result<Vec<View>> {
        self.listed(Filter { pending: Some(true), ..Filter::default() }).await
    }

    /// Every revocation of what `filter` names: open ones, a vendor, a checklist; newest first.
    pub(in crate::cli) async fn listed(&self, mut filter: Filter) -> Result<Vec<View>> {
        filter.limit = Some(list::MOST);
        let mut views = Vec::new();
        loop {
            let page: Page = match self {
                Self::Http { client, base, .. } => {
                    let asked = [
                        ("limit", Some(list::MOST.to_string())),
                        ("open", filter.open.map(|open| open.to_string())),
                        ("unattested", filter.unattested.map(|late| late.to_string())),
                        ("unapproved", filter.unapproved.map(|late| late.to_string())),
                        ("pending", filter.pending.map(|waits| waits.to_string())),
                        ("checklist", filter.checklist.clone()),
                        ("vendor", filter.vendor.clone()),
                        ("cursor", filter.cursor.clone()),
                    ];
                    let asked = asked.into_iter().filter_map(|(name, text)| Some((name, text?)));
                    let address = with_query(&format!("{base}/api/v1/revocations"), asked)?;
                    self.send(client.get(address)).await?
                }
                Self::Alone(agent) => {
                    list::page(&agent.journal.store, &agent.board, &filter).await?
                }
            };
            views.extend(page.revocations);
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return Ok(views);
            }
        }
    }
}

/// `address` with a query.
pub(super) fn with_query(
    address: &str,
    asked: impl Iterator<Item = (&'static str, String)>,
) -> Result<reqwest::Url> {
    let mut url = reqwest::Url::parse(address).context("the agent's address")?;
    url.query_pairs_mut().extend_pairs(asked);
    Ok(url)
}

/// Milestones whose deadline has passed unmet. A subject known to have no account has nothing to be late with.
fn overdue_at(stored: &Stored, now: UtcTime) -> Vec<Milestone> {
    let Some(landed) = &stored.landed else { return Vec::new() };
    let Turn { revocation: asked, life } = exception::present(&stored.revocation, landed, now);
    let due = match life.state {
        State::Open | State::Regressed => true,
        State::Scheduled => asked.effective_at <= now,
        State::Verified | State::Excepted | State::Withdrawn => false,
    };
    let passed = |milestone: Milestone| {
        let missed = life.missed.get(milestone).is_some();
        (missed || asked.deadlines.get(milestone).is_some_and(|at| at <= now))
            && life.met.get(milestone).is_none()
    };
    let open = due && !stored.gist.no_account;
    Milestone::ALL.iter().copied().filter(|milestone| open && passed(*milestone)).collect()
}
