//! `revoked plan`: SQL that removes what was found, for a person to read and run.

mod answer;
mod notes;

use super::covered;
use super::exit;
use super::holds::{Hold, Leaver};
use super::look::{Answered, At, Look, Looked};
use super::output::{self, Format, print_wrapped, shown};
use super::values;
use crate::domain::observation::Gap;
use crate::domain::plan::quote::comment;
use crate::domain::plan::script::{Place, render};
use crate::domain::plan::simulate::{Simulation, simulate};
use crate::domain::plan::{Plan, Setting, plan};
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::verdict::Verdict;
use answer::Answer;
use anyhow::{Result, bail};
use std::fmt::Write as _;

/// Print the SQL that removes what remains of a role or subject, for psql
///
/// Nothing is run: read it, then pipe it to psql as a superuser. Objects are given to the owner of their
/// database (or to --reassign-to), never dropped, and never to a superuser unless you name one. For several
/// targets there is one part per cluster; run the script on each, and the parts for others are skipped. What stands
/// against running it is said at its head: it is not due yet, it is excepted, the person works here again, or
/// nobody knows whose a role is (that role is no part of it).
///
/// Exit status: 0 a plan, or nothing to remove; 3 not everything could be seen, so the plan may not be
/// whole (a note says so); 1 the question could not be put. With --simulate: 0 nothing would remain; 2
/// something would; 3 not everything could be seen.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: At,

    /// New owner of what the role owns, in every database
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    reassign_to: Option<String>,

    /// Drop nothing at all, not even a user mapping, and roll back no prepared transaction; on by itself where
    /// the revocation says so
    #[arg(long)]
    preserve_data: bool,

    /// Print what would remain once the plan had been run, and what others would lose or keep
    #[arg(long)]
    simulate: bool,

    /// Output; the table of a plan is the script
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// The plan for one target.
pub(super) struct Planned<'a> {
    look: &'a Look,
    residual: Vec<Residual>,
    preserve_data: bool,
    /// Under a legal hold, and so no part of the plan.
    held: Vec<Residual>,
    /// Nobody could be asked what is under a legal hold.
    unasked: bool,
    plan: Plan,
    simulation: Option<Simulation>,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let looked = arguments.at.look(None).await?;
    let leavers = arguments.at.leavers().await.unwrap_or_else(|error| {
        eprintln!("revoked: who else leaves is not known: {error:#}");
        Vec::new()
    });
    if let Some(heir) = &arguments.reassign_to {
        check_heir(heir, &looked, &leavers)?;
    }
    let holds = arguments.at.holds().await;
    if let Err(error) = &holds {
        eprintln!("revoked: whether data are under a legal hold is not known: {error:#}");
    }
    let unasked = holds.is_err();
    let holds = holds.unwrap_or_default();
    let planned: Vec<_> = looked
        .looks
        .iter()
        .map(|look| Planned {
            unasked,
            ..Planned::on(look, &looked, &arguments, (&holds, &leavers))
        })
        .collect();
    let mut gaps: Vec<_> = looked.subjects.iter().flat_map(|one| &one.judged.gaps).collect();
    gaps.sort();
    gaps.dedup();
    let told: Vec<&Gap> = gaps.iter().copied().filter(|gap| !is_open(&looked, gap)).collect();
    let notes = notes::notes(&looked, &planned);
    let inconclusive =
        looked.subjects.iter().any(|one| one.judged.verdict == Verdict::Inconclusive);
    let unseen = inconclusive || !gaps.is_empty();
    match (arguments.output, arguments.simulate) {
        (Format::Json, _) => {
            let answer = Answer::new(&looked, &planned, (&gaps, &told), &notes);
            println!("{}", serde_json::to_string_pretty(&answer)?);
        }
        (Format::Table, true) => {
            for note in &notes {
                print_wrapped("", &shown(note));
            }
            print_simulations(&looked, &planned, &gaps);
        }
        (Format::Table, false) => {
            notes::warn(&notes);
            print!("{}", notes::head(&notes));
            print_scripts(&looked, &planned, &told, unseen);
        }
    }
    let remains = planned.iter().filter_map(|one| one.simulation.as_ref()).any(leaves_something);
    Ok(match (remains, unseen) {
        (true, _) => exit::RESIDUAL,
        (false, true) => exit::INCONCLUSIVE,
        (false, false) => exit::OK,
    })
}

/// Whether only a person can say it: that stands at the head.
fn is_open(looked: &Looked, gap: &Gap) -> bool {
    looked.subjects.iter().any(|one| one.open.contains(gap))
}

fn leaves_something(simulation: &Simulation) -> bool {
    !simulation.would_remain.is_empty() || simulation.stops.is_some()
}

