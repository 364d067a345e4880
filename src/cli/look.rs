//! Looking now: at one cluster by its URL, or at every configured one at the same time.

mod judged;

use super::asked::{self, Asked, Questions};
use super::client::Where;
use super::holds::{self, Hold, Leaver};
use super::values;
use crate::clock;
use crate::config::{Config, ExternalConfig};
use crate::domain::account::{Account, AccountName};
use crate::domain::canary::Canary;
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::probes::Person;
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use crate::domain::verdict::Judgement;
use crate::external::Asker;
use crate::reconcile::{claims, is_asked_beside, target_of};
use crate::target::{Facts, Target, Wanted};
use anyhow::{Context as _, Result};
use clap::builder::NonEmptyStringValueParser;
use judged::Around;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

/// Where to look and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct At {
    #[command(flatten)]
    pub(super) state: Where,

    /// One cluster by its URL, such as postgres://agent@db.example/postgres, instead of those configured:
    /// no configuration and no state are used. TLS is verified unless sslmode says otherwise; a password is
    /// best given in REVOKED_TARGET or PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "URL", env = "REVOKED_TARGET", hide_env_values = true)]
    pub(super) target: Option<SecretString>,

    /// With --target: database of the provider that nobody else may enter, judged by pg_shdepend alone
    /// (repeatable)
    #[arg(long, value_name = "DB", requires = "target", value_parser = values::name)]
    shdepend_only: Vec<String>,

    /// With --target: what else has to be seen (repeatable): hba_rule, ident_map, credential or probe; unseen, it
    /// is a gap then
    #[arg(long, value_name = "KIND", requires = "target", value_parser = optional_surface)]
    require: Vec<ResidualKind>,

    /// Role names, exactly as in pg_roles; without --target also TARGET/ROLE, a subject, or rev_…
    #[arg(required = true, value_name = "ROLE|SUBJECT|rev_ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) names: Vec<String>,
}

/// One look, with what a plan needs.
pub(super) struct Look {
    pub(super) observation: Observation,
    pub(super) facts: Facts,
}

/// The answer to one question.
pub(super) struct Answered {
    pub(super) asked: Asked,
    pub(super) accounts: Vec<Account>,
    pub(super) judged: Judgement,
    /// What only a person can say: of these roles nothing is judged.
    pub(super) open: Vec<Gap>,
    /// What remains and may have been granted since the person came back: no script may take it away.
    pub(super) spared: Vec<Residual>,
}

/// What was looked at, and what it says of each.
pub(super) struct Looked {
    pub(super) looks: Vec<Look>,
    pub(super) subjects: Vec<Answered>,
    /// What was not considered, and why.
    pub(super) unread: Vec<NotCovered>,
    /// When the oldest look began.
    pub(super) as_of: UtcTime,
    /// The targets are configured ones and their names mean something.
    pub(super) configured: bool,
}

impl At {
    /// Finds out who is meant, looks at each target once for all of them, and judges each. What must be gone
    /// is `kind`, else what the revocation says, else everything.
    pub(super) async fn look(&self, kind: Option<Kind>) -> Result<Looked> {
        let names = self.once();
        let mut systems = Vec::new();
        let mut servers = BTreeMap::new();
        let mut mapped = None;
        let (mut asked, unread, targets, canaries) = if let Some(url) = &self.target {
            let target = Target::from_url("target", url.expose_secret())
                .context("--target is not a usable connection URL")?
                .shdepend_only(self.shdepend_only.iter().cloned())
                .require(self.require.iter().copied());
            let asked: Vec<Asked> = names.iter().map(|name| Asked::role(name)).collect();
            (asked, Vec::new(), vec![target], Canaries::new())
        } else {
            let mut config = self.config()?;
            if asked::are_subjects(&names, &config) {
                config = judged::with_mapping(config).await?;
            }
            let Questions { asked, unread, watched } =
                asked::questions(&names, &config, &self.state).await?;
            systems.clone_from(&config.external);
            servers = config.servers();
            let (targets, canaries) = (targets(&config)?, canaries(&config));
            mapped = Some((config, watched));
            (asked, unread, targets, canaries)
        };
        for asked in &mut asked {
            asked.kind = kind.unwrap_or(asked.kind);
            if let Some(person) = &mut asked.person {
                person.kind = kind.or(person.kind);
            }
            if let Some((config, _)) = &mapped {
                asked.probed = probed(config, asked);
            }
        }
        let external = external(&systems, &asked).await?;
        let mut looks = look(targets, &asked, &canaries).await?;
        if self.target.is_some() {
            looks.iter_mut().for_each(by_options);
        }
        let configured = self.target.is_none();
        let names: Vec<AccountName> = asked.iter().flat_map(|asked| asked.names.clone()).collect();
        let known = mapped.as_ref();
        let claims = known.map(|(config, watched)| (config, claims(watched, config)));
        let (external, servers, names) = (&external, &servers, &names);
        let around = Around { looks: &looks, external, servers, names, claims };
        let subjects = asked.into_iter().map(|asked| judged::answer(asked, &around)).collect();
        let begun = looks.iter().map(|look| look.observation.started_at).min();
        let as_of = begun.unwrap_or_else(clock::now);
        Ok(Looked { looks, subjects, unread, as_of, configured })
    }

