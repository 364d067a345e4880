//! Files that decide who is let in: what they say now, and whether that is what the server goes by.
//!
//! The views show the file as it stands. A file that was edited and not loaded, or loaded with an error, says
//! one thing while the server does another. Then what it names is shown all the same, and that it names nobody
//! is proved by nothing.

use super::Wanted;
use super::cluster::Cluster;
use super::rows::{FileStateRow, LineRow};
use super::selftest::{self, Needs};
use super::session::Session;
use super::statements::{self as sql, Statement};
use super::trouble::Trouble;
use crate::domain::observation::{Caller, Cause, NotCovered};
use crate::domain::residual::{Residual, ResidualKind, SYSTEM_USER, Strength};
use crate::domain::time::UtcTime;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use std::collections::BTreeSet;

/// One of the files.
pub(super) struct File {
    pub(super) kind: ResidualKind,
    /// The same, as statements have it.
    pub(super) surfaces: &'static [ResidualKind],
    /// As people call it.
    pub(super) name: &'static str,
    /// The setting that says where it is.
    pub(super) setting: &'static str,
    pub(super) view: &'static str,
    pub(super) function: &'static str,
}

/// Knowing a file's age needs these beside the view.
const STAT_FUNCTIONS: &[&str] =
    &["pg_catalog.pg_stat_file(text)", "pg_catalog.pg_conf_load_time()"];
/// The settings that name the files are hidden without it.
const SETTINGS: &str = "pg_read_all_settings";
const RELOAD: &str = "mend the file if it has an error, SELECT pg_reload_conf(); and look again";

impl File {
    /// Reads the file by `statement`, or notes why not.
    pub(super) async fn read(
        &self,
        session: &mut Session<'_>,
        cluster: &Cluster,
        wanted: &Wanted,
        required: bool,
        statement: &Statement,
    ) {
        let gaps = session.observation.gaps.len();
        let before = session.observation.not_covered.len();
        session.begin().await;
        if self.may_read(session).await
            && let Some(rows) = self.lines(session, cluster, wanted, statement).await
        {
            self.report(session, cluster, &rows);
            self.compare_with_loaded(session, &rows).await;
        }
        session.end().await;
        self.weigh(session, required, gaps, before);
    }

    async fn may_read(&self, session: &mut Session<'_>) -> bool {
        let needs = Needs { relations: &[self.view], functions: &[self.function], roles: &[] };
        let Some(missing) = selftest::missing(session, &needs).await else {
            let reason = format!("whether the agent's role may read {} is not known", self.name);
            self.doubt(session, Cause::Internal, &reason, "");
            return false;
        };
        if missing.is_empty() {
            return true;
        }
        let grants: Vec<&str> = missing.iter().map(|row| row.fix.as_str()).collect();
        let fix = format!("in database {}: {}", session.database(), grants.join(" "));
        let reason = format!("the agent's role may not read {}", self.name);
        self.doubt(session, Cause::PermissionDenied, &reason, &fix);
        false
    }

    async fn lines(
        &self,
        session: &mut Session<'_>,
        cluster: &Cluster,
        wanted: &Wanted,
        statement: &Statement,
    ) -> Option<Vec<LineRow>> {
        let mut arguments = PgArguments::default();
        let callers = wanted.callers.iter().filter(|_| self.kind == ResidualKind::IdentMap);
        let names: BTreeSet<&String> = wanted.names.iter().chain(callers).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let bound = arguments.add(cluster.tracked_oids()).and_then(|()| arguments.add(names));
        if bound.is_err() {
            session.gap(statement, Cause::Internal, "the roles could not be bound");
            return None;
        }
        session.rows(statement, arguments).await
    }

