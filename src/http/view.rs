//! A revocation as people and programs are shown it.

use super::exceptions::ExceptionView;
use super::hide;
use crate::board::Board;
use crate::clock;
use crate::domain::account::{Account, AccountName};
use crate::domain::acknowledged;
use crate::domain::checklist;
use crate::domain::credential;
use crate::domain::effective::Effective;
use crate::domain::emergency::Standing;
use crate::domain::exception::{self, Turn};
use crate::domain::inactivity::Inactive;
use crate::domain::lineage::Lineage;
use crate::domain::milestone::Deadlines;
use crate::domain::milestone::Milestone;
use crate::domain::observation::{Gap, NotCovered};
use crate::domain::probes::Missing;
use crate::domain::relapse::Relapse;
use crate::domain::request::{LIFETIME, Request, Withdrawn};
use crate::domain::residual::Residual;
use crate::domain::revocation::{Kind, Reason, State};
use crate::domain::time::UtcTime;
use crate::domain::uses::Use;
use crate::domain::verdict::Verdict;
use crate::intake::register;
use crate::store::{Evidence, Evidenced, Store, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rotation that was opened because a leaver knew the secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OpenedRotation)]
pub struct Opened {
    /// Name of the secret in the register.
    pub secret: String,
    /// The rotation.
    pub revocation: String,
}

/// A revocation: its state is the one the log holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Revocation)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
pub struct View {
    /// `rev_…`.
    pub id: String,
    /// Stable id of who lost access.
    pub subject: String,
    /// User name, where the subject's id is another.
    pub username: Option<String>,
    /// Further user names that came for the same subject.
    pub also_called: Vec<String>,
    /// Who the subject is was erased.
    pub erased: bool,
    /// What must be gone.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// Where it stands.
    pub state: State,
    /// Milestones missed and not met.
    pub overdue: Vec<Milestone>,
    /// When access had to end.
    pub effective_at: UtcTime,
    /// How that came about; `null` where nobody said a time, so that it is the time of receipt.
    pub effective: Option<Effective>,
    /// When we were told.
    pub received_at: UtcTime,
    /// By when.
    pub deadlines: Deadlines,
    /// First look that found something.
    pub first_residual_at: Option<UtcTime>,
    /// First clean look since.
    pub first_clean_at: Option<UtcTime>,
    /// Of a partial one: since when its roles are known to be gone, whatever sessions are left.
    #[serde(default)]
    pub gone_since: Option<UtcTime>,
    /// When it was verified.
    pub verified_at: Option<UtcTime>,
    /// Role names searched for.
    pub searched: Vec<AccountName>,
    /// Roles that must be gone, for a partial one.
    pub roles: Vec<String>,
    /// Permissions that must be gone, for a partial one, in the sender's words.
    pub permissions: Vec<String>,
    /// Roles that must be held, for a partial one.
    #[serde(default)]
    pub required_roles: Vec<String>,
    /// Permissions that must be held, for a partial one, in the sender's words.
    #[serde(default)]
    pub required_permissions: Vec<String>,
    /// Who owns the account from now on, for a transfer.
    #[serde(default)]
    pub new_owner: Option<String>,
    /// E-mail addresses of the subject, for probes that ask by them.
    #[serde(default)]
    pub emails: Vec<String>,
    /// The revocation of a leaver who knew the secret that this rotation is about.
    #[serde(default)]
    pub because: Option<String>,
    /// Of an account that nobody uses: what was seen of that.
    #[serde(default)]
    pub inactive: Option<Inactive>,
    /// Rotations that were opened because this subject knew a shared secret. Where one revocation is shown only.
    #[serde(default)]
    pub rotations: Vec<Opened>,
    /// What people attest, and what they attested: nobody's verdict rests on it.
    #[serde(default)]
    pub attested: Vec<checklist::Standing>,
    /// A second person confirmed that there is no account.
    pub no_account_confirmed: bool,
    /// Accounts linked.
    pub accounts: Vec<Account>,
    /// Every role was read, and none is the subject's.
    pub no_account: bool,
    /// Answer of the newest look that changed anything.
    pub verdict: Option<Verdict>,
    /// When that look began.
    pub as_of: Option<UtcTime>,
    /// When the newest look began by which it was judged, whether or not that changed anything.
    pub looked_at: Option<UtcTime>,
    /// What remains, worst first.
    pub residual: Vec<Residual>,
    /// What may stay.
    pub kept: Vec<Residual>,
    /// What must be there and is not.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What the answer does not speak about.
    pub not_covered: Vec<NotCovered>,
    /// For a rotation: what is known of the passwords, and of attempts with the old secret.
    #[serde(default)]
    pub credentials: Vec<credential::Standing>,
    /// What waits for a second person.
    pub pending: Option<Request>,
    /// Permissions to keep access: asked for, in force, and over.
    #[serde(default)]
    pub exceptions: Vec<ExceptionView>,
    /// What is owned decides nothing, since the subject's data are under a legal hold.
    #[serde(default)]
    pub held: bool,
    /// Sessions that began after the end, oldest first: use of access, or a late notice. The newest hundred, and
    /// those that are open.
    #[serde(default)]
    pub uses: Vec<Use>,
    /// How many sessions of use there were.
    #[serde(default)]
    pub uses_total: u64,
    /// How access last came back after verification, and why it likely did.
    #[serde(default)]
    pub relapse: Option<Relapse>,
    /// It was withdrawn because it should never have been expected.
    #[serde(default)]
    pub erroneous: bool,
    /// Of a withdrawn one: who withdrew it. Of what an earlier version withdrew, only the log tells.
    #[serde(default)]
    pub withdrawn: Option<Withdrawn>,
    /// The person works here again since then: what was granted since is kept.
    #[serde(default)]
    pub rehired_at: Option<UtcTime>,
    /// What was said of it since, as it is judged by that: roles that are not the subject's, links that people made,
    /// names of which nobody said that they are the same person's, and what was there before a rehire. Its members are
    /// for `revoked` of the same version; an older agent does not tell it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub lineage: Option<Lineage>,
    /// Until when it is looked at once it is verified. An older agent does not tell it.
    #[serde(default)]
    pub watched_until: Option<UtcTime>,
    /// Somebody wanted it at once, and somebody else has to approve that afterwards.
    #[serde(default)]
    pub emergency: Option<Standing>,
    /// Somebody pressed the button in Slack: people are not reminded that it is late for a while. It proves nothing.
    #[serde(default)]
    pub acknowledged: Option<acknowledged::Standing>,
    /// Who told us first.
    pub source: String,
    /// Everybody who told of it, the first one first. Where one revocation is shown only.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Ticket.
    pub ticket: Option<String>,
    /// Tickets that it had before: probes ask about each.
    #[serde(default)]
    pub earlier_tickets: Vec<String>,
    /// The sender asked to keep the data.
    pub preserve_data: bool,
}

