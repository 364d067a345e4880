//! Whole lives with exceptions as scripts: one line an event, and beside it what it did. Review the text.

use super::*;
use crate::domain::ids::SystemIdentifier;
use crate::domain::lifecycle::{Life, Look, Terms, step};
use crate::domain::milestone::Milestone;
use crate::domain::request::Refused;
use crate::domain::revocation::{Kind, Revocation, sample};
use crate::domain::verdict::Verdict;

/// A revocation effective on the 5th at 09:00, with 15 minutes for login and an hour for access.
///
/// A line is `DAY HH:MM event`. Events: `session`, `grant`, `owned` (something owned and nothing else), `nothing`,
/// `blind` are looks; `ask KIND [DAY HH:MM]` by hr (`open` where the
/// revocation was opened for it), `approve KIND [WHO]` by it, `revoke KIND` by ops, `review KIND` by
/// ops; `tick`; `notice REASON [DAY HH:MM]`.
pub(super) struct World {
    pub(super) revocation: Revocation,
    pub(super) life: Life,
    pub(super) rules: Rules,
    pub(super) last_verdict: Option<Verdict>,
    asked: usize,
}

fn at(day: &str, time: &str) -> UtcTime {
    let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
    format!("2026-03-{day:0>2}T{time}Z").parse().unwrap()
}

impl World {
    pub(super) fn new(reason: Reason, received: UtcTime) -> Self {
        let effective_at = at("5", "09:00");
        let start = effective_at.max(received);
        let mut revocation = sample(effective_at);
        revocation.kind = Kind::Full;
        revocation.reason = reason;
        revocation.received_at = received;
        revocation.deadlines = Deadlines {
            login: Some(start.plus(Duration::from_secs(900))),
            access: Some(start.plus(Duration::from_secs(3_600))),
            credentials: None,
        };
        if reason == Reason::RoleChange {
            revocation.deadlines.login = None;
        }
        let life = Life::begin(effective_at, received);
        let rules = Rules { single: false, review_after: Duration::from_secs(3 * 86_400) };
        Self { revocation, life, rules, last_verdict: None, asked: 0 }
    }

    fn take(&mut self, turn: Result<Turn, Refused>) -> String {
        match turn {
            Ok(turn) => {
                (self.revocation, self.life) = (turn.revocation, turn.life);
                String::new()
            }
            Err(error) => format!(" REFUSED: {error}"),
        }
    }

    fn expire(&mut self, now: UtcTime) {
        if let Some(turn) = expire(&self.revocation, &self.life, now, &self.rules) {
            (self.revocation, self.life) = (turn.revocation, turn.life);
        }
    }

    /// The newest of a kind that is not over, else the newest.
    fn id(&self, kind: &str) -> String {
        let of = |one: &&Exception| one.kind.as_str() == kind;
        let all = || self.life.exceptions.iter().rev().filter(of);
        let open = all()
            .find(|one| one.phase == Phase::Requested)
            .or_else(|| all().find(|one| one.phase == Phase::Granted).or_else(|| all().next()));
        open.map(|one| one.id.clone()).unwrap_or_default()
    }

    fn look(&mut self, seen: &str, now: UtcTime) -> String {
        let held = self.life.exceptions.iter().any(|one| one.holds() && one.in_force());
        let (verdict, login) = match seen {
            "session" => (Verdict::Residual, Verdict::Residual),
            "owned" if held => (Verdict::Revoked, Verdict::Revoked),
            "grant" | "owned" => (Verdict::Residual, Verdict::Revoked),
            "nothing" => (Verdict::Revoked, Verdict::Revoked),
            "blind" => (Verdict::Inconclusive, Verdict::Inconclusive),
            _ => unreachable!("{seen}"),
        };
        let look = Look {
            started_at: now,
            verdict,
            login,
            fingerprint: seen.to_owned(),
            kinds: std::collections::BTreeSet::new(),
            disabled: login == Verdict::Revoked,
            gone_at: None,
            credentials: Vec::new(),
            clusters: [SystemIdentifier(7)].into(),
            lacking: false,
            held,
            waited: true,
        };
        let (life, effects) = step(&self.terms(), &self.life, &look);
        // One that is no newer than the last one does nothing.
        if life.last_look_at != self.life.last_look_at {
            self.last_verdict = Some(verdict);
        }
        self.life = life;
        let effects: Vec<_> = effects.iter().map(|effect| format!("{effect:?}")).collect();
        effects.join(" ")
    }

