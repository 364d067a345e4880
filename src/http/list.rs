//! Revocations page by page: what may be asked for, and the pages.

use super::paging::{self, PageError, Window, wrong};
use super::view::View;
use crate::board::Board;
use crate::clock;
use crate::domain::revocation::{Kind, Reason, State};
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, Place, Selection, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// Most revocations on one page.
pub const MOST: u16 = 1_000;
/// Rows read at once where not all of them will be shown.
const CHUNK: i64 = 200;
/// Most rows read for one page: what is found among them is the page, and the next one goes on after them.
const SCANNED: usize = 10_000;
/// Longest text to look for.
const TEXT: usize = 1_000;

/// What is not finished.
const UNFINISHED: &[State] = &[State::Scheduled, State::Open, State::Regressed, State::Excepted];

/// Which revocations to list. Everything given has to hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// States, separated by commas.
    #[param(value_type = Option<Vec<State>>, style = Form, explode = false, min_items = 1)]
    pub state: Option<String>,
    /// `true`: only what is scheduled, open, regressed or excepted.
    #[param(nullable = false)]
    pub open: Option<bool>,
    /// What must be gone.
    #[param(value_type = Option<Kind>)]
    pub kind: Option<String>,
    /// Why, as a class.
    #[param(value_type = Option<Reason>)]
    pub reason: Option<String>,
    /// Exact stable id of who lost access.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub subject: Option<String>,
    /// Exact name of a role: linked, under its name of today or an earlier one, or searched for.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub account: Option<String>,
    /// Configured name of a cluster: an account is linked there, a name is searched for there alone, or
    /// something could not be seen there.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub target: Option<String>,
    /// Whether a milestone is missed and not met.
    #[param(nullable = false)]
    pub overdue: Option<bool>,
    /// Whether an item of the checklist is past its due and nobody attested it.
    #[param(nullable = false)]
    pub unattested: Option<bool>,
    /// Whether it was an emergency that nobody approved in time.
    #[param(nullable = false)]
    pub unapproved: Option<bool>,
    /// Whether something of it waits for a second person: a change, an emergency, or an exception.
    #[param(nullable = false)]
    pub pending: Option<bool>,
    /// Received at this instant or later.
    pub received_after: Option<UtcTime>,
    /// Received before this instant.
    pub received_before: Option<UtcTime>,
    /// Exact ticket.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub ticket: Option<String>,
    /// Those of this checklist.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub checklist: Option<String>,
    /// Those that a notice about this vendor opened or joined.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub vendor: Option<String>,
    /// Most revocations on the page.
    #[param(default = 100, minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u16>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{2,120}$", nullable = false)]
    pub cursor: Option<String>,
}

/// A page of revocations, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page {
    /// Those on this page; there may be none although there is a next page.
    pub revocations: Vec<View>,
    /// `cursor` of the next page; `null` on the last one.
    pub next: Option<String>,
}

/// A filter whose words are known.
struct Asked<'a> {
    selection: Selection,
    reason: Option<Reason>,
    filter: &'a Filter,
    window: Window,
    now: UtcTime,
    /// Nothing can be in two states at once.
    nothing: bool,
    /// Only these, where a checklist or a vendor was named.
    among: Option<BTreeSet<String>>,
}

