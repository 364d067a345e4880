//! Tries a plan out on what a look captured, by the server's own rules, whoever made the plan and however.
//!
//! It knows only what was looked at: what others hold is known as far as it hangs on a leaver. So what would remain
//! is complete for a complete look, and nothing is said of anything else.

mod rights;
mod roles;
#[cfg(test)]
mod tests;
mod world;

use super::step::Step;
use super::{Membership, Part, Placed, Setting, locks};
use crate::domain::ids::RoleOid;
use crate::domain::residual::{Residual, ResidualKind as K};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use world::World;

/// What would be, had the plan been run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Simulation {
    /// What would remain of those who leave.
    pub would_remain: Vec<Residual>,
    /// What others would lose, in words.
    pub others_lose: Vec<String>,
    /// What others hold through a leaver and would keep, in words, with who would be its grantor.
    pub others_keep: Vec<String>,
    /// Who would own what, in words.
    pub new_owners: Vec<String>,
    /// The statement at which the script would stop, if it would.
    pub stops: Option<Stop>,
    /// Statements that stop it if a prepared transaction changed the same thing, in words.
    pub may_wait: Vec<String>,
}

/// Where a script would stop, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Database it would be connected to.
    pub database: Option<String>,
    /// The statement.
    pub sql: String,
    /// What the server would say.
    pub reason: String,
}

/// Runs `steps` on what `residual` and `setting` say is there.
#[must_use]
pub fn simulate(steps: &[Placed], residual: &[Residual], setting: &Setting) -> Simulation {
    let before = World::captured(residual, setting);
    let waits = locks::waits(steps, residual, setting);
    let may_wait = waits.iter().filter(|(_, wait)| !wait.certain);
    let may_wait =
        may_wait.map(|(placed, wait)| format!("{} {}", placed.step.sql().join(" "), wait.text));
    let may_wait = may_wait.collect();
    let held_up: Vec<_> = waits.iter().filter(|(_, wait)| wait.certain).collect();
    let mut world = before.clone();
    let mut refused = None;
    for part in steps.chunk_by(|a, b| (a.part, &a.database) == (b.part, &b.database)) {
        refused = run(part, &held_up, &mut world, setting);
        if refused.is_some() {
            break;
        }
    }
    let (others_lose, others_keep) = world.others_since(&before);
    Simulation {
        would_remain: world.remaining(),
        others_lose,
        others_keep,
        new_owners: world.new_owners(),
        stops: refused,
        may_wait,
    }
}

/// One part of the script. What is a transaction of its own is done whole or not at all.
fn run(
    part: &[Placed],
    held_up: &[&(Placed, locks::Wait)],
    world: &mut World,
    setting: &Setting,
) -> Option<Stop> {
    let before = world.clone();
    for placed in part {
        let closed = placed.database.as_ref().filter(|name| setting.closed.contains(*name));
        let waits = held_up.iter().find(|(one, _)| one == placed);
        let refused = match (closed, waits) {
            (Some(name), _) => {
                Err(format!("database {name} is not currently accepting connections"))
            }
            (None, Some((_, wait))) => Err(format!("it {}", wait.text)),
            (None, None) => world.apply(placed),
        };
        let Err(reason) = refused else { continue };
        if !matches!(part.first().map(|first| first.part), Some(Part::Prepared | Part::Login)) {
            *world = before;
        }
        let sql = placed.step.sql().join(" ");
        return Some(Stop { database: placed.database.clone(), sql, reason });
    }
    None
}
