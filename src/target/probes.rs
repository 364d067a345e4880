//! Configured statements about subjects: asked after the catalogs, each with the guards that every look has.
//!
//! What goes wrong belongs to its probe: it tells nothing then, which is a gap of whom it was to be asked about.

mod bind;
mod memory;

pub(super) use memory::Memory;

use super::session::{Refusal, Session, Way};
use super::{Depth, Pace, Wanted};
use crate::domain::observation::{Cause, Observation};
use crate::domain::plan::quote::ident;
use crate::domain::probes::{Answered, Expect, KEPT, Person, Silent, SqlProbe, Told, VALUE, value};
use crate::domain::time::UtcTime;
use memory::Key;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, PgTypeInfo};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Most rows that one statement may bring.
const ROWS: u64 = 1_000;
/// Time that the probes of one look may take; what is left then is not asked.
const WHOLE: Duration = Duration::from_secs(20);
/// Answers that a look asks for anew although it remembers them, where they were not as expected.
const AGAIN: usize = 200;

/// What one look asks of the probes of a target.
pub(super) struct Asking<'a> {
    pub(super) probes: &'a [SqlProbe],
    pub(super) memory: &'a Memory,
    pub(super) pace: Pace,
    pub(super) wanted: &'a Wanted,
}

/// One question: a probe and the values it is asked with.
struct Question<'a> {
    probe: &'a SqlProbe,
    values: Vec<Vec<String>>,
    /// Whom the answer is about.
    people: Vec<&'a Person>,
}

/// Asks every probe about whom it applies to.
pub(super) async fn ask(way: &Way<'_>, asking: &Asking<'_>, observation: &mut Observation) {
    let mut by_database: BTreeMap<&str, Vec<Question<'_>>> = BTreeMap::new();
    for probe in asking.probes {
        let questions = questions(probe, &asking.wanted.people);
        by_database.entry(&probe.database).or_default().extend(questions);
    }
    if observation.server.as_ref().is_none_or(|server| server.in_recovery) {
        // A standby's tables lag; that the target is down is a gap already.
        return;
    }
    let (begun, mut again) = (Instant::now(), 0);
    for (database, questions) in by_database {
        let mut due = Vec::new();
        for question in questions {
            let known = asking.memory.recall(&question.key(), way.answering());
            // From before the clock was set back: it would pass for asked by this look.
            let known = known.filter(|known| known.read_at <= observation.started_at);
            match known.filter(|known| asking.holds(&question, known, &mut again)) {
                Some(known) => {
                    observation.deep_at = observation.deep_at.min(known.read_at);
                    question.tell(known.read_at, &Ok(known.told), observation);
                }
                None => due.push(question),
            }
        }
        let rehearsed = asking.probes.iter().filter(|probe| probe.database == database);
        let rehearsed: Vec<&SqlProbe> = rehearsed.filter(|_| asking.wanted.rehearse).collect();
        if due.is_empty() && rehearsed.is_empty() {
            continue;
        }
        let mut session = Session::open(way, Some(database), observation).await;
        // What is wrong with a probe is so whomever it is asked about.
        let mut unusable: BTreeMap<&str, Silent> = BTreeMap::new();
        for question in due {
            let name = question.probe.declared.name.as_str();
            let silent = if begun.elapsed() > WHOLE {
                let reason = format!("the probes of one look took more than {} s", WHOLE.as_secs());
                Some(question.silent(Cause::Timeout, reason, "make the slow ones faster"))
            } else {
                unusable.get(name).cloned()
            };
            if let Some(silent) = silent {
                let read_at = session.observation.started_at;
                question.tell(read_at, &Err(silent), session.observation);
            } else {
                let wrong = question.put(&mut session, asking.memory).await;
                unusable.extend(wrong.map(|silent| (name, silent)));
            }
        }
        for probe in rehearsed {
            rehearse(&mut session, probe).await;
        }
        session.close().await;
    }
    asking.memory.forget_but(asking.probes);
}

impl Asking<'_> {
    /// Whether what is remembered is taken for what is so now.
    fn holds(&self, question: &Question<'_>, known: &memory::Known, again: &mut usize) -> bool {
        if self.wanted.depth == Depth::Full || known.since.elapsed() >= self.pace.deep {
            return false;
        }
        let declared = &question.probe.declared;
        if question.people.iter().all(|person| declared.settles(&known.told, person)) {
            return true;
        }
        // Somebody waits for it to change.
        *again += 1;
        *again > AGAIN && known.since.elapsed() < self.pace.compare
    }
}

