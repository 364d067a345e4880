//! Systems other than Postgres: asked about subjects over HTTP or by a command, where the configuration says so.
//!
//! An answer is one of three: nothing is there, something is, or nobody knows. Whatever is not plainly one of the
//! first two is the third.

mod command;
mod http;
pub mod tracker;

use crate::clock;
use crate::config::{Check, ExternalConfig, Means};
use crate::domain::observation::{Cause, Coverage, Observation};
use crate::domain::probes::{Answered, Person, Silent, Told};
use crate::domain::residual::ResidualKind;
use crate::domain::time::UtcTime;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Questions on their way at once.
const AT_ONCE: usize = 4;
/// Time that one pass over a system may take; what is left then is not asked.
const WHOLE: Duration = Duration::from_secs(60);
/// Longest time without a step of a pass.
const STEP: Duration = Duration::from_secs(5);
/// How long an answer that was not as expected is taken for what is so now.
const AGAIN: Duration = Duration::from_secs(60);
/// Longest time that an answer is remembered.
const KEPT: Duration = Duration::from_secs(86_400);

/// System, digest of the check, and values of a question.
type Key = (String, String, Vec<Vec<String>>);

/// An answer and when it was given.
#[derive(Clone, Debug)]
struct Known {
    told: Told,
    read_at: UtcTime,
    since: Instant,
}

/// Asks, and remembers what it was told.
#[derive(Debug)]
pub struct Asker {
    client: reqwest::Client,
    known: HashMap<Key, Known>,
}

/// What came of one pass over a system.
#[derive(Debug)]
pub struct Pass {
    /// What it told, as a look at a target would.
    pub look: Observation,
    /// Something was asked now, and not only remembered.
    pub fresh: bool,
}

impl Asker {
    /// An asker that knows nothing yet.
    ///
    /// # Errors
    /// When HTTP cannot be set up.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { client: http::client()?, known: HashMap::new() })
    }

    /// Asks `system` about `people`. What was as expected is asked again after `pace`, or at once if `whole`.
    pub async fn look(
        &mut self,
        system: &ExternalConfig,
        people: &[Person],
        whole: bool,
        pace: Duration,
    ) -> Pass {
        let mut look = blank(system);
        let mut due = Vec::new();
        for check in &system.checks {
            for (values, about) in questions(check, people) {
                let keys = about.iter().map(|person| person.key.clone()).collect();
                let key = (system.name.clone(), check.declared.sha256.clone(), values);
                let known = self
                    .known
                    .get(&key)
                    .filter(|known| !whole && holds(check, known, pace, &about));
                // From before the clock was set back: it would pass for asked now.
                let known = known.filter(|known| known.read_at <= look.started_at);
                match known {
                    Some(known) => {
                        look.deep_at = look.deep_at.min(known.read_at);
                        tell(
                            &mut look,
                            check,
                            &key.2,
                            &keys,
                            known.read_at,
                            &Ok(known.told.clone()),
                        );
                    }
                    None => due.push((check, key, keys)),
                }
            }
        }
        let fresh = !due.is_empty();
        self.ask_all(due, &mut look).await;
        self.known.retain(|_, known| known.since.elapsed() < KEPT);
        look.ended_at = clock::now();
        Pass { look, fresh }
    }

    async fn ask_all(&mut self, due: Vec<(&Check, Key, BTreeSet<String>)>, look: &mut Observation) {
        let begun = Instant::now();
        let read_at = look.started_at;
        let mut due = due.into_iter();
        let mut asked = HashMap::new();
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < AT_ONCE && begun.elapsed() < WHOLE {
                let Some((check, key, keys)) = due.next() else { break };
                let (client, owned, values) = (self.client.clone(), check.clone(), key.2.clone());
                let task = asking.spawn(async move { ask(&client, &owned, &values).await });
                asked.insert(task.id(), (check, key, keys));
            }
            if asking.is_empty() {
                break;
            }
            // Only to be seen to get on.
            let Ok(done) = tokio::time::timeout(STEP, asking.join_next_with_id()).await else {
                continue;
            };
            let Some(done) = done else { break };
            let (id, answer) = match done {
                Ok((id, answer)) => (id, answer),
                Err(error) => (
                    error.id(),
                    Err(Silent {
                        cause: Cause::Internal,
                        reason: "asking it panicked; this is a defect".to_owned(),
                        fix: "report it".to_owned(),
                    }),
                ),
            };
            let Some((check, key, keys)) = asked.remove(&id) else { continue };
            if let Ok(told) = &answer {
                cover(look, check, told, begun.elapsed());
                let known = Known { told: told.clone(), read_at, since: Instant::now() };
                self.known.insert(key.clone(), known);
            }
            tell(look, check, &key.2, &keys, read_at, &answer);
        }
        for (check, key, keys) in due {
            let late = silent(
                check,
                Cause::Timeout,
                &format!("one pass took more than {} s", WHOLE.as_secs()),
                "the next pass goes on; let the system answer faster",
            );
            tell(look, check, &key.2, &keys, read_at, &Err(late));
        }
    }
}

