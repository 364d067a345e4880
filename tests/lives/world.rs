//! One subject's whole life: notices as they are sent, looks as they are judged, requests and exceptions as they are
//! decided. The rules are those of the library; only store, log and servers are missing.

#[path = "seen.rs"]
mod seen;

use revoked::config::Config;
use revoked::domain::account::Account;
use revoked::domain::exception::{self, Exception, ExceptionKind, Phase, Rules, Turn};
use revoked::domain::lifecycle::{Life, Look, Terms, step};
use revoked::domain::link;
use revoked::domain::milestone::Milestone;
use revoked::domain::observation::{Observation, RosterRole};
use revoked::domain::request::{Asked, Refused, Request};
use revoked::domain::revocation::{Kind, Revocation, State};
use revoked::domain::time::UtcTime;
use revoked::domain::verdict::{
    Further, Judgement, Question, Required, Rotation, judge_further, under_hold,
};
use revoked::intake::submission::Submission;
use revoked::intake::{merge, terms_of};
use revoked::store::{Gist, Stored};
use seen::observation;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct World {
    config: Config,
    rules: Rules,
    pub(crate) stored: Option<Stored>,
    pub(crate) judged: Option<Judgement>,
    past: Vec<RosterRole>,
    asked: usize,
}

/// `DAY HH:MM[:SS]` of March 2026, UTC.
pub(crate) fn at(day: &str, time: &str) -> UtcTime {
    let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
    format!("2026-03-{day:0>2}T{time}Z").parse().unwrap()
}

impl World {
    /// With `more` in the configuration.
    pub(crate) fn new(more: &str) -> Self {
        let text =
            format!("state_dir: s\ntargets: {{main: {{url: 'postgres://x@h/d'}}}}\n{more}\n");
        let config = Config::parse(Path::new("/nowhere/revoked.yaml"), &text).unwrap();
        let rules = config.exception_rules();
        Self { config, rules, stored: None, judged: None, past: Vec::new(), asked: 0 }
    }

    /// What happens at `now`, in words; what it did.
    pub(crate) fn event(&mut self, event: &str, now: UtcTime) -> String {
        self.expire(now);
        let (verb, rest) = event.split_once(' ').unwrap_or((event, ""));
        match verb {
            "notice" => self.notice(rest, now),
            "look" => self.look(rest, now),
            "ask" => self.ask(rest, now),
            "approve" | "revoke" | "review" => self.decide(verb, rest, now),
            "withdraw" | "postpone" => self.request(verb, rest, now),
            "tick" => String::new(),
            _ => unreachable!("{event}"),
        }
    }

    /// What was proved of less is not proved of more, and nobody loosens anything: the rules of intake.
    fn notice(&mut self, json: &str, now: UtcTime) -> String {
        let terms = terms_of(&self.config, "hr", "hr");
        let asked = Submission::parse(json.as_bytes())
            .and_then(|submission| submission.revocation("hr", now, &terms));
        let asked = match asked {
            Ok(asked) => Revocation { id: "rev_1".into(), ..asked },
            Err(error) => return format!("refused: {error}"),
        };
        match &self.stored {
            Some(stored) if joins(stored, &asked, now) => self.join(&asked, now),
            _ => {
                self.stored = Some(begun(asked));
                self.told()
            }
        }
    }

    fn join(&mut self, asked: &Revocation, now: UtcTime) -> String {
        let stored = self.stored.clone().unwrap();
        let overtaken =
            exception::overtake(&stored.revocation, &stored.life, asked, now, &self.rules);
        let over = overtaken.is_some();
        let present = match overtaken {
            Some(Turn { revocation, life }) => {
                Stored { revocation, life: Arc::new(life), ..stored.clone() }
            }
            None => stored.clone(),
        };
        let tightened = merge::tighten(&present.revocation, asked);
        let amended = tightened.is_some() || over || stored.life.pending.is_some();
        let revocation = tightened.unwrap_or_else(|| present.revocation.clone());
        let life = Life { pending: None, ..merge::reopened(&present, &revocation) };
        self.stored = Some(Stored { revocation, life: Arc::new(life), ..stored });
        if amended { format!("tightened: {}", self.told()) } else { "already expected".to_owned() }
    }

    /// What is expected, and by when.
    fn told(&self) -> String {
        let asked = &self.stored.as_ref().unwrap().revocation;
        let short = |at: UtcTime| at.to_string()[8..16].replace('T', " ");
        let mut said =
            format!("{} {} from {}", asked.kind, asked.reason, short(asked.effective_at));
        for milestone in Milestone::ALL {
            if let Some(due) = asked.deadlines.get(*milestone) {
                let _ = write!(said, ", {milestone} by {}", short(due));
            }
        }
        said
    }

