//! A look of one's own, judged as the agent judges its looks.

use super::{Answered, Look, concerns, targets};
use crate::cli::asked::Asked;
use crate::clock;
use crate::config::Config;
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::address::Address;
use crate::domain::claims::Claims;
use crate::domain::credential::Standing;
use crate::domain::lineage::{Lineage, Place};
use crate::domain::link::{self, Roles};
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::verdict::{
    Further, Judgement, Question, Rotation, Verdict, judge_further, not_to_be_taken, under_hold,
};
use crate::reconcile::{Certain, back, certain, known_targets, probed_beside, since, with_sources};
use crate::target::Wanted;
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names are looked for as they were written.
const NO_SUCH_ROLE: &str = "write the role's name exactly as pg_roles has it, capitals too; if it was renamed, its \
                            present name";
/// Where there are more than roles to ask about.
const NO_SUCH_SUBJECT: &str = ". Of a person give the id under which the revocation is expected (`revoked expect \
                               list`), or map them to their roles in `subjects` of the configuration";

/// Whoever is asked about may have accounts that only the agent knows of.
fn unread(reason: &str) -> Gap {
    Gap {
        surface: ResidualKind::Login,
        target: "every target".to_owned(),
        database: None,
        reason: reason.to_owned(),
        fix: "ask as a member of group revoked, or with REVOKED_URL and a token; TARGET/ROLE asks about that \
              role alone"
            .to_owned(),
        cause: Cause::PermissionDenied,
    }
}

/// What questions are answered by.
pub(super) struct Around<'a> {
    pub(super) looks: &'a [Look],
    pub(super) external: &'a [Observation],
    /// Where the servers of each target are.
    pub(super) servers: &'a BTreeMap<String, Vec<Address>>,
    /// What all questions are about.
    pub(super) names: &'a [AccountName],
    /// The configuration, and who claims which role; `None` where neither is used.
    pub(super) claims: Option<(&'a Config, Claims<'a>)>,
}

/// The configuration with what its mapping query tells now. Where it tells nothing, what only it knows is open.
pub(super) async fn with_mapping(config: Config) -> Result<Config> {
    let Some(asked) = config.subjects.query.clone() else { return Ok(config) };
    let at = targets(&config)?.into_iter().find(|target| target.name() == asked.target);
    let Some(target) = at else { return Ok(config) };
    let wanted = Wanted { mapping: Some(asked.query), ..Wanted::default() };
    let begun = clock::now();
    let (look, _) = target.look_with_facts(&wanted).await;
    let told = look.listed.map(|told| told.and_then(|listed| known_targets(&config, listed)));
    match told {
        Some(Ok(listed)) => {
            let subjects = config.subjects.with(&listed, begun, true);
            Ok(Config { subjects, ..config })
        }
        Some(Err(error)) => {
            eprintln!("revoked: subjects.mapping_query tells nothing: {error}");
            Ok(config)
        }
        None => Ok(config),
    }
}

/// Accounts that are the subject's beyond doubt, and what is open of others.
fn linked(asked: &Asked, looks: &[&Observation], around: &Around<'_>) -> Certain {
    if let Some(reason) = &asked.unjudged {
        let open = vec![older(reason)];
        return Certain { open, ..Certain::default() };
    }
    let none = Lineage::default();
    let lineage = asked.expected.as_ref().map_or(&none, |one| &one.life.lineage);
    let mut accounts: Vec<Account> = asked.accounts.clone();
    for look in looks {
        let roles = Roles::of(&[], look);
        accounts = link::resolve_among(&accounts, &asked.names, look, &roles, lineage);
    }
    match (&asked.expected, &around.claims) {
        (Some(stored), Some((config, claims))) => {
            let accounts = with_sources(accounts, stored, config, clock::now());
            certain(stored, &accounts, &asked.names, claims, (looks, config))
        }
        _ => Certain { accounts, names: asked.names.clone(), ..Certain::default() },
    }
}

/// Which roles are the subject's, nobody tells.
fn older(reason: &str) -> Gap {
    Gap {
        surface: ResidualKind::Login,
        target: "every target".to_owned(),
        database: None,
        reason: reason.to_owned(),
        fix: "run the agent in the version of this command; TARGET/ROLE asks about that role alone"
            .to_owned(),
        cause: Cause::Internal,
    }
}

/// What probes told of targets where no role is searched for.
fn beside(asked: &Asked, looks: &[&Observation], around: &Around<'_>) -> Vec<Arc<Observation>> {
    let (Some((config, _)), Some(person)) = (&around.claims, &asked.person) else {
        return Vec::new();
    };
    let searched = looks.iter().map(|look| look.target.as_str()).collect();
    probed_beside(config, person, &searched, |name| {
        around.looks.iter().map(|look| &look.observation).find(|look| look.target == name)
    })
}