/// What has to be asked: each set of values once, whomever it is about.
fn questions<'a>(probe: &'a SqlProbe, people: &'a [Person]) -> Vec<Question<'a>> {
    let mut by_values: BTreeMap<Vec<Vec<String>>, Vec<&Person>> = BTreeMap::new();
    for person in people.iter().filter(|person| probe.declared.applies(person)) {
        // What is not known of a person is found out again, and said, when it is judged.
        if let Ok(values) = probe.declared.values(person) {
            by_values.entry(values).or_default().push(person);
        }
    }
    by_values.into_iter().map(|(values, people)| Question { probe, values, people }).collect()
}

impl Question<'_> {
    fn key(&self) -> Key {
        let declared = &self.probe.declared;
        (declared.name.clone(), declared.sha256.clone(), self.values.clone())
    }

    fn silent(&self, cause: Cause, reason: impl Into<String>, fix: impl Into<String>) -> Silent {
        silent(self.probe, cause, reason, fix)
    }

    /// Writes the answer into the look.
    fn tell(&self, read_at: UtcTime, answer: &Result<Told, Silent>, look: &mut Observation) {
        for person in &self.people {
            let key = (self.probe.declared.name.clone(), person.key.clone());
            let (values, answer) = (self.values.clone(), answer.clone());
            look.probing.answers.insert(key, Answered { values, read_at, answer });
        }
    }

    /// Asks the server. Gives what is wrong with the probe itself, if anything is.
    async fn put(&self, session: &mut Session<'_>, memory: &Memory) -> Option<Silent> {
        let read_at = session.observation.started_at;
        let (answer, wrong) = match asked(session, self.probe, &self.values).await {
            Ok(told) => (Ok(told), None),
            Err(Failure::OfValues(silent)) => (Err(silent), None),
            Err(Failure::OfProbe(silent)) => (Err(silent.clone()), Some(silent)),
        };
        if let (Ok(told), Some(answering)) = (&answer, session.answering()) {
            memory.keep(self.key(), told.clone(), read_at, answering);
        }
        self.tell(read_at, &answer, session.observation);
        wrong
    }
}

/// Why nothing was told.
enum Failure {
    /// Whomever it is asked about.
    OfProbe(Silent),
    /// With these values, or at this moment.
    OfValues(Silent),
}

fn silent(
    probe: &SqlProbe,
    cause: Cause,
    reason: impl Into<String>,
    fix: impl Into<String>,
) -> Silent {
    let reason: String = reason.into();
    let name = &probe.declared.name;
    Silent { cause, reason: format!("probe {name}: {reason}"), fix: fix.into() }
}

/// Asks with each set of values in one transaction, and adds up what was told.
async fn asked(
    session: &mut Session<'_>,
    probe: &SqlProbe,
    values: &[Vec<String>],
) -> Result<Told, Failure> {
    let agent = agent_of(session);
    let refused = |refusal: Refusal| {
        let code = refusal.sqlstate.clone();
        let silent = refused(probe, &agent, refusal);
        match code.as_deref() {
            // A right that is missing, a table, a statement that writes.
            Some(code) if code.starts_with("42") || code == "25006" => Failure::OfProbe(silent),
            Some(_) | None => Failure::OfValues(silent),
        }
    };
    let begun = Instant::now();
    session.guard(&search_path(probe)).await.map_err(&refused)?;
    let sql = wrapped(probe);
    let types = session.read(&sql).await.map_err(&refused)?;
    let mut each = Vec::new();
    for values in values {
        let arguments = match bind::arguments(&types, values.iter().map(|v| Some(v.as_str()))) {
            Ok(arguments) => arguments,
            Err(wrong) => {
                session.end().await;
                let silent = silent(probe, Cause::Internal, wrong.reason(), wrong.fix());
                return Err(Failure::OfValues(silent));
            }
        };
        let rows = session.run(&sql, arguments).await.map_err(&refused)?;
        match told(probe, &rows) {
            Ok(told) => each.push(told),
            Err(silent) => {
                session.end().await;
                return Err(Failure::OfValues(silent));
            }
        }
    }
    session.end().await;
    let all = probe.declared.together(values, each);
    session.cover_probe(&probe.declared.name, &probe.declared.sha256, all.count, begun.elapsed());
    Ok(all)
}