    fn look(&mut self, seen: &str, now: UtcTime) -> String {
        let Some(stored) = self.stored.clone() else { return String::new() };
        let observation = observation(seen, &stored, now);
        let names = stored.revocation.accounts.clone();
        let accounts = link::resolve(&stored.accounts, &names, &observation, &self.past);
        let mut observation = observation;
        // The agent searches for every OID that ever bore one of the names.
        observation.tracked.extend(accounts.iter().map(|account| account.oid));
        self.past.extend(observation.roster.iter().cloned());
        let held = stored.life.exceptions.iter().any(|one| one.holds() && one.in_force());
        let mut newest = stored.life.as_ref().clone();
        if accounts != stored.accounts {
            newest.gone_since = None;
        }
        let judged = judged(&stored.revocation, &newest, &accounts, &observation);
        let judged = if held { under_hold(judged) } else { judged };
        let look = look_of(&judged, &observation, held);
        let (life, effects) = step(&terms(&stored), &newest, &look);
        let said = Self::seen(&judged);
        self.judged = Some(judged);
        self.stored = Some(Stored { accounts, life: Arc::new(life), ..stored });
        let effects: Vec<String> = effects.iter().map(|effect| format!("{effect:?}")).collect();
        [vec![said], effects].concat().join(" ").trim().to_owned()
    }

    /// The verdict, with what is missing.
    fn seen(judged: &Judgement) -> String {
        let missing: Vec<&str> = judged.missing.iter().map(|one| one.name.as_str()).collect();
        let missing = if missing.is_empty() {
            String::new()
        } else {
            format!(" missing:{}", missing.join("+"))
        };
        format!("{}{missing}", judged.verdict)
    }

    fn expire(&mut self, now: UtcTime) {
        let Some(stored) = self.stored.clone() else { return };
        if let Some(turn) = exception::expire(&stored.revocation, &stored.life, now, &self.rules) {
            let Turn { revocation, life } = turn;
            self.stored = Some(Stored { revocation, life: Arc::new(life), ..stored });
        }
    }

    fn take(&mut self, turn: Result<Turn, Refused>) -> String {
        match turn {
            Ok(Turn { revocation, life }) => {
                let stored = self.stored.clone().unwrap();
                self.stored = Some(Stored { revocation, life: Arc::new(life), ..stored });
                String::new()
            }
            Err(error) => format!("refused: {error}"),
        }
    }

    /// `ask KIND [DAY HH:MM]`, by hr.
    fn ask(&mut self, rest: &str, now: UtcTime) -> String {
        let Some(stored) = self.stored.clone() else { return String::new() };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let kind = ExceptionKind::from_word(words[0]).unwrap();
        let until = match words[1..] {
            [day, time] => Some(at(day, time)),
            _ => kind.usual_end(&stored.revocation, now),
        };
        self.asked += 1;
        let wish = wish(kind, format!("exc_{}", self.asked), until, now);
        let turn =
            exception::request(&stored.revocation, &stored.life, wish, &[], now, &self.rules);
        self.take(turn)
    }

    /// `approve|revoke|review KIND [WHO]` of an exception, `approve request [WHO]`; by it.
    fn decide(&mut self, verb: &str, rest: &str, now: UtcTime) -> String {
        let Some(stored) = self.stored.clone() else { return String::new() };
        let mut words = rest.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let by = words.next().unwrap_or("it");
        if kind == "request" {
            return self.grant(stored, by, now);
        }
        let of = |one: &&Exception| one.kind.as_str() == kind;
        let all = || stored.life.exceptions.iter().rev().filter(of);
        let open = all().find(|one| one.phase == Phase::Requested);
        let open = open.or_else(|| all().find(|one| one.phase == Phase::Granted));
        let id = open.or_else(|| all().next()).map(|one| one.id.clone()).unwrap_or_default();
        let (asked, life, rules) = (&stored.revocation, &stored.life, &self.rules);
        let turn = match verb {
            "approve" => exception::approve(asked, life, (&id, by), &[], now, rules),
            "revoke" => exception::take_back(asked, life, (&id, by), now, rules),
            _ => exception::review(asked, life, (&id, by), now, rules),
        };
        self.take(turn)
    }

    /// `withdraw`, or `postpone DAY HH:MM`, by hr: it waits.
    fn request(&mut self, verb: &str, rest: &str, now: UtcTime) -> String {
        let Some(mut stored) = self.stored.clone() else { return String::new() };
        self.asked += 1;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let effective_at = if let [day, time] = words[..] { Some(at(day, time)) } else { None };
        let later = |deadline: Option<UtcTime>| {
            let old = stored.revocation.effective_at;
            deadline.zip(effective_at).map(|(deadline, at)| at.plus(deadline.since(old)))
        };
        let mut deadlines = stored.revocation.deadlines;
        for milestone in Milestone::ALL {
            let moved = later(deadlines.get(*milestone));
            deadlines.set(*milestone, moved);
        }
        let request = Request {
            id: format!("req_{}", self.asked),
            asks: if verb == "withdraw" { Asked::Withdraw } else { Asked::Postpone },
            requested_by: "hr".to_owned(),
            requested_at: now,
            effective_at,
            effective: None,
            deadlines: effective_at.map(|_| deadlines),
            erroneous: false,
            unlink: None,
            why: None,
        };
        if let Err(error) = request.possible(stored.life.state) {
            return format!("refused: {error}");
        }
        Arc::make_mut(&mut stored.life).pending = Some(request);
        self.stored = Some(stored);
        "waits".to_owned()
    }

