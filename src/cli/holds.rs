//! What a plan has to know of other revocations: what is under a legal hold, and who else leaves.

use super::client::Where;
use crate::domain::account::{Account, AccountName};
use crate::domain::exception::ExceptionKind;
use crate::domain::observation::Observation;
use crate::domain::residual::Residual;
use crate::domain::revocation::{Kind, State};
use crate::http::exceptions::{ExceptionView, Filter};
use crate::http::view::View;
use anyhow::Result;

/// The accounts of one revocation of which somebody holds the data, or asks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    accounts: Vec<Account>,
    names: Vec<AccountName>,
}

impl Hold {
    /// Whether `found` belongs to one of them.
    pub(super) fn covers(&self, found: &Residual) -> bool {
        let account = &found.account;
        let linked = |known: &Account| known.target == account.target && known.oid == account.oid;
        let named = |name: &AccountName| {
            name.applies_to(&account.target) && Some(&name.role) == account.role.as_ref()
        };
        self.accounts.iter().any(linked) || self.names.iter().any(named)
    }
}

/// Somebody else who leaves: nothing is given to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaver {
    /// Their revocation.
    pub(super) revocation: String,
    accounts: Vec<Account>,
}

impl Leaver {
    /// Their roles on the target of `look`, by the names that they have now.
    pub(super) fn roles<'a>(&'a self, look: &'a Observation) -> impl Iterator<Item = &'a str> {
        let here = self.accounts.iter().filter(|account| account.target == look.target);
        here.filter_map(|account| Some(look.role(account.oid)?.name.as_str()))
    }
}

/// Everybody of whom no access may be left, now or later.
pub(super) async fn leavers(place: &Where) -> Result<Vec<Leaver>> {
    let reach = place.find().await?;
    let views = reach.list(false).await;
    reach.leave().await?;
    let leaves = |view: &View| {
        matches!(view.kind, Kind::Full | Kind::Suspend) && view.state != State::Withdrawn
    };
    let views = views?.into_iter().filter(leaves);
    Ok(views.map(|view| Leaver { revocation: view.id, accounts: view.accounts }).collect())
}

/// Every legal hold that the agent knows, also those that wait for approval: what is destroyed meanwhile does not come
/// back.
pub(super) async fn all(place: &Where) -> Result<Vec<Hold>> {
    let reach = place.find().await?;
    let filter = Filter {
        open: Some(true),
        kind: Some(ExceptionKind::LegalHold.as_str().to_owned()),
        ..Filter::default()
    };
    let mut holds = Vec::new();
    let found = async {
        for hold in reach.exceptions(filter).await?.iter().filter(|one| ExceptionView::holds(one)) {
            if let Some(view) = reach.show(&hold.revocation).await? {
                holds.push(Hold { accounts: view.accounts, names: view.searched });
            }
        }
        anyhow::Ok(())
    }
    .await;
    reach.leave().await?;
    found.map(|()| holds)
}