    /// Lines that name a tracked role are residual; those that name one that is gone are shown.
    fn report(&self, session: &mut Session<'_>, cluster: &Cluster, rows: &[LineRow]) {
        for row in rows.iter().filter(|row| row.error.is_none()) {
            let place = self.place(row);
            let Some(word) = row.word.as_deref() else { continue };
            let line = row.rule.as_deref().unwrap_or_default();
            let strength = strength(session, cluster, row);
            if let (None, Some(name), Some(leads)) = (row.role, &row.caller, &row.leads) {
                let caller = Caller {
                    name: name.clone(),
                    leads: leads.clone(),
                    line: line.to_owned(),
                    word: word.to_owned(),
                    place,
                    strength,
                };
                session.observation.callers.push(caller);
                continue;
            }
            let Some(role) = row.role else {
                let text = format!("{place} names {word}, which no role is called: {line}");
                session.observation.ambient.push(text);
                continue;
            };
            let account = cluster.account(role.0);
            let mut found = Residual::new(self.kind, strength, account);
            // By what the line says, not by its number: a line added above it does not make it another one.
            found.object = Some(line.to_owned());
            found.object_type = row.system.then(|| SYSTEM_USER.to_owned());
            let how = match cluster.role_name(role.0) {
                Some(name) if name == word => String::new(),
                _ if word.starts_with('+') => {
                    format!(", which names every member of {}", word.trim_start_matches('+'))
                }
                _ => format!(", by {word}"),
            };
            let detail = format!("{place}{how}");
            // Lines that differ only in what they call the user are one finding.
            let known = session.observation.residual.iter_mut().find(|known| {
                row.system && known.kind == self.kind && known.identity() == found.identity()
            });
            if let Some(known) = known {
                let before = known.detail.take().unwrap_or_default();
                let is_told = before.split("; ").any(|told| told == detail);
                known.detail = Some(if is_told { before } else { format!("{before}; {detail}") });
                *known = known.clone().described();
                continue;
            }
            found.detail = Some(detail);
            session.observation.residual.push(found.described());
        }
    }

    fn place(&self, row: &LineRow) -> String {
        let file = row.file.as_deref().unwrap_or(self.name);
        row.line.map_or_else(|| file.to_owned(), |line| format!("line {line} of {file}"))
    }

    async fn compare_with_loaded(&self, session: &mut Session<'_>, rows: &[LineRow]) {
        for row in rows {
            let Some(error) = &row.error else { continue };
            let reason = format!(
                "{} has an error ({error}), so the server goes on with what it loaded before",
                self.place(row)
            );
            self.doubt(session, Cause::Internal, &reason, RELOAD);
        }
        let Some(files) = self.state(session, rows).await else { return };
        for file in files.iter().filter(|file| file.newer) {
            let (changed, loaded) = (moment(file.changed_us), moment(file.loaded_us));
            // To the second: the time of a file has no fractions.
            let same = changed.get(..19) == loaded.get(..19);
            let reason = if same {
                format!(
                    "{} was changed in the second in which the server loaded its configuration, {loaded}: which came \
                     first cannot be told, so it may go by something else",
                    file.file
                )
            } else {
                format!(
                    "{} was changed at {changed} and the server loaded its configuration at {loaded}, so it may go \
                     by something else",
                    file.file
                )
            };
            self.doubt(session, Cause::Internal, &reason, RELOAD);
        }
        for file in files.iter().filter(|file| file.unsure) {
            let reason = format!(
                "{} was changed at {}, and the server has loaded its configuration about then: which came first \
                 cannot be told by this connection, which is older",
                file.file,
                moment(file.changed_us)
            );
            self.doubt(session, Cause::Internal, &reason, AGAIN);
            session.keep_no_more();
        }
    }

