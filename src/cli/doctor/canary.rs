//! The canary of a target: whether a look finds what is planted, and that it is no door.

use super::section::{Level, Section};
use crate::domain::canary::{Canary, PLANTABLE, Sighting, sight};
use crate::domain::observation::Observation;
use crate::domain::residual::ResidualKind;
use serde_json::json;

/// Says of `seen` whether it found the canary.
pub(super) fn say(section: &mut Section, canary: &Canary, seen: &Observation) {
    let role = &canary.role;
    let sighting = sight(canary, seen);
    let found = match &sighting {
        Sighting::Detected => Some(true),
        Sighting::Missing(_) => Some(false),
        Sighting::Unknown => None,
    };
    section.fact("canary", json!({"role": role, "expect": canary.expect, "found": found}));
    match sighting {
        Sighting::Detected => {
            section.say(Level::Ok, format!("the canary {role} is found: {}", words(&canary.expect)));
        }
        Sighting::Missing(_) if !seen.roster.iter().any(|known| known.name == *role) => section.advise(
            Level::Gap,
            format!(
                "no role is called {role}, so there is no canary: it was never planted, or somebody removed it, or \
                 the looks are not shown what is there"
            ),
            "plant it by the statements of docs/canary.md, or take `canary` out of the configuration until then",
        ),
        Sighting::Missing(missing) => section.advise(
            Level::Gap,
            format!(
                "the canary {role} has no {}: somebody removed it, or the looks are not shown what is there",
                words(&missing)
            ),
            "ask the server as an administrator; if it is gone, plant it again (docs/canary.md)",
        ),
        Sighting::Unknown => section.say(
            Level::Note,
            format!("whether the canary {role} is there cannot be told while its surfaces are not seen"),
        ),
    }
    let oids = seen.roster.iter().filter(|known| known.name == *role).map(|known| known.oid);
    let oids: Vec<_> = oids.collect();
    let powers = seen
        .residual
        .iter()
        .filter(|found| oids.contains(&found.account.oid) && !PLANTABLE.contains(&found.kind));
    for power in powers {
        section.advise(
            Level::Warn,
            format!("the canary has power: {}", power.sentence),
            "take it away: a canary needs a residual, and nothing that anybody can use",
        );
    }
}

fn words<'a>(kinds: impl IntoIterator<Item = &'a ResidualKind>) -> String {
    kinds.into_iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}