impl View {
    /// The view of a stored revocation; `None` while the log does not hold it.
    #[must_use]
    pub fn of(found: Evidenced, board: &Board) -> Option<Self> {
        let Evidenced { stored, evidence } = found;
        let now = clock::now();
        let landed = stored.landed.as_deref()?;
        let erased = stored.is_erased();
        let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
        // That a permission is over looks worse, and is shown at once, also where nobody has noted it.
        let Turn { revocation: asked, life } = exception::present(asked, landed, now);
        let view = |one| ExceptionView::of(&stored, one, now);
        let exceptions: Vec<ExceptionView> = life.exceptions.iter().map(view).collect();
        // That it is due, or proved no more, is worse, and shown at once.
        let state = match (life.state, stored.life.state) {
            (State::Scheduled | State::Excepted, State::Open) => State::Open,
            (State::Verified, worse @ (State::Open | State::Regressed)) => worse,
            (landed, _) => landed,
        };
        // That nothing is left is told once `access_revoked` is in the log.
        let waiting = evidence.verdict == Some(Verdict::Revoked)
            && match state {
                State::Scheduled | State::Open | State::Regressed | State::Excepted => {
                    life.first_clean_at.is_none()
                }
                State::Verified | State::Withdrawn => false,
            };
        let credentials =
            stored.life.credentials.iter().map(|held| held.standing.clone()).collect();
        let in_hand = stored.in_hand().filter(|known| known.rests(now));
        let in_hand = in_hand.map(acknowledged::Acknowledged::standing);
        let judged = board.judged(&asked.id).or(evidence.as_of);
        let evidence = if waiting { Evidence::default() } else { evidence };
        Some(Self {
            // A subject known to have no account has nothing to be late with.
            overdue: if evidence.no_account { Vec::new() } else { life.late() },
            state,
            first_residual_at: life.first_residual_at,
            first_clean_at: life.first_clean_at,
            gone_since: life.gone_since.filter(|_| asked.kind == Kind::Partial),
            verified_at: life.verified_at,
            id: asked.id,
            subject: asked.subject,
            username: asked.username,
            kind: asked.kind,
            reason: asked.reason,
            effective_at: asked.effective_at,
            effective: asked.effective,
            received_at: asked.received_at,
            deadlines: asked.deadlines,
            searched: asked.accounts,
            roles: asked.roles,
            permissions: asked.permissions,
            required_roles: asked.required_roles,
            required_permissions: asked.required_permissions,
            new_owner: asked.new_owner,
            also_called: asked.also_called,
            erased,
            emails: asked.emails,
            because: asked.because,
            inactive: asked.inactive.map(|inactive| *inactive),
            rotations: Vec::new(),
            attested: checklist::standing(&asked.checklist, &life.attested),
            no_account_confirmed: asked.no_account,
            accounts: stored.accounts,
            no_account: evidence.no_account,
            verdict: evidence.verdict,
            as_of: evidence.as_of,
            looked_at: judged,
            residual: evidence.residual,
            kept: evidence.kept,
            missing: evidence.missing,
            gaps: evidence.gaps.into_iter().map(hide::names).collect(),
            not_covered: evidence.not_covered,
            credentials,
            pending: life.pending,
            held: evidence.held || exceptions.iter().any(|one| one.holds() && one.in_force_at(now)),
            exceptions,
            uses: life.uses.listed,
            uses_total: life.uses.total,
            relapse: life.relapse.map(|relapse| *relapse),
            erroneous: life.erroneous,
            withdrawn: life.withdrawn,
            rehired_at: life.lineage.rehired.map(|rehired| rehired.at),
            lineage: Some(stored.life.lineage.clone()),
            watched_until: Some(stored.watch_until),
            emergency: life.emergency.map(|called| called.standing(now)),
            acknowledged: in_hand,
            source: asked.source,
            sources: Vec::new(),
            ticket: asked.ticket,
            earlier_tickets: asked.earlier_tickets,
            preserve_data: asked.preserve_data,
        })
    }
}

