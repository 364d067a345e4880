//! Roles of the targets, through the agent or by looking alone.

use super::Reach;
use super::lists::with_query;
use crate::cli::look;
use crate::config::Config;
use crate::domain::observation::Observation;
use crate::http::called::{self, Bearer, Called};
use crate::http::roster::{self, RosterEntry, RosterPage, RosterTarget};
use crate::target::Wanted;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

impl Reach {
    /// Every role that may log in, and whether the roles of each target are known. Where no agent looks, this looks.
    pub(in crate::cli) async fn logins(
        &self,
        config: Option<&Config>,
    ) -> Result<(Vec<RosterTarget>, Vec<RosterEntry>)> {
        if let (Self::Alone(_), Some(config)) = (self, config) {
            let looks = looked(config).await?;
            let names = config.targets.iter().map(|target| target.name.as_str());
            let (targets, looks) = roster::targets(names, |name| looks.get(name).cloned());
            let entries = looks.iter().flat_map(|look| roster::entries(look, false)).collect();
            return Ok((targets, entries));
        }
        let (mut entries, mut cursor) = (Vec::new(), None);
        loop {
            let asked = [("limit", Some(roster::MOST.to_string())), ("cursor", cursor)];
            let page = self.roster(asked).await?;
            entries.extend(page.roles);
            cursor = page.next;
            if cursor.is_none() {
                return Ok((page.targets, entries));
            }
        }
    }

    /// Of `names`, those that no role of any target has, though all of them were read. Nobody can tell where no agent
    /// looks.
    pub(in crate::cli) async fn unseen(&self, names: &[String]) -> Result<Vec<String>> {
        let mut unseen = Vec::new();
        for name in names {
            if matches!(self, Self::Alone(_)) {
                break;
            }
            let (target, role) = match name.split_once('/') {
                Some((target, role)) => (Some(target.to_owned()), role.to_owned()),
                None => (None, name.clone()),
            };
            let asked = [
                ("role", Some(role)),
                ("target", target.clone()),
                ("all", Some("true".to_owned())),
            ];
            let page = self.roster(asked).await?;
            let asked_of =
                |one: &&RosterTarget| target.as_ref().is_none_or(|name| one.name == *name);
            let read = page.targets.iter().filter(asked_of).all(|one| one.read);
            if read && page.roles.is_empty() {
                unseen.push(name.clone());
            }
        }
        Ok(unseen)
    }

    /// Roles that bear or bore a name, as far as the agent ever saw them.
    pub(in crate::cli) async fn bearers(&self, role: &str) -> Result<Vec<Bearer>> {
        match self {
            Self::Alone(agent) => Ok(called::bearers(&agent.journal.store, role).await?.roles),
            Self::Http { base, client, .. } => {
                let asked = [("role", role.to_owned())].into_iter();
                let address = with_query(&format!("{base}/api/v1/roster/called"), asked)?;
                Ok(self.send::<Called>(client.get(address)).await?.roles)
            }
        }
    }

    async fn roster<const N: usize>(
        &self,
        asked: [(&'static str, Option<String>); N],
    ) -> Result<RosterPage> {
        let Self::Http { base, client, .. } = self else {
            anyhow::bail!("there is no agent to ask");
        };
        let asked = asked.into_iter().filter_map(|(name, text)| Some((name, text?)));
        let address = with_query(&format!("{base}/api/v1/roster"), asked)?;
        self.send(client.get(address)).await
    }
}

/// A look at each target that searches for nobody.
async fn looked(config: &Config) -> Result<BTreeMap<String, Arc<Observation>>> {
    let mut looking = JoinSet::new();
    for target in look::targets(config)? {
        looking.spawn(async move { target.look(&Wanted::default()).await });
    }
    let mut looks = BTreeMap::new();
    while let Some(done) = looking.join_next().await {
        let look = done.context("looking at a target")?;
        looks.insert(look.target.clone(), Arc::new(look));
    }
    Ok(looks)
}