impl<'a> Planned<'a> {
    fn on(
        look: &'a Look,
        looked: &Looked,
        arguments: &Arguments,
        (holds, leavers): (&[Hold], &[Leaver]),
    ) -> Self {
        let mut setting = setting(look, arguments.reassign_to.as_deref());
        let others = leavers.iter().flat_map(|leaver| leaver.roles(&look.observation));
        setting.leavers.extend(others.map(str::to_owned));
        let all = residual_on(look, looked);
        let held = |found: &Residual| {
            found.kind == ResidualKind::Ownership && holds.iter().any(|hold| hold.covers(found))
        };
        let any = looked.subjects.iter().any(|one| one.asked.held)
            || all.iter().any(|found| holds.iter().any(|hold| hold.covers(found)));
        let (mut held, residual): (Vec<_>, Vec<_>) = all.into_iter().partition(held);
        held.extend(kept_on(look, looked));
        setting.preserve_data = any
            || arguments.preserve_data
            || looked.subjects.iter().any(|one| one.asked.preserve_data);
        let plan = plan(&residual, &setting);
        let simulation = arguments.simulate.then(|| simulate(&plan.steps, &residual, &setting));
        let preserve_data = setting.preserve_data;
        Self { look, residual, preserve_data, held, unasked: false, plan, simulation }
    }

    fn script(&self, looked: &Looked) -> String {
        let seen = &self.look.observation;
        let mut subjects: Vec<_> =
            looked.subjects.iter().map(|one| one.asked.subject.as_str()).collect();
        subjects.dedup();
        let place = if looked.configured { format!(" on {}", seen.target) } else { String::new() };
        let held = match (self.held.is_empty(), self.preserve_data) {
            (false, _) => "; a legal hold keeps what is owned, so it drops and reassigns nothing",
            (true, true) => "; data are preserved, so it drops nothing",
            (true, false) => "",
        };
        let title = format!(
            "revoked plan for {}{place} as of {}{held}",
            subjects.join(", "),
            seen.started_at
        );
        let Some(server) = &seen.server else {
            return format!("-- {}: the target did not answer\n", comment(&title));
        };
        let system_identifier = server.system_identifier.to_string();
        let place = Place { target: &seen.target, system_identifier: &system_identifier };
        let mut script = render(&self.plan, &title, Some(place));
        for found in &self.held {
            let _ = writeln!(script, "-- HELD: {}", comment(&found.sentence));
        }
        if self.unasked {
            script.push_str("-- NOT KNOWN: whether data are under a legal hold\n");
        }
        script
    }
}

fn print_scripts(looked: &Looked, planned: &[Planned<'_>], gaps: &[&Gap], unseen: bool) {
    if unseen {
        // Whoever keeps the script has not what this command said beside it.
        println!(
            "-- NOT WHOLE, MAYBE: not everything could be seen, so more than this script removes may be there."
        );
    }
    for one in planned {
        print!("{}", one.script(looked));
        print!("{}", not_seen(gaps.iter().filter(|gap| concerns(gap, one))));
    }
    print!("{}", elsewhere(looked));
    if !unseen {
        return;
    }
    // A pipe to psql swallows comments and this program's exit status.
    eprintln!("revoked: not everything could be seen, so the plan may not be whole");
    // Such as a subject of which nobody knows on which target it has accounts.
    print!("{}", not_seen(gaps.iter().filter(|gap| !planned.iter().any(|one| concerns(gap, one)))));
}

/// What lies in systems that no script reaches.
fn elsewhere(looked: &Looked) -> String {
    let here = |target: &str| looked.looks.iter().any(|look| look.observation.target == target);
    let found = looked.subjects.iter().flat_map(|one| &one.judged.residual);
    let lines = found.filter(|found| !here(&found.account.target)).map(|found| {
        let note = format!("BY HAND: in {}: {}", found.account.target, found.sentence);
        format!("-- {}\n", comment(&note))
    });
    lines.collect()
}

/// Whether a gap is one of this target.
fn concerns(gap: &Gap, one: &Planned<'_>) -> bool {
    gap.target == one.look.observation.target
}

/// What a script may lack, as its last lines.
fn not_seen<'a>(gaps: impl Iterator<Item = &'a &'a Gap>) -> String {
    let mut lines = String::new();
    for gap in gaps {
        let note = format!("NOT SEEN: {} of {}: {}", gap.surface, gap.target, gap.reason);
        for line in [note, format!("  what helps: {}", gap.fix)] {
            lines.push_str("-- ");
            lines.push_str(&comment(&line));
            lines.push('\n');
        }
    }
    lines
}

