//! What the agent knows of those asked about.

use super::super::client::Where;
use super::super::expect::unknown;
use super::earlier::Earlier;
use super::{Asked, REVOCATION, are_subjects, names_for, on_target};
use crate::clock;
use crate::config::Config;
use crate::domain::account::{Account, AccountName};
use crate::domain::lifecycle::Life;
use crate::domain::revocation::{Kind, Revocation, State};
use crate::http::called::Bearer;
use crate::http::view::View;
use crate::reconcile::roles_of;
use crate::store::{Evidence, Evidenced, Gist, Stored};
use anyhow::Result;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// What the agent knows of those asked about.
#[derive(Default)]
pub(super) struct Known {
    views: Vec<View>,
    /// Everything that it watches.
    pub(super) watched: Vec<Arc<Stored>>,
    /// Who bears or bore each name that a text may mean.
    bearers: BTreeMap<String, Vec<Bearer>>,
}

/// A revocation as the agent keeps it, as far as it is judged by that.
pub(super) fn stored(view: &View) -> Evidenced {
    let view = view.clone();
    let life = Life {
        state: view.state,
        verified_at: view.verified_at,
        first_clean_at: view.first_clean_at,
        gone_since: view.gone_since,
        last_look_at: view.looked_at,
        lineage: view.lineage.unwrap_or_default(),
        ..Life::begin(view.effective_at, view.received_at)
    };
    let evidence = Evidence {
        verdict: view.verdict,
        as_of: view.as_of,
        residual: view.residual,
        no_account: view.no_account,
        held: view.held,
        kept: view.kept,
        missing: view.missing,
        gaps: view.gaps,
        not_covered: view.not_covered,
    };
    let revocation = Revocation {
        id: view.id,
        subject: view.subject,
        username: view.username,
        also_called: view.also_called,
        kind: view.kind,
        reason: view.reason,
        effective_at: view.effective_at,
        effective: view.effective,
        received_at: view.received_at,
        deadlines: view.deadlines,
        accounts: view.searched,
        roles: view.roles,
        permissions: view.permissions,
        emails: view.emails,
        required_roles: view.required_roles,
        required_permissions: view.required_permissions,
        new_owner: view.new_owner,
        because: view.because,
        inactive: view.inactive.map(Box::new),
        checklist: Vec::new(),
        no_account: view.no_account_confirmed,
        preserve_data: view.preserve_data,
        ticket: view.ticket,
        earlier_tickets: view.earlier_tickets,
        source: view.source,
    };
    let stored = Stored {
        queued_at: revocation.received_at,
        // An agent that does not tell it is too old to be judged after anyway.
        watch_until: view.watched_until.unwrap_or(revocation.received_at),
        revocation,
        landed_revocation: None,
        subject_id: String::new(),
        accounts: view.accounts,
        life: Arc::new(life),
        landed: None,
        gist: Gist::of(&evidence),
        version: 0,
        records: 0,
    };
    Evidenced { stored, evidence }
}

impl Known {
    /// Asks the agent.
    pub(super) async fn of(texts: &[String], config: &Config, place: &Where) -> Result<Self> {
        let reach = place.find().await?;
        let mut known = Self::default();
        for text in texts.iter().filter(|text| !text.starts_with(REVOCATION)) {
            let names =
                on_target(text, config).map_or_else(|| names_for(text, config), |name| vec![name]);
            for role in names.into_iter().map(|name| name.role) {
                let bearers = reach.bearers(&role).await?;
                known.bearers.insert(role, bearers);
            }
        }
        let mut views = Vec::new();
        if are_subjects(texts, config) {
            views = reach.list(false).await?;
        }
        for id in texts.iter().filter(|text| text.starts_with(REVOCATION)) {
            if !views.iter().any(|view| view.id == *id) {
                views.extend(reach.show(id).await?);
            }
        }
        let now = clock::now();
        let watched = views.iter().map(|view| stored(view).stored);
        let watched = watched.filter(|one| one.is_watched(now)).map(Arc::new);
        known.watched = watched.collect();
        views.retain(|view| {
            let mut roles = view.accounts.iter().flat_map(|account| &account.names);
            texts.contains(&view.id)
                || texts.iter().any(|text| view.is_called(text))
                || roles.any(|role| texts.contains(role))
        });
        for view in views.iter().filter(|view| view.kind == Kind::Partial) {
            for role in roles_of(&stored(view), config).0 {
                if let Entry::Vacant(unknown) = known.bearers.entry(role) {
                    let bearers = reach.bearers(unknown.key()).await?;
                    unknown.insert(bearers);
                }
            }
        }
        reach.leave().await?;
        views.sort_by(|a, b| a.id.cmp(&b.id));
        known.views = views;
        Ok(known)
    }

    /// Whether somebody of that name has a revocation.
    pub(super) fn has(&self, text: &str) -> bool {
        self.views.iter().any(|view| view.is_called(text) || view.id == text)
    }

    /// Accounts of anybody whose role bears, or once bore, this name: another role of that name must not hide one
    /// that was renamed.
    fn bore(&self, text: &str) -> Vec<Account> {
        let accounts = self.views.iter().flat_map(|view| &view.accounts);
        let bore = |account: &&Account| account.names.iter().any(|name| name == text);
        let mut found: Vec<Account> = Vec::new();
        for account in accounts.filter(bore) {
            if !found.iter().any(|known| known.is(account)) {
                found.push(account.clone());
            }
        }
        found
    }

    /// Roles that bear or bore one of `names`.
    pub(super) fn earlier(&self, names: &[AccountName], alone: bool) -> Vec<Earlier> {
        let of = |name: &AccountName| {
            let bearers = self.bearers.get(&name.role).cloned().unwrap_or_default();
            let name = name.clone();
            bearers.into_iter().map(move |role| Earlier { name: name.clone(), role, alone })
        };
        names.iter().flat_map(of).collect()
    }

    /// What a revocation expects, with the roles that bear or bore the names of those that must be gone.
    fn asked(&self, view: &View, config: &Config) -> Asked {
        let mut asked = Asked::of(view, config);
        let of = |role: &String| {
            let (role, bearers) =
                (role.clone(), self.bearers.get(role).cloned().unwrap_or_default());
            bearers.into_iter().map(move |bearer| (role.clone(), bearer))
        };
        asked.meant = asked.roles.iter().flat_map(of).collect();
        asked
    }

    /// One question per revocation that `text` has; the name itself where it has none. They are not put together:
    /// each is judged by what was said of it alone.
    pub(super) fn questions(&self, text: &str, config: &Config) -> Result<Vec<Asked>> {
        if text.starts_with(REVOCATION) {
            let view = self.views.iter().find(|view| view.id == text);
            let Some(view) = view else { return Err(unknown(text)) };
            return Ok(vec![self.asked(view, config)]);
        }
        let expected = |view: &&View| view.is_called(text) && view.state != State::Withdrawn;
        // Whoever writes a subject's name may mean a role of that name as well.
        let mut role = Asked::names(text, names_for(text, config));
        role.accounts = self.bore(text);
        let views = self.views.iter().rev().filter(expected);
        let asked: Vec<Asked> =
            views.map(|view| self.asked(view, config).with_role(&role, config)).collect();
        if !asked.is_empty() {
            return Ok(asked);
        }
        role.earlier = self.earlier(&role.names, false);
        Ok(vec![role.with_probes(config)])
    }
}
