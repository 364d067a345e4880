//! What the mapping query tells: asked with the looks at its target, and joined to the configuration in force.

use super::Reconciler;
use crate::config::Config;
use crate::domain::inactivity::SeenQuery;
use crate::domain::observation::Observation;
use crate::domain::subject::{Listed, MappingQuery};
use crate::domain::time::UtcTime;
use crate::store::Stored;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known of the query's answers.
#[derive(Debug, Default)]
pub(super) struct Mapped(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The query, when it answered, and with what.
    answer: Option<(MappingQuery, UtcTime, Listed)>,
    /// It does not answer now.
    failing: bool,
    /// A configuration and what it is with the answer.
    joined: Option<(Arc<Config>, Arc<Config>)>,
}

impl Mapped {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reconciler {
    /// The configuration in force, with what the mapping query told.
    pub(super) fn in_force(&self) -> Arc<Config> {
        let config = self.config.current();
        let Some(query) = &config.subjects.query else { return config };
        let mut known = self.mapped.known();
        if let Some((_, joined)) = known.joined.as_ref().filter(|(of, _)| Arc::ptr_eq(of, &config))
        {
            return joined.clone();
        }
        let answer = known.answer.as_ref().filter(|(asked, _, _)| asked == query);
        let Some((_, at, listed)) = answer else { return config };
        let subjects = config.subjects.with(listed, *at, !known.failing);
        let joined = Arc::new(Config { subjects, ..Config::clone(&config) });
        known.joined = Some((config, joined.clone()));
        joined
    }

    /// The query, if it is asked at `target` and it is its turn: now and then, and at once for whoever came since.
    pub(super) fn mapping_wanted(
        &self,
        target: &str,
        watched: &[Arc<Stored>],
        now: UtcTime,
    ) -> Option<SeenQuery> {
        let config = self.config.current();
        let query = config.subjects.query.as_ref().filter(|query| query.target == target)?;
        let known = self.mapped.known();
        let answered = known.answer.as_ref().filter(|(asked, _, _)| asked == query);
        let fresh = answered.filter(|_| !known.failing).is_some_and(|(_, at, _)| {
            let since = watched.iter().any(|stored| stored.revocation.received_at > *at);
            *at <= now && now.since(*at) < config.deep_interval && !since
        });
        (!fresh).then(|| query.query.clone())
    }

    /// Keeps what `look` tells. What it told before stays where it tells nothing, and is not complete then.
    pub(super) fn watch_mapping(&self, look: &Observation) {
        const THING: &str = "subjects.mapping_query";
        let config = self.config.current();
        let query = config.subjects.query.as_ref().filter(|query| query.target == look.target);
        let Some(query) = query else { return };
        let told = match (&look.listed, &look.server) {
            (Some(told), _) => told.clone().and_then(|listed| known_targets(&config, listed)),
            (None, None) => Err("its target does not answer".to_owned()),
            (None, Some(_)) => return,
        };
        let mut known = self.mapped.known();
        match told {
            Ok(listed) => {
                (known.joined, known.failing) = (None, false);
                known.answer = Some((query.clone(), look.started_at, listed));
                if self.trouble.is_over(THING) {
                    tracing::info!("subjects.mapping_query answers again");
                }
            }
            Err(error) => {
                if !known.failing {
                    known.joined = None;
                }
                known.failing = true;
                if self.trouble.is(THING, &error) {
                    tracing::warn!(
                        error,
                        "subjects.mapping_query tells nothing: the mapping is not complete"
                    );
                }
            }
        }
    }
}

/// A target that nobody looks at would never be judged.
pub(crate) fn known_targets(config: &Config, listed: Listed) -> Result<Listed, String> {
    let unknown = listed.iter().filter_map(|(_, name)| name.target.as_deref());
    match unknown.into_iter().find(|target| config.target(target).is_none()) {
        Some(target) => {
            Err(format!("it names the target {target}, and there is none of this name"))
        }
        None => Ok(listed),
    }
}