    /// When the files were changed and loaded; `None` if that cannot be told, which has been noted.
    async fn state(
        &self,
        session: &mut Session<'_>,
        rows: &[LineRow],
    ) -> Option<Vec<FileStateRow>> {
        let needs = Needs { relations: &[], functions: STAT_FUNCTIONS, roles: &[SETTINGS] };
        let reason =
            format!("whether the server goes by {} as it stands cannot be told", self.name);
        let Some(missing) = selftest::missing(session, &needs).await else {
            self.doubt(session, Cause::Internal, &reason, "");
            return None;
        };
        if !missing.is_empty() {
            let grants: Vec<&str> = missing.iter().map(|row| row.fix.as_str()).collect();
            let fix = format!("in database {}: {}", session.database(), grants.join(" "));
            self.doubt(session, Cause::PermissionDenied, &reason, &fix);
            return None;
        }
        let more: BTreeSet<String> = rows.iter().filter_map(|row| row.file.clone()).collect();
        let mut arguments = PgArguments::default();
        let bound = arguments
            .add(self.setting)
            .and_then(|()| arguments.add(more.into_iter().collect::<Vec<String>>()));
        if bound.is_err() {
            self.doubt(session, Cause::Internal, "the files could not be bound", "");
            return None;
        }
        let statement = Statement { surfaces: self.surfaces, ..sql::FILE_STATE };
        let before = session.observation.gaps.len();
        let rows = session.rows(&statement, arguments).await;
        let refused = session.observation.gaps.iter_mut().skip(before);
        for gap in refused.filter(|gap| gap.cause == Cause::PermissionDenied) {
            gap.reason = format!("{reason} ({})", gap.reason);
            OUTSIDE.clone_into(&mut gap.fix);
        }
        rows
    }

    /// Notes that the file does not prove absence.
    pub(super) fn doubt(&self, session: &mut Session<'_>, cause: Cause, reason: &str, fix: &str) {
        let trouble = Trouble { cause, reason: reason.to_owned(), fix: fix.to_owned() };
        session.trouble_at(self.kind, &trouble, self.name);
    }

    /// What is in the way is a gap where the file has to be read, else it is said.
    fn weigh(&self, session: &mut Session<'_>, required: bool, gaps: usize, before: usize) {
        let target = session.observation.target.clone();
        let surface = format!("{} of {target}", self.name);
        if session.observation.gaps.len() == gaps && session.observation.not_covered.len() == before
        {
            session.observation.not_covered.push(NotCovered { surface, reason: UNSEEN.to_owned() });
            return;
        }
        if required {
            return;
        }
        let doubts: Vec<_> = session.observation.gaps.drain(gaps..).collect();
        let told = doubts.into_iter().map(|gap| NotCovered {
            surface: surface.clone(),
            reason: format!("{}; to read it: {}", gap.reason, gap.fix),
        });
        session.observation.not_covered.extend(told);
    }
}

/// What a line is worth: NOLOGIN keeps out whom it names, and does not keep out a user of the system who comes in as somebody
/// else.
fn strength(session: &Session<'_>, cluster: &Cluster, row: &LineRow) -> Strength {
    let Some(leads) = row.leads.as_deref() else { return Strength::Latent };
    let several = leads == "all" || leads.starts_with(['+', '/']) || leads.contains("\\1");
    // As `krb_caseins_users` may have it.
    let leads = leads.to_lowercase();
    let mut logins = session.observation.logins.iter().filter_map(|role| cluster.role_name(role.0));
    if several || logins.any(|name| name.to_lowercase() == leads) {
        Strength::CanLogIn
    } else {
        Strength::Latent
    }
}

/// Nothing less lets a role see a file there.
const OUTSIDE: &str = "the file lies outside the data directory: only a member of pg_read_server_files, who may \
                       read every file of the server, or a superuser sees when it was changed; or move it into \
                       the data directory";

/// The next look does not use this connection again.
const AGAIN: &str = "look again: the next look is by a new connection, which can tell";

/// What no view tells.
const UNSEEN: &str = "read; a list that it takes in with @FILE, and an included file that is empty now, may have \
                       changed since the server loaded them: no view tells";

/// An instant of the target's clock, for people.
pub(super) fn moment(us: i64) -> String {
    UtcTime::from_micros(us).map_or_else(|| "an unknown time".to_owned(), |time| time.to_string())
}
