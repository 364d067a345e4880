//! Targets: what a look can read, surface by surface.

use super::section::{Level, Section};
use crate::domain::observation::{Gap, Observation, Server};
use crate::domain::residual::ResidualKind;
use crate::target::Target;
use crate::target::statements::{CLUSTER_SURFACES, STATEMENTS};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A clock that is further off than this makes times hard to compare.
const CLOCK_LIMIT: Duration = Duration::from_secs(30);

/// What a look at one target tells. `store` is the cluster that the agent's store lies on.
pub(super) fn section(
    target: &Target,
    seen: &Observation,
    store: Option<&str>,
    store_on_target: bool,
) -> Section {
    let mut section = Section::new("target", &seen.target);
    let took = seen.ended_at.since(seen.started_at);
    section.fact("up", seen.server.is_some());
    section.fact("transport", target.transport());
    section.fact("elapsed_us", u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    if let Some(server) = &seen.server {
        connected(&mut section, server, target);
        clock(&mut section, server);
        privileges(&mut section, seen, &server.agent_role);
        store_here(&mut section, server, store, store_on_target);
    }
    instances(&mut section, target, seen);
    coverage(&mut section, seen);
    last_seen(&mut section, seen);
    section.say(Level::Note, format!("the look took {} ms", took.as_millis()));
    section
}

fn connected(section: &mut Section, server: &Server, target: &Target) {
    let state = if server.in_recovery { "standby" } else { "primary" };
    section.fact("agent_role", server.agent_role.as_str());
    section.fact("server_version", server.version.as_str());
    section.fact("system_identifier", server.system_identifier.to_string());
    section.fact("in_recovery", server.in_recovery);
    let who = format!(
        "connected as {} to PostgreSQL {}, {state}, system identifier {}",
        server.agent_role, server.version, server.system_identifier
    );
    section.say(Level::Ok, who);
    if target.transport_is_safe() {
        section.say(Level::Ok, target.transport());
    } else {
        section.advise(
            Level::Warn,
            target.transport(),
            "leave sslmode out of the URL, or set sslmode=verify-full and sslrootcert",
        );
    }
}

/// The further instances: each has sessions of its own, so one that does not answer is a gap.
fn instances(section: &mut Section, target: &Target, seen: &Observation) {
    // What follows "instance " in a gap is its name.
    let of = |rest: &str, name: &str| {
        rest.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ' ']))
    };
    // Where one of these is the primary, the target's own URL is the further one, and bears the target's name.
    let own = seen.instances.iter().map(|instance| instance.name.as_str());
    let own = own.filter(|name| *name == target.name());
    let mut facts: Vec<Value> = Vec::new();
    for name in own.chain(target.instance_names()) {
        let answered = seen.instances.iter().find(|instance| instance.name == name);
        let silent = seen
            .gaps
            .iter()
            .any(|gap| gap.reason.strip_prefix("instance ").is_some_and(|rest| of(rest, name)));
        facts.push(json!({
            "name": name,
            "server_version": answered.map(|instance| instance.version.as_str()),
            "in_recovery": answered.map(|instance| instance.in_recovery),
            "up": answered.is_some() || (!silent && seen.server.is_some()),
        }));
        match (answered, silent) {
            (Some(instance), _) => {
                let state = if instance.in_recovery { "standby" } else { "primary" };
                let text = format!("instance {name}: PostgreSQL {}, {state}", instance.version);
                section.say(Level::Ok, text);
            }
            (None, false) if seen.server.is_some() => {
                section.say(Level::Ok, format!("instance {name}: the primary, described above"));
            }
            // The gap stands below with its fix.
            (None, true | false) => {}
        }
    }
    if !facts.is_empty() {
        section.fact("instances", facts);
    }
}

