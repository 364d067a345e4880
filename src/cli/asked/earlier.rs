//! Who bore a name before: a role that was renamed is the same role, and another one under its old name hides it from
//! whoever asks by name.

use super::Asked;
use crate::domain::account::{Account, AccountName};
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::residual::ResidualKind;
use crate::domain::verdict::{Judgement, Verdict};
use crate::http::called::Bearer;

/// A role that bears or bore a name that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Earlier {
    pub(in crate::cli) name: AccountName,
    pub(in crate::cli) role: Bearer,
    /// The role that bears the name now was asked about, and no other.
    pub(in crate::cli) alone: bool,
}

impl Asked {
    /// Says of each role that once bore a name asked about, and is called otherwise now, that nobody asked about it,
    /// unless its present name is one of `names`, which all questions together are about.
    /// Where one role alone was asked about, that is no gap.
    pub(in crate::cli) fn say_who_bore_it(
        &self,
        accounts: &[Account],
        names: &[AccountName],
        looks: &[&Observation],
        judged: &mut Judgement,
    ) {
        for (look, earlier, now) in self.renamed(accounts, looks) {
            if names.iter().any(|name| name.role == now && name.applies_to(&look.target)) {
                continue;
            }
            let name = &earlier.name.role;
            let (oid, since) = (earlier.role.oid, earlier.role.first_seen_at);
            let taken = accounts.iter().any(|account| account.target == look.target);
            if earlier.alone {
                judged.not_covered.push(NotCovered {
                    surface: format!("{now} (OID {oid}) of {}", look.target),
                    reason: format!(
                        "it was called {name} when it was first seen ({since}), and the role that is called so \
                         now was asked about alone"
                    ),
                });
                continue;
            }
            let another = if taken { "another role" } else { "a role" };
            let alone = if taken {
                format!(
                    "; if it is somebody else's, {}/{name} asks about {name} alone",
                    look.target
                )
            } else {
                String::new()
            };
            judged.gaps.push(Gap {
                surface: ResidualKind::Login,
                target: look.target.clone(),
                database: None,
                reason: format!(
                    "{another} bore the name {name}, first seen so at {since}: {now} (OID {oid}); it was not asked \
                     about"
                ),
                fix: format!("ask about {now} as well{alone}"),
                cause: Cause::Internal,
            });
            if judged.verdict == Verdict::Revoked {
                judged.verdict = Verdict::Inconclusive;
            }
        }
    }

    /// Roles that exist and are none of `accounts`, with the look that saw each and its present name.
    fn renamed<'a>(
        &'a self,
        accounts: &'a [Account],
        looks: &'a [&'a Observation],
    ) -> impl Iterator<Item = (&'a Observation, &'a Earlier, &'a str)> {
        let bearers = move |look: &'a Observation| {
            let cluster = look.server.as_ref().map(|server| server.system_identifier);
            self.earlier
                .iter()
                .filter(move |earlier| {
                    cluster == Some(earlier.role.system_identifier)
                        && earlier.name.applies_to(&look.target)
                        && !accounts.iter().any(|account| {
                            account.target == look.target
                                && Some(account.system_identifier) == cluster
                                && account.oid == earlier.role.oid
                        })
                })
                .filter_map(move |earlier| {
                    Some((look, earlier, look.role(earlier.role.oid)?.name.as_str()))
                })
        };
        looks.iter().copied().flat_map(bearers)
    }
}