/// The member of a vocabulary that `text` names.
fn word<T: Copy + std::fmt::Display>(
    name: &str,
    text: &str,
    members: &[T],
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, PageError> {
    let known: Vec<String> = members.iter().map(T::to_string).collect();
    read(text).map_or_else(|| wrong(format!("{name}: one of {}", known.join(", "))), Ok)
}

impl<'a> Asked<'a> {
    fn of(filter: &'a Filter) -> Result<Self, PageError> {
        let texts = [
            ("subject", &filter.subject),
            ("account", &filter.account),
            ("target", &filter.target),
            ("ticket", &filter.ticket),
            ("checklist", &filter.checklist),
            ("vendor", &filter.vendor),
        ];
        for (name, text) in texts {
            let usable = |text: &String| {
                !text.is_empty() && text.chars().count() <= TEXT && !text.contains('\0')
            };
            if !text.as_ref().is_none_or(usable) {
                return wrong(format!("{name}: 1 to {TEXT} characters, none of them NUL"));
            }
        }
        let members = |text: &String| -> Result<Vec<State>, PageError> {
            text.split(',').map(|one| word("state", one, State::ALL, State::from_word)).collect()
        };
        let mut states = filter.state.as_ref().map(members).transpose()?.unwrap_or_default();
        let mut nothing = false;
        if filter.open == Some(true) {
            if states.is_empty() {
                states.extend(UNFINISHED);
            } else {
                states.retain(|state| UNFINISHED.contains(state));
                nothing = states.is_empty();
            }
        }
        let kind = filter.kind.as_ref().map(|text| word("kind", text, Kind::ALL, Kind::from_word));
        let reason = filter.reason.as_ref();
        let reason = reason.map(|text| word("reason", text, Reason::ALL, Reason::from_word));
        let window = Window::of(filter.limit, filter.cursor.as_deref(), MOST)?;
        Ok(Self {
            selection: Selection {
                states,
                kind: kind.transpose()?,
                subject: filter.subject.clone(),
                received_after: filter.received_after,
                received_before: filter.received_before,
            },
            reason: reason.transpose()?,
            filter,
            window,
            now: clock::now(),
            nothing,
            among: None,
        })
    }

    /// Whether the store's statement cannot tell everything that was asked.
    fn sifts(&self) -> bool {
        let filter = self.filter;
        let texts =
            [&filter.account, &filter.target, &filter.ticket, &filter.checklist, &filter.vendor];
        let flags = [filter.overdue, filter.unattested, filter.unapproved, filter.pending];
        self.reason.is_some()
            || flags.iter().any(Option::is_some)
            || texts.iter().any(|t| t.is_some())
    }

    fn wants(&self, view: &View) -> bool {
        let role = |role: &String| {
            let linked = |name: &String| name == role;
            view.accounts.iter().any(|a| a.role == *role || a.names.iter().any(linked))
                || view.searched.iter().any(|name| name.role == *role)
        };
        let target = |target: &String| {
            view.accounts.iter().any(|account| account.target == *target)
                || view.searched.iter().any(|name| name.target.as_ref() == Some(target))
                || view.gaps.iter().any(|gap| gap.target == *target)
        };
        self.among.as_ref().is_none_or(|among| among.contains(&view.id))
            && self.reason.is_none_or(|reason| view.reason == reason)
            && self.filter.account.as_ref().is_none_or(role)
            && self.filter.target.as_ref().is_none_or(target)
            && self.filter.overdue.is_none_or(|overdue| overdue != view.overdue.is_empty())
            && self
                .filter
                .unattested
                .is_none_or(|unattested| unattested == view.unattested(self.now).next().is_some())
            && self.filter.unapproved.is_none_or(|unapproved| unapproved == view.unapproved())
            && self.filter.pending.is_none_or(|pending| pending == view.waits(self.now))
            && self.filter.ticket.as_ref().is_none_or(|t| view.ticket.as_ref() == Some(t))
    }
}

/// The page that `filter` asks for.
///
/// # Errors
/// When the filter has a word nobody knows, or the store is away.
pub async fn page(store: &Store, board: &Board, filter: &Filter) -> Result<Page, PageError> {
    let mut asked = Asked::of(filter)?;
    if filter.checklist.is_some() || filter.vendor.is_some() {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let among = store.listed(&text(&filter.checklist), &text(&filter.vendor)).await?;
        asked.nothing = asked.nothing || among.is_empty();
        asked.among = Some(among);
    }
    let mut page = Page { revocations: Vec::new(), next: None };
    if asked.nothing {
        return Ok(page);
    }
    let mut after = asked.window.after.clone();
    let mut scanned = 0;
    let whole = asked.window.rows();
    let chunk = if asked.sifts() { CHUNK } else { whole };
    loop {
        let rows = store.page(&asked.selection, after.as_ref(), chunk).await?;
        let last = i64::try_from(rows.len()).is_ok_and(|count| count < chunk);
        for stored in rows {
            if page.revocations.len() == asked.window.limit || scanned == SCANNED {
                page.next = after.as_ref().map(paging::write);
                return Ok(page);
            }
            scanned += 1;
            after = Some(Place::of(&stored));
            page.revocations.extend(shown(stored, board).filter(|view| asked.wants(view)));
        }
        if last {
            return Ok(page);
        }
    }
}

fn shown(stored: Evidenced, board: &Board) -> impl Iterator<Item = View> {
    View::of(stored, board).into_iter()
}