fn clock(section: &mut Section, server: &Server) {
    let skew = Duration::from_micros(server.clock_skew_us.unsigned_abs());
    let side = if server.clock_skew_us < 0 { "behind" } else { "ahead of" };
    section.fact("clock_offset_us", server.clock_skew_us);
    let text = format!("its clock is {:.3} s {side} this one", skew.as_secs_f64());
    if skew > CLOCK_LIMIT {
        section.advise(
            Level::Warn,
            text,
            "set both by NTP, or the order of events is hard to tell",
        );
    } else {
        section.say(Level::Ok, text);
    }
}

fn privileges(section: &mut Section, seen: &Observation, role: &str) {
    section.fact("over_privileged", json!(seen.excess));
    if seen.excess.is_empty() {
        section.say(Level::Ok, format!("{role} may look and nothing more"));
    }
    for excess in &seen.excess {
        section.advise(
            Level::Warn,
            format!("{role} has more than it needs: {excess}"),
            "take it away: a witness that may write proves less",
        );
    }
}

fn store_here(section: &mut Section, server: &Server, store: Option<&str>, allowed: bool) {
    let here = store == Some(server.system_identifier.to_string().as_str());
    section.fact("store_here", here);
    match (here, allowed) {
        (true, true) => section.say(Level::Note, "the store lies on this target, as configured"),
        (true, false) => section.advise(
            Level::Broken,
            "the store lies on this target: whoever rules it rules the agent's state",
            "give the store a cluster of its own, or say store_on_target: true",
        ),
        (false, _) => {}
    }
}

/// Whether the configured query tells who uses their accounts.
fn last_seen(section: &mut Section, seen: &Observation) {
    match seen.activity.as_ref().and_then(|activity| activity.told.as_ref()) {
        Some(Ok(told)) => {
            section.say(Level::Ok, format!("inactivity.last_seen answers, about {} roles", told.len()));
        }
        Some(Err(why)) => section.advise(
            Level::Warn,
            format!("inactivity.last_seen tells nothing: {why}"),
            "give the agent's role what the query reads, or mend it; until then nobody is called inactive here",
        ),
        None => {}
    }
}

type Place = Option<String>;

/// Each surface: read (in which databases), or a gap with its fix, or not covered.
fn coverage(section: &mut Section, seen: &Observation) {
    let mut read: BTreeMap<ResidualKind, BTreeSet<String>> = BTreeMap::new();
    for covered in &seen.coverage {
        let statement = STATEMENTS.iter().find(|statement| statement.name == covered.statement);
        let probe = [covered.surface];
        let own = if covered.surface == ResidualKind::Probe { &probe[..] } else { &[] };
        for surface in statement.map_or(own, |statement| statement.surfaces) {
            read.entry(*surface).or_default().insert(covered.database.clone());
        }
    }
    // What is not always required is listed where it was read, or where it is required.
    let asked = |surface: &ResidualKind| {
        read.contains_key(surface) || seen.gaps.iter().any(|gap| gap.surface == *surface)
    };
    let optional = ResidualKind::OPTIONAL.iter().filter(|surface| asked(surface));
    let surfaces: Vec<ResidualKind> = CLUSTER_SURFACES.iter().chain(optional).copied().collect();
    let mut list: Vec<Value> = Vec::new();
    for surface in &surfaces {
        let gaps = seen.gaps.iter().filter(|gap| gap.surface == *surface);
        for gap in gaps.clone() {
            list.push(json!({
                "surface": surface, "database": gap.database, "state": "gap",
                "reason": gap.reason, "fix": gap.fix,
            }));
        }
        let whole = gaps.clone().any(|gap| gap.database.is_none());
        let blind: BTreeSet<&str> = gaps.filter_map(|gap| gap.database.as_deref()).collect();
        let here = read.get(surface).into_iter().flatten();
        for database in here.filter(|name| !whole && !blind.contains(name.as_str())) {
            list.push(json!({"surface": surface, "database": database, "state": "readable"}));
        }
    }
    list.extend(seen.not_covered.iter().map(|skipped| {
        json!({"surface": skipped.surface, "state": "not_covered", "reason": skipped.reason})
    }));
    section.fact("surfaces", list);

    let unread: BTreeSet<ResidualKind> = seen.gaps.iter().map(|gap| gap.surface).collect();
    let whole: Vec<&str> = surfaces
        .iter()
        .filter(|surface| read.contains_key(surface) && !unread.contains(surface))
        .map(|surface| surface.as_str())
        .collect();
    let databases: BTreeSet<&str> =
        seen.coverage.iter().map(|covered| covered.database.as_str()).collect();
    if !whole.is_empty() {
        let databases: Vec<_> = databases.into_iter().collect();
        section.say(
            Level::Ok,
            format!(
                "readable, {} of {} surfaces: {}; databases: {}",
                whole.len(),
                surfaces.len(),
                whole.join(", "),
                databases.join(", ")
            ),
        );
    }
    gaps(section, &seen.gaps);
    for skipped in &seen.not_covered {
        section.say(Level::Note, format!("not covered: {}: {}", skipped.surface, skipped.reason));
    }
}

