//! Lists of revocations: every page of them, through the agent or alone.

use super::Reach;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::http::list::{self, Filter, Page};
use crate::http::view::View;
use crate::store::Stored;
use anyhow::Result;

impl Reach {
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
        self.pages(Filter { open: open.then_some(true), ..Filter::default() }).await
    }

    /// Those with an item of the checklist that is past its due and that nobody attested.
    pub(in crate::cli) async fn unattested(&self) -> Result<Vec<View>> {
        self.pages(Filter { unattested: Some(true), ..Filter::default() }).await
    }

    async fn pages(&self, filter: Filter) -> Result<Vec<View>> {
        let mut filter = Filter { limit: Some(list::MOST), ..filter };
        let mut views = Vec::new();
        loop {
            let page: Page = match self {
                Self::Http { client, base, .. } => {
                    let mut address = format!("{base}/api/v1/revocations?limit={}", list::MOST);
                    if filter.open == Some(true) {
                        address.push_str("&open=true");
                    }
                    if filter.unattested == Some(true) {
                        address.push_str("&unattested=true");
                    }
                    if let Some(cursor) = &filter.cursor {
                        address.push_str("&cursor=");
                        address.push_str(cursor);
                    }
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

/// Milestones whose deadline has passed unmet. A subject known to have no account has nothing to be late with.
fn overdue_at(stored: &Stored, now: UtcTime) -> Vec<Milestone> {
    let Some(life) = &stored.landed else { return Vec::new() };
    let asked = &stored.revocation;
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
    let open = due && !stored.evidence.no_account;
    Milestone::ALL.iter().copied().filter(|milestone| open && passed(*milestone)).collect()
}