fn print_simulations(looked: &Looked, planned: &[Planned<'_>], gaps: &[&Gap]) {
    for one in planned {
        print_simulation(looked, one, gaps.is_empty());
    }
    if !gaps.is_empty() {
        println!("not seen, so more may remain:");
        output::print_gaps(&gaps.iter().map(|gap| (*gap).clone()).collect::<Vec<_>>());
    }
    for text in covered::lines(looked.looks.iter().flat_map(|look| &look.observation.not_covered)) {
        print_wrapped("not covered: ", &shown(&text));
    }
}

fn print_simulation(looked: &Looked, one: &Planned<'_>, whole: bool) {
    let Some(simulation) = &one.simulation else { return };
    let mut subjects: Vec<_> =
        looked.subjects.iter().map(|one| shown(&one.asked.subject)).collect();
    subjects.dedup();
    let remain = simulation.would_remain.len();
    let said = match (one.look.observation.server.is_some(), remain) {
        (false, _) => "the target did not answer".to_owned(),
        (true, 0) if one.residual.is_empty() && whole => "nothing is there to remove".to_owned(),
        (true, 0) if whole => "nothing would remain".to_owned(),
        (true, 0) => "of what was seen nothing would remain".to_owned(),
        (true, _) => format!("{remain} of {} would remain", one.residual.len()),
    };
    let steps = match one.plan.steps.len() {
        1 => "1 step".to_owned(),
        count => format!("{count} steps"),
    };
    let of = looked.of_target(one.look, &subjects.join(", "));
    println!("after the plan for {of} ({steps}): {said}");
    output::print_residual(&simulation.would_remain);
    if let Some(stop) = &simulation.stops {
        let place =
            stop.database.as_ref().map_or(String::new(), |name| format!(" in database {name}"));
        let text = format!("{}{place}: {}; nothing after it would be done", stop.sql, stop.reason);
        print_wrapped("the script would stop at ", &shown(&text));
    }
    let lists = [
        ("others would lose:", &simulation.others_lose),
        ("others keep what they hold through it, granted anew:", &simulation.others_keep),
        ("new owners:", &simulation.new_owners),
        ("statements that may have to wait:", &simulation.may_wait),
    ];
    for (heading, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        println!("{heading}");
        for text in list {
            print_wrapped("  ", &shown(text));
        }
    }
    if !one.held.is_empty() {
        println!("kept under a legal hold:");
        for found in &one.held {
            print_wrapped("  ", &shown(&found.sentence));
        }
    }
    if !one.plan.by_hand.is_empty() {
        println!("not removed by the plan, and what does it:");
        for note in &one.plan.by_hand {
            print_wrapped("  ", &shown(&note.text));
        }
    }
}

/// What stays on one target under a legal hold of a subject.
fn kept_on(look: &Look, looked: &Looked) -> Vec<Residual> {
    let held = looked.subjects.iter().filter(|one| one.asked.held);
    let kept = held.flat_map(|one| &one.judged.kept);
    let owned = |found: &&Residual| {
        found.kind == ResidualKind::Ownership && found.account.target == look.observation.target
    };
    kept.filter(owned).cloned().collect()
}

/// What must go on one target.
fn residual_on<'a>(look: &Look, looked: &'a Looked) -> Vec<Residual> {
    let to_go =
        |one: &'a Answered| one.judged.residual.iter().filter(|found| !one.spared.contains(found));
    let all = looked.subjects.iter().flat_map(to_go);
    let mut here: Vec<Residual> =
        all.filter(|found| found.account.target == look.observation.target).cloned().collect();
    here.sort();
    here.dedup();
    here
}

/// What a plan has to know of the target.
pub(super) fn setting(look: &Look, reassign_to: Option<&str>) -> Setting {
    let seen = &look.observation;
    let leavers = seen.tracked.iter().filter_map(|oid| seen.role(*oid));
    Setting {
        version_num: seen.server.as_ref().map_or(0, |server| server.version_num),
        database_owner: look.facts.database_owner.clone(),
        closed: look.facts.closed.clone(),
        superusers: look.facts.superusers.clone(),
        memberships: look.facts.memberships.clone(),
        locks: look.facts.locks.clone(),
        leavers: leavers.map(|role| role.name.clone()).collect(),
        reassign_to: reassign_to.map(str::to_owned),
        preserve_data: false,
    }
}

/// A new owner that does not exist would stop the script half-way, with the login off and objects left.
fn check_heir(heir: &str, looked: &Looked, leavers: &[Leaver]) -> Result<()> {
    let here = |look: &Look| {
        looked.subjects.iter().flat_map(|one| &one.accounts).any(|account| {
            account.target == look.observation.target
                && look.observation.role(account.oid).is_some_and(|role| role.name == heir)
        })
    };
    for look in &looked.looks {
        let seen = &look.observation;
        let owns = residual_on(look, looked).iter().any(|found| {
            matches!(found.kind, ResidualKind::Ownership | ResidualKind::Subscription)
        });
        let needed = owns || !looked.several();
        let exists = seen.roster.iter().any(|role| role.name == heir);
        if needed && !seen.roster.is_empty() && !exists {
            let (heir, target) = (shown(heir), &seen.target);
            let one = if looked.several() {
                "; for one target alone name the role as TARGET/ROLE"
            } else {
                ""
            };
            bail!("--reassign-to: no role is called {heir} on {target}{one}");
        }
        if here(look) {
            bail!("--reassign-to: {} is one of those who leave", shown(heir));
        }
        let too = leavers.iter().find(|one| one.roles(seen).any(|name| name == heir));
        if let Some(too) = too {
            let (heir, id) = (shown(heir), &too.revocation);
            bail!("--reassign-to: {heir} leaves too ({id}); name somebody who stays");
        }
    }
    Ok(())
}