    fn grant(&mut self, stored: Stored, by: &str, now: UtcTime) -> String {
        let Some(request) = stored.life.pending.clone() else {
            return format!("refused: {}", Refused::NothingWaits);
        };
        let possible =
            request.approvable(by, now).and_then(|()| request.possible(stored.life.state));
        if let Err(error) = possible {
            return format!("refused: {error}");
        }
        let (revocation, life) = request.granted(&stored.revocation, &stored.life, now);
        self.stored = Some(Stored { revocation, life: Arc::new(life), ..stored });
        if request.asks == Asked::Withdraw { String::new() } else { self.told() }
    }

    /// Where it stands.
    pub(crate) fn shown(&self) -> String {
        let Some(stored) = &self.stored else { return "-".to_owned() };
        let overdue: Vec<_> = stored.life.overdue(&terms(stored)).map(Milestone::as_str).collect();
        let overdue = if overdue.is_empty() {
            String::new()
        } else {
            format!(" overdue:{}", overdue.join("+"))
        };
        let open = stored.life.exceptions.iter().filter(|one| one.phase != Phase::Over);
        let open: Vec<String> = open.map(|one| format!(" {}:{}", one.kind, one.phase)).collect();
        let open = open.concat();
        format!("{}{open}{overdue}", stored.life.state)
    }
}

/// Whether the notice joins what is expected: the rule of `intake::landing`, whose query a test of the store has.
fn joins(stored: &Stored, asked: &Revocation, now: UtcTime) -> bool {
    let known = &stored.revocation;
    let finished = matches!(stored.life.state, State::Verified | State::Withdrawn);
    let leaves = known.kind == Kind::Suspend && asked.kind == Kind::Full;
    let due = asked.effective_at <= now && known.effective_at <= now;
    !finished && (known.kind == asked.kind || (leaves && due))
}

fn begun(revocation: Revocation) -> Stored {
    let received = revocation.received_at;
    Stored {
        life: Arc::new(Life::begin(revocation.effective_at, received)),
        revocation,
        landed_revocation: None,
        subject_id: "s_1".into(),
        accounts: Vec::new(),
        landed: None,
        gist: Gist::default(),
        version: 1,
        records: 0,
        queued_at: received,
        watch_until: received,
    }
}

fn terms(stored: &Stored) -> Terms {
    let asked = &stored.revocation;
    let due = stored.life.due_from;
    Terms {
        kind: asked.kind,
        reason: asked.reason,
        effective_at: due.map_or(asked.effective_at, |from| from.max(asked.effective_at)),
        deadlines: asked.deadlines,
        verification_delay: Duration::from_secs(60),
    }
}

fn judged(asked: &Revocation, life: &Life, accounts: &[Account], look: &Observation) -> Judgement {
    let nothing = BTreeSet::new();
    let required: Vec<Required> = asked
        .required_roles
        .iter()
        .map(|role| Required { name: role.clone(), permission: false, roles: vec![role.clone()] })
        .collect();
    let servers = std::collections::BTreeMap::new();
    let question = Question {
        kind: asked.kind,
        accounts,
        names: &asked.accounts,
        roles: &asked.roles,
        unmapped: &[],
        no_account: asked.no_account,
        not_required: &nothing,
        known_as: &asked.roles,
        seen: &[],
        gone_since: life.gone_since,
        rotation: Some(Rotation { revocation: &asked.id, credentials: &[], servers: &servers }),
    };
    let further = Further {
        required: &required,
        new_owner: asked.new_owner.as_deref(),
        ..Further::default()
    };
    judge_further(&question, &further, &[look])
}

fn look_of(judged: &Judgement, look: &Observation, held: bool) -> Look {
    let found: Vec<String> = judged.residual.iter().map(|one| format!("{:?}", one.kind)).collect();
    let missing: Vec<&str> = judged.missing.iter().map(|one| one.name.as_str()).collect();
    Look {
        started_at: look.started_at,
        verdict: judged.verdict,
        login: judged.login,
        fingerprint: format!("{}|{}", found.join("+"), missing.join("+")),
        kinds: judged.residual.iter().map(|one| one.kind).collect(),
        lacking: judged.residual.is_empty() && !judged.missing.is_empty(),
        disabled: judged.disabled,
        gone_at: (judged.residual.is_empty() && judged.gaps.is_empty()).then_some(look.ended_at),
        credentials: Vec::new(),
        clusters: look.server.iter().map(|server| server.system_identifier).collect(),
        held,
        waited: true,
    }
}

fn wish(kind: ExceptionKind, id: String, until: Option<UtcTime>, now: UtcTime) -> Exception {
    Exception {
        id,
        kind,
        phase: Phase::Requested,
        requested_by: "hr".to_owned(),
        requested_at: now,
        until,
        opened: false,
        why: None,
        approved_by: None,
        approved_at: None,
        uncovered: None,
        allowed_us: None,
        deadlines: None,
        release: None,
        ended_at: None,
        ended_by: None,
        ending: None,
        review_at: None,
        reviewed_by: None,
        reviewed_at: None,
    }
}