    /// The names as they were given. Who is named twice is meant once.
    pub(super) fn once(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        self.names.iter().filter(|name| known.insert(*name)).cloned().collect()
    }

    /// What is under a legal hold. With --target nobody is asked.
    pub(super) async fn holds(&self) -> Result<Vec<Hold>> {
        if self.target.is_some() {
            return Ok(Vec::new());
        }
        holds::all(&self.state).await
    }

    /// Who else leaves. With --target nobody is asked.
    pub(super) async fn leavers(&self) -> Result<Vec<Leaver>> {
        if self.target.is_some() {
            return Ok(Vec::new());
        }
        holds::leavers(&self.state).await
    }

    fn config(&self) -> Result<Config> {
        Config::read(&self.state.file.config)
            .context("without --target URL the configured targets are looked at, and the configuration cannot be used")
    }
}

/// Advice about the configuration, where there is none: what it says by a key was said by an option.
fn by_options(look: &mut Look) {
    for gap in &mut look.observation.gaps {
        let key = format!("take {} out of `required`", gap.surface);
        gap.fix = gap.fix.replace(&key, &format!("leave out --require {}", gap.surface));
    }
}

fn optional_surface(word: &str) -> Result<ResidualKind, String> {
    let optional = ResidualKind::OPTIONAL;
    ResidualKind::from_word(word).filter(|kind| optional.contains(kind)).ok_or_else(|| {
        let known: Vec<_> = optional.iter().map(|kind| kind.as_str()).collect();
        format!("it is none of {}; all other surfaces are always required", known.join(", "))
    })
}

/// Every configured target, ready to be looked at.
pub(super) fn targets(config: &Config) -> Result<Vec<Target>> {
    config
        .targets
        .iter()
        .map(|target| {
            target_of(target)
                .with_context(|| format!("{}: targets.{}.url", config.path.display(), target.name))
        })
        .collect()
}

/// What is planted, by target.
type Canaries = BTreeMap<String, Canary>;

fn canaries(config: &Config) -> Canaries {
    let planted = config
        .targets
        .iter()
        .filter_map(|target| target.canary.clone().map(|canary| (target.name.clone(), canary)));
    planted.collect()
}

/// Looks at every target that somebody is asked about on, all at the same time.
async fn look(targets: Vec<Target>, asked: &[Asked], canaries: &Canaries) -> Result<Vec<Look>> {
    let mut configured = BTreeSet::new();
    let mut looking = JoinSet::new();
    for target in targets {
        configured.insert(target.name().to_owned());
        let is_probed = |asked: &Asked| asked.probed.contains(target.name());
        if !asked.iter().any(|asked| concerns(asked, target.name()) || is_probed(asked)) {
            continue;
        }
        let mut wanted = wanted(asked, target.name());
        let canary = canaries.get(target.name()).cloned();
        wanted.names.extend(canary.as_ref().map(|canary| canary.role.clone()));
        looking.spawn(async move {
            let (mut observation, facts) = target.look_with_facts(&wanted).await;
            let blind = canary.map(|canary| canary.gaps_of(&observation));
            observation.gaps.extend(blind.into_iter().flatten());
            Look { observation, facts }
        });
    }
    let mut looks = Vec::new();
    while let Some(done) = looking.join_next().await {
        looks.push(done.context("looking at a target")?);
    }
    let accounts = asked.iter().flat_map(|asked| &asked.accounts);
    let names = asked.iter().flat_map(|asked| &asked.names);
    let unknown: BTreeSet<&str> = accounts
        .map(|account| account.target.as_str())
        .chain(names.filter_map(|name| name.target.as_deref()))
        .filter(|name| !configured.contains(*name))
        .collect();
    looks.extend(unknown.into_iter().map(removed));
    looks.sort_by(|a, b| a.observation.target.cmp(&b.observation.target));
    Ok(looks)
}