/// A look at `system` that was told nothing yet.
#[must_use]
pub fn blank(system: &ExternalConfig) -> Observation {
    let mut look = Observation::begun(&system.name, clock::now());
    look.probing.declared = system.checks.iter().map(|check| Arc::clone(&check.declared)).collect();
    look
}

/// What has to be asked: each set of values once, with those it is about.
fn questions<'a>(
    check: &Check,
    people: &'a [Person],
) -> BTreeMap<Vec<Vec<String>>, Vec<&'a Person>> {
    let mut questions: BTreeMap<Vec<Vec<String>>, Vec<&Person>> = BTreeMap::new();
    for person in people.iter().filter(|person| check.declared.applies(person)) {
        // What is not known of a person is said when it is judged.
        if let Ok(values) = check.declared.values(person) {
            questions.entry(values).or_default().push(person);
        }
    }
    questions
}

fn holds(check: &Check, known: &Known, pace: Duration, about: &[&Person]) -> bool {
    let settled = about.iter().all(|person| check.declared.settles(&known.told, person));
    known.since.elapsed() < if settled { pace } else { pace.min(AGAIN) }
}

fn tell(
    look: &mut Observation,
    check: &Check,
    values: &[Vec<String>],
    keys: &BTreeSet<String>,
    read_at: UtcTime,
    answer: &Result<Told, Silent>,
) {
    for key in keys {
        let place = (check.declared.name.clone(), key.clone());
        let answered = Answered { values: values.to_vec(), read_at, answer: answer.clone() };
        look.probing.answers.insert(place, answered);
    }
}

fn cover(look: &mut Observation, check: &Check, told: &Told, elapsed: Duration) {
    look.coverage.push(Coverage {
        surface: ResidualKind::Probe,
        target: look.target.clone(),
        database: String::new(),
        statement: format!("probe {}", check.declared.name),
        sha256: check.declared.sha256.clone(),
        rows: told.count,
        elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
    });
}

/// Asks with each set of values, one after the other.
async fn ask(
    client: &reqwest::Client,
    check: &Check,
    values: &[Vec<String>],
) -> Result<Told, Silent> {
    let mut each = Vec::new();
    for values in values {
        let answer = match &check.means {
            Means::Http(http) => http::ask(client, check, http, values).await,
            Means::Command(command) => command::ask(check, command, values).await,
        };
        each.push(Told { count: u64::from(answer?), ..Told::default() });
    }
    Ok(check.declared.together(values, each))
}

fn silent(check: &Check, cause: Cause, reason: &str, fix: &str) -> Silent {
    let reason = format!("probe {}: {reason}", check.declared.name);
    Silent { cause, reason, fix: fix.to_owned() }
}

#[cfg(test)]
mod tests;