/// Asks about nobody, to see whether the statement can be asked at all: rights are looked at when it runs.
async fn rehearse(session: &mut Session<'_>, probe: &SqlProbe) {
    let agent = agent_of(session);
    let begun = Instant::now();
    let outcome = async {
        session.guard(&search_path(probe)).await?;
        let sql = wrapped(probe);
        let types: Vec<PgTypeInfo> = session.read(&sql).await?;
        let nothing = std::iter::repeat_n(None, types.len());
        let unknown = bind::arguments(&types, nothing).err();
        if unknown.is_none() {
            let arguments = bind::arguments(&types, std::iter::repeat_n(None, types.len()));
            session.run(&sql, arguments.unwrap_or_default()).await?;
        }
        session.end().await;
        Ok::<_, Refusal>(unknown)
    };
    let wrong = match outcome.await {
        Ok(None) => {
            let (name, sha256) = (&probe.declared.name, &probe.declared.sha256);
            session.cover_probe(name, sha256, 0, begun.elapsed());
            return;
        }
        Ok(Some(wrong)) => silent(probe, Cause::Internal, wrong.reason(), wrong.fix()),
        Err(refusal) => refused(probe, &agent, refusal),
    };
    session.probe_gap(wrong, probe.declared.required);
}

fn agent_of(session: &Session<'_>) -> String {
    let server = session.observation.server.as_ref();
    server.map_or_else(|| "the agent's role".to_owned(), |server| ident(&server.agent_role))
}

fn search_path(probe: &SqlProbe) -> String {
    probe.search_path.iter().map(|schema| ident(schema)).collect::<Vec<_>>().join(", ")
}

/// The statement as it is run: within brackets, so that it can be nothing but a query, and with a limit.
fn wrapped(probe: &SqlProbe) -> String {
    let query = probe.statement.text();
    if let Expect::Count(_) = probe.declared.expect {
        return ["SELECT p.n::pg_catalog.text AS n FROM (\n", query, "\n) AS p (n) LIMIT 2"]
            .concat();
    }
    let most = (VALUE + 1).to_string();
    let cell = |column: &String| {
        ["pg_catalog.left(p.", &ident(column), "::pg_catalog.text, ", &most, ")"].concat()
    };
    let mut cells: Vec<String> = probe.declared.columns.iter().map(cell).collect();
    if cells.is_empty() {
        cells.push("NULL::pg_catalog.text".to_owned());
    }
    let limit = ROWS.to_string();
    ["SELECT ", &cells.join(", "), " FROM (\n", query, "\n) AS p LIMIT ", &limit].concat()
}

/// What the rows say.
fn told(probe: &SqlProbe, rows: &[PgRow]) -> Result<Told, Silent> {
    let cell = |row: &PgRow, place: usize| -> Option<String> {
        row.try_get::<Option<String>, _>(place).ok().flatten()
    };
    if let Expect::Count(_) = probe.declared.expect {
        let number = match rows {
            [row] => cell(row, 0).and_then(|text| text.parse().ok()),
            _ => None,
        };
        let Some(count) = number else {
            return Err(silent(
                probe,
                Cause::Internal,
                "it did not give one row with one number",
                "let it be a query such as SELECT count(*) …, or expect zero_rows",
            ));
        };
        return Ok(Told { count, ..Told::default() });
    }
    let kept = rows.iter().take(KEPT).map(|row| {
        let cells = 0..probe.declared.columns.len();
        cells
            .map(|place| cell(row, place).map_or_else(|| "null".to_owned(), |v| value(&v)))
            .collect()
    });
    let count = rows.len() as u64;
    Ok(Told { count, more: count >= ROWS, rows: kept.collect() })
}

/// What a refusal means, and what to do about it.
fn refused(probe: &SqlProbe, agent: &str, refusal: Refusal) -> Silent {
    let Refusal { trouble, sqlstate } = refusal;
    let name = &probe.declared.name;
    let fix = match sqlstate.as_deref() {
        Some("42501") => format!(
            "in database {}: GRANT SELECT on what it names to {agent}, and USAGE on the schemas; a table with row \
             security has to be read through a view of the table's owner, or policies could hide rows from {agent}",
            ident(&probe.database)
        ),
        Some("42P01" | "3F000" | "42703" | "42883" | "42704" | "42P02") => format!(
            "write tables with their schema, or name the schemas in search_path of the probe, and compare the \
             statement with the database {}",
            ident(&probe.database)
        ),
        Some("57014" | "55P03") => {
            format!("make the statement of {name} faster, with an index on what it searches for")
        }
        Some("25006") => "a probe only reads: take out what writes".to_owned(),
        Some(_) => format!("run the statement of {name} by hand as {agent}, and mend it"),
        None if trouble.fix.is_empty() => "look at the server's log".to_owned(),
        None => trouble.fix,
    };
    silent(probe, trouble.cause, trouble.reason, fix)
}