/// Asks every external system.
async fn external(systems: &[ExternalConfig], asked: &[Asked]) -> Result<Vec<Observation>> {
    let people: Vec<Person> = asked.iter().filter_map(|asked| asked.person.clone()).collect();
    let mut external = Asker::new()?;
    let mut looks = Vec::new();
    for system in systems {
        let pass = external.look(system, &people, true, std::time::Duration::ZERO).await;
        looks.push(pass.look);
    }
    Ok(looks)
}

fn concerns(asked: &Asked, target: &str) -> bool {
    asked.names.iter().any(|name| name.applies_to(target))
        || asked.accounts.iter().any(|account| account.target == target)
}

/// Targets of which a probe is asked about whom `asked` is about, wherever roles are searched for.
fn probed(config: &Config, asked: &Asked) -> BTreeSet<String> {
    let Some(person) = &asked.person else { return BTreeSet::new() };
    let targets = config.targets.iter();
    targets
        .filter(|target| target.probes.iter().any(|probe| is_asked_beside(probe, person)))
        .map(|target| target.name.clone())
        .collect()
}

fn wanted(asked: &[Asked], target: &str) -> Wanted {
    let names = asked.iter().flat_map(|asked| &asked.names);
    let accounts = asked.iter().flat_map(|asked| &asked.accounts);
    let here = accounts.clone().filter(|account| account.target == target);
    let called = here.flat_map(Account::called).cloned();
    Wanted {
        names: names.filter(|n| n.applies_to(target)).map(|n| n.role.clone()).collect(),
        oids: accounts.clone().filter(|a| a.target == target).map(|a| a.oid).collect(),
        callers: called.collect(),
        people: asked.iter().filter_map(|asked| asked.person.clone()).collect(),
        ..Wanted::default()
    }
}

/// An account was linked on a target that the configuration no longer has.
fn removed(target: &str) -> Look {
    let mut observation = Observation::begun(target, clock::now());
    observation.gaps.push(Gap {
        surface: ResidualKind::Login,
        target: target.to_owned(),
        database: None,
        reason: format!("target {target} is not in the configuration"),
        fix: "configure it again: an account of this subject was linked there".to_owned(),
        cause: Cause::Internal,
    });
    Look { observation, facts: Facts::default() }
}

impl Looked {
    /// What the agent keeps of earlier looks.
    pub(super) fn remembered(subjects: Vec<Answered>, as_of: Option<UtcTime>) -> Self {
        let as_of = as_of.unwrap_or_else(clock::now);
        Self { looks: Vec::new(), subjects, unread: Vec::new(), as_of, configured: true }
    }

    /// Somebody looked for this answer.
    pub(super) fn fresh(&self) -> bool {
        !self.looks.is_empty()
    }

    /// Several targets: then every line has to say which.
    pub(super) fn several(&self) -> bool {
        let accounts = self.subjects.iter().flat_map(|one| &one.accounts);
        let mut targets: BTreeSet<&str> = accounts.map(|a| a.target.as_str()).collect();
        targets.extend(self.looks.iter().map(|look| look.observation.target.as_str()));
        targets.len() > 1
    }

    /// A text about one target, with its name where there are several.
    pub(super) fn of_target(&self, look: &Look, text: &str) -> String {
        if self.several() {
            format!("{}: {text}", look.observation.target)
        } else {
            text.to_owned()
        }
    }
}
