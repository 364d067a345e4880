//! What is under a legal hold: a plan must not touch it, by whatever name somebody asks.

use super::client::Where;
use crate::domain::account::{Account, AccountName};
use crate::domain::exception::ExceptionKind;
use crate::domain::residual::Residual;
use crate::http::exceptions::{ExceptionView, Filter};
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