/// One revocation with the rotations that it opened; `None` if there is none, or the log does not hold it.
///
/// # Errors
/// When the store is away.
pub async fn whole(store: &Store, board: &Board, id: &str) -> Result<Option<View>, StoreError> {
    let Some(stored) = store.revocation(id).await? else { return Ok(None) };
    let Some(mut view) = View::of(stored, board) else { return Ok(None) };
    let prefix = format!("{id}/");
    for (event, revocation) in store.events_of(register::SOURCE, &prefix).await? {
        // One that the log does not hold yet is shown nowhere.
        let opened = store.revocation(&revocation).await?;
        if opened.is_none_or(|opened| opened.stored.landed.is_none()) {
            continue;
        }
        let secret = event.strip_prefix(&prefix).unwrap_or_default().to_owned();
        view.rotations.push(Opened { secret, revocation });
    }
    view.sources.push(view.source.clone());
    for told in store.told_of(id).await? {
        let change = told.event_type.is_empty() && told.event_id.starts_with("chg_");
        if !change && !view.sources.contains(&told.source) {
            view.sources.push(told.source);
        }
    }
    Ok(Some(view))
}

impl View {
    /// Whether `name` is the subject's id or one of its user names.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.subject == name
            || self.username.as_deref() == Some(name)
            || self.also_called.iter().any(|called| called == name)
    }

    /// Items of the checklist that are past their due at `now` and that nobody attested.
    pub fn unattested(&self, now: UtcTime) -> impl Iterator<Item = &checklist::Standing> {
        let late = move |item: &&checklist::Standing| item.attested.is_none() && item.due_at <= now;
        let expected = self.state != State::Withdrawn;
        self.attested.iter().filter(late).filter(move |_| expected)
    }
}

impl View {
    /// Whether something waits at `now` for a second person: a change, an emergency, or an exception.
    #[must_use]
    pub fn waits(&self, now: UtcTime) -> bool {
        let change =
            self.pending.as_ref().is_some_and(|asks| now.since(asks.requested_at) <= LIFETIME);
        let called = self.emergency.as_ref().is_some_and(|called| called.approved_at.is_none());
        (change || called || self.exceptions.iter().any(ExceptionView::waits))
            && self.state != State::Withdrawn
    }

    /// Whether somebody should have approved the emergency, and nobody did.
    #[must_use]
    pub fn unapproved(&self) -> bool {
        let late = self.emergency.as_ref().is_some_and(|called| called.overdue);
        late && self.state != State::Withdrawn
    }
}