/// Judges one question.
pub(super) fn answer(asked: Asked, around: &Around<'_>) -> Answered {
    let looks: Vec<&Observation> = around
        .looks
        .iter()
        .map(|look| &look.observation)
        .filter(|look| concerns(&asked, &look.target))
        .collect();
    let Certain { accounts, names, open, doubted, notes, asked: _ } =
        linked(&asked, &looks, around);
    let standings: Vec<&Standing> = asked.credentials.iter().collect();
    let rotation = asked.revocation.as_ref().map(|revocation| Rotation {
        revocation,
        credentials: &standings,
        servers: around.servers,
    });
    let (known_as, seen) = (asked.known_as(&looks), asked.seen(&looks));
    let question = Question {
        kind: asked.kind,
        accounts: &accounts,
        names: &names,
        roles: &asked.roles,
        unmapped: &asked.unmapped,
        no_account: asked.no_account,
        not_required: &asked.not_required,
        known_as: &known_as,
        seen: &seen,
        gone_since: asked.gone_since,
        rotation,
    };
    let beside = beside(&asked, &looks, around);
    let external: Vec<&Observation> =
        around.external.iter().chain(beside.iter().map(AsRef::as_ref)).collect();
    let further = Further {
        open: &open,
        person: asked.person.as_ref(),
        external: &external,
        required: &asked.required,
        new_owner: asked.new_owner.as_deref(),
        lineage: asked.expected.as_ref().map(|expected| &expected.life.lineage),
        // What it says of one that is verified stands in its own evidence.
        verified: false,
    };
    let mut judged = judge_further(&question, &further, &looks).with_notes(notes);
    if judged.no_account && asked.revocation.is_none() {
        // The rules advise about a revocation, and here is none to amend.
        for gap in judged.gaps.iter_mut().filter(|gap| gap.reason.starts_with("no account: ")) {
            let more = if around.claims.is_some() { NO_SUCH_SUBJECT } else { "" };
            gap.fix = format!("{NO_SUCH_ROLE}{more}");
        }
    }
    asked.say_who_bore_it(&accounts, around.names, &looks, &mut judged);
    if asked.held {
        judged = under_hold(judged);
    }
    let (mut judged, mut spared) = after_rehire(&asked, judged, &accounts, &looks);
    let in_question = |found: &&Residual| {
        let role = (&found.account.target, found.account.oid);
        doubted.iter().any(|account| (&account.target, account.oid) == role)
    };
    spared.extend(judged.residual.iter().filter(in_question).cloned());
    if let Some(reason) = &asked.unread {
        // Only of a role that is called so somebody asked; whose the others are, the agent would know.
        let guessed = |found: &&Residual| {
            let mut linked = accounts.iter();
            linked.any(|a| a.oid == found.account.oid && a.rule != LinkRule::Stated)
        };
        spared.extend(judged.residual.iter().filter(guessed).cloned());
        judged.gaps.push(unread(reason));
        if judged.verdict == Verdict::Revoked {
            judged.verdict = Verdict::Inconclusive;
        }
    }
    Answered { asked, accounts, judged, open, spared }
}

/// The judgement where the person works here again, and what of it no script may take away.
fn after_rehire(
    asked: &Asked,
    judged: Judgement,
    accounts: &[Account],
    looks: &[&Observation],
) -> (Judgement, Vec<Residual>) {
    let Some(stored) = &asked.expected else { return (judged, Vec::new()) };
    let Some(rehired) = back((stored, &stored.evidence), stored.life.last_look_at, looks) else {
        return (judged, Vec::new());
    };
    // Whether a role was made since, only the agent knows.
    let unknown = rehired.before.iter().flat_map(|before| before.unknown(accounts));
    let linked: Vec<(Place, bool)> = unknown.map(|account| (account.place(), false)).collect();
    let (judged, _) = since(&stored.evidence, &rehired, judged, looks, &linked);
    let spared = not_to_be_taken(&judged, &rehired);
    (judged, spared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::sample;
    use crate::domain::ids::{RoleOid, SystemIdentifier};
    use crate::domain::observation::{RosterRole, Server};
    use crate::domain::revocation::State;
    use crate::domain::time::UtcTime;
    use crate::target::Facts;

    fn look() -> Look {
        let mut observation = Observation::begun("main", UtcTime::EPOCH);
        observation.server = Some(Server {
            system_identifier: SystemIdentifier(7),
            version: "18".into(),
            version_num: 180_000,
            in_recovery: false,
            timeline: 1,
            clock_skew_us: 0,
            agent_role: "agent".into(),
        });
        observation.roster = vec![RosterRole { oid: RoleOid(20), name: "john".into() }];
        Look { observation, facts: Facts::default() }
    }

    #[test]
    fn what_an_older_agent_tells_is_not_judged() {
        for (lineage, linked) in [(Some(Lineage::default()), 1), (None, 0)] {
            let older = lineage.is_none();
            let mut view = sample(1, "EMP-1", State::Open, 60);
            view.searched =
                vec![AccountName { target: None, role: "john".into(), rule: LinkRule::Stated }];
            view.lineage = lineage;
            let (looks, servers) = ([look()], BTreeMap::new());
            let around = Around {
                looks: &looks,
                external: &[],
                servers: &servers,
                names: &[],
                claims: None,
            };
            let answered = answer(Asked::as_shown(&view), &around);
            assert_eq!(answered.accounts.len(), linked);
            let said = answered.open.iter().any(|gap| gap.reason.contains("earlier version"));
            assert_eq!(said, older, "{:?}", answered.open);
            assert!(!older || answered.judged.verdict == Verdict::Inconclusive);
        }
    }
}