    fn terms(&self) -> Terms {
        let asked = &self.revocation;
        Terms {
            kind: asked.kind,
            reason: asked.reason,
            effective_at: self
                .life
                .due_from
                .map_or(asked.effective_at, |from| from.max(asked.effective_at)),
            deadlines: asked.deadlines,
            verification_delay: Duration::from_secs(60),
        }
    }

    pub(super) fn event(&mut self, event: &str, now: UtcTime) -> String {
        self.expire(now);
        let words: Vec<&str> = event.split_whitespace().collect();
        let (revocation, life, rules) = (self.revocation.clone(), self.life.clone(), self.rules);
        match words.as_slice() {
            ["tick"] => String::new(),
            [verb @ ("ask" | "open"), kind, end @ ..] => {
                let kind = ExceptionKind::from_word(kind).unwrap();
                let until = match end {
                    [day, time] => Some(at(day, time)),
                    _ => kind.usual_end(&revocation, now),
                };
                self.asked += 1;
                let wish = wish(kind, &format!("exc_{}", self.asked), until, now);
                let wish = Exception { opened: *verb == "open", ..wish };
                self.take(request(&revocation, &life, wish, &[], now, &rules))
            }
            ["approve", kind, who @ ..] => {
                let (id, by) = (self.id(kind), who.first().copied().unwrap_or("it"));
                self.take(approve(&revocation, &life, (&id, by), &[], now, &rules))
            }
            ["revoke", kind] => {
                let id = self.id(kind);
                self.take(take_back(&revocation, &life, (&id, "ops"), now, &rules))
            }
            ["review", kind] => {
                let id = self.id(kind);
                self.take(review(&revocation, &life, (&id, "ops"), now, &rules))
            }
            ["notice", reason, when @ ..] => {
                let asked = asked(Reason::from_word(reason).unwrap(), when, now);
                match overtake(&revocation, &life, &asked, now, &rules) {
                    Some(turn) => self.take(Ok(turn)),
                    None => " it holds".to_owned(),
                }
            }
            [seen] => self.look(seen, now),
            _ => unreachable!("{event}"),
        }
    }

    pub(super) fn overdue(&self) -> Vec<&'static str> {
        self.life.overdue(&self.terms()).map(Milestone::as_str).collect()
    }

    fn shown(&self) -> String {
        let overdue = self.overdue();
        let overdue = if overdue.is_empty() {
            String::new()
        } else {
            format!(" overdue:{}", overdue.join("+"))
        };
        let open: Vec<String> = self
            .life
            .exceptions
            .iter()
            .filter(|one| one.phase != Phase::Over)
            .map(|one| format!(" {}:{}", one.kind, one.phase))
            .collect();
        format!("{}{}{overdue}", self.life.state, open.concat())
    }
}

/// What a notice asks for that comes at `now`.
fn asked(reason: Reason, when: &[&str], now: UtcTime) -> Revocation {
    let mut asked = World::new(reason, now).revocation;
    if let [day, time] = when {
        asked.effective_at = at(day, time);
    }
    if reason == Reason::PolicyViolation {
        asked.effective_at = asked.effective_at.min(now);
    }
    let start = asked.effective_at.max(now);
    let later = start.since(at("5", "09:00").max(now));
    for milestone in Milestone::ALL {
        let deadline = asked.deadlines.get(*milestone).map(|deadline| deadline.plus(later));
        asked.deadlines.set(*milestone, deadline);
    }
    asked
}

fn wish(kind: ExceptionKind, id: &str, until: Option<UtcTime>, now: UtcTime) -> Exception {
    Exception {
        id: id.to_owned(),
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

fn play(reason: Reason, script: &str) -> String {
    play_from(reason, at("5", "09:00"), script).0
}

fn play_from(reason: Reason, received: UtcTime, script: &str) -> (String, World) {
    let mut world = World::new(reason, received);
    let mut out = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.splitn(3, ' ');
        let (day, time, event) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let did = world.event(event, at(day, time));
        let line = format!("{day} {time} {event:<32} {} {did}", world.shown());
        out.push_str(line.trim_end());
        out.push('\n');
    }
    (out, world)
}

#[path = "scripts/lives.rs"]
mod lives;