/// Gaps of one reason together: a server that is down leaves every surface unread.
fn gaps(section: &mut Section, gaps: &[Gap]) {
    let mut together: BTreeMap<(&Place, &str, &str), Vec<&str>> = BTreeMap::new();
    for gap in gaps {
        let surfaces = together.entry((&gap.database, &gap.reason, &gap.fix)).or_default();
        surfaces.push(gap.surface.as_str());
    }
    for ((database, reason, fix), mut surfaces) in together {
        surfaces.dedup();
        let what = if surfaces.len() >= CLUSTER_SURFACES.len() {
            "nothing can be read".to_owned()
        } else {
            surfaces.join(", ")
        };
        let place = database.as_ref().map_or(String::new(), |name| format!(" in database {name}"));
        section.advise(Level::Gap, format!("{what}{place}: {reason}"), fix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SystemIdentifier;
    use crate::domain::inactivity::Activity;
    use crate::domain::time::UtcTime;

    fn seen(clock_skew_us: i64) -> Observation {
        let mut seen = Observation::begun("main", UtcTime::from_micros(0).unwrap());
        seen.server = Some(Server {
            system_identifier: SystemIdentifier(7),
            version: "18.4".into(),
            version_num: 180_004,
            in_recovery: false,
            timeline: 1,
            clock_skew_us,
            agent_role: "agent".into(),
        });
        seen
    }

    fn level(url: &str, skew: i64, store: Option<&str>, allowed: bool) -> Level {
        let target = Target::from_url("main", url).unwrap();
        section(&target, &seen(skew), store, allowed).level()
    }

    #[test]
    fn clock_transport_and_store_are_weighed() {
        let socket = "postgres:///d?host=/tmp";
        assert_eq!(level(socket, 0, None, false), Level::Note);
        assert_eq!(level(socket, 30_000_000, None, false), Level::Note);
        assert_eq!(level(socket, -31_000_000, None, false), Level::Warn);
        assert_eq!(
            level("postgres://db.example/d?sslmode=verify-full", 0, None, false),
            Level::Note
        );
        assert_eq!(level("postgres://db.example/d?sslmode=require", 0, None, false), Level::Warn);
        assert_eq!(level("postgres://db.example/d?sslmode=disable", 0, None, false), Level::Warn);
        assert_eq!(level(socket, 0, Some("8"), false), Level::Note);
        assert_eq!(level(socket, 0, Some("7"), false), Level::Broken);
        assert_eq!(level(socket, 0, Some("7"), true), Level::Note);
    }

    #[test]
    fn a_query_for_use_that_is_refused_is_told() {
        let target = Target::from_url("main", "postgres:///d?host=/tmp").unwrap();
        for (told, wanted) in [
            (Ok(BTreeMap::new()), Level::Note),
            (Err("permission denied for table logins".to_owned()), Level::Warn),
        ] {
            let activity = Some(Activity { told: Some(told), ..Activity::default() });
            let seen = Observation { activity, ..seen(0) };
            assert_eq!(section(&target, &seen, None, false).level(), wanted);
        }
    }
}
