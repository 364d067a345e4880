//! What a login attempt with an old secret says of that secret.
//!
//! The server's answer is read by its SQLSTATE and by the routine that gave it, which no language setting changes.
//! An answer that the server gives only after it has checked the password proves that the secret is valid, unless
//! the server never asked for one: a control attempt with a random secret tells these apart.

use super::words::words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// What an attempt says of the secret, on the path that was tried.
    Finding {
        /// It is refused on this path now.
        Dead = "dead",
        /// It is still the role's password.
        Valid = "valid",
        /// Neither.
        Nothing = "nothing",
    }
}

words! {
    /// What the finding rests on.
    Why {
        /// A session began.
        LoggedIn = "logged_in",
        /// Only that the database does not exist kept it out.
        NoDatabase = "no_database",
        /// Only NOLOGIN kept it out.
        LoginOff = "login_off",
        /// Only the role's connection limit kept it out.
        RoleFull = "role_full",
        /// Only a limit of the database or of the server kept it out.
        NoRoom = "no_room",
        /// Only the database does not let it in.
        DatabaseClosed = "database_closed",
        /// The password is not the role's, or it counts no more.
        Refused = "refused",
        /// A random secret gets the same answer.
        AsksNoPassword = "asks_no_password",
        /// No password is asked for, and there is no login of that name.
        NoLogin = "no_login",
        /// pg_hba.conf does not let this path in.
        NotLetIn = "not_let_in",
        /// Something else than the role's password is asked for.
        OtherMethod = "other_method",
        /// A random secret was neither refused nor answered alike.
        ControlUnclear = "control_unclear",
        /// This is not how PostgreSQL answers.
        Unknown = "unknown",
    }
}

/// The SQLSTATE of a session that began.
const SESSION: &str = "00000";

/// How a server answered a login attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginAnswer)]
pub struct Answer {
    /// SQLSTATE; `00000` when a session began.
    #[schema(pattern = "^[0-9A-Z]{5}$")]
    pub sqlstate: String,
    /// The server's routine that gave it, empty if it did not say.
    #[schema(max_length = 100, pattern = "^[0-9A-Za-z_]*$")]
    pub routine: String,
}

/// Where a login was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginPath)]
pub struct Path {
    /// Address, or directory of the socket.
    #[schema(min_length = 1, max_length = 1000)]
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the server was reached, in words.
    #[schema(min_length = 1, max_length = 1000)]
    pub transport: String,
    /// Database; `null` for one that does not exist.
    #[schema(min_length = 1, max_length = 1000)]
    pub database: Option<String>,
}

/// What an attempt comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it says of the secret.
    pub finding: Finding,
    /// What that rests on.
    pub why: Why,
}

impl Answer {
    /// A session began.
    #[must_use]
    pub fn session() -> Self {
        Self { sqlstate: SESSION.to_owned(), routine: String::new() }
    }

    /// A refusal.
    #[must_use]
    pub fn refused(sqlstate: &str, routine: Option<&str>) -> Self {
        Self { sqlstate: sqlstate.to_owned(), routine: routine.unwrap_or_default().to_owned() }
    }

    /// The server refused the password.
    fn refuses_the_password(&self) -> bool {
        (self.sqlstate.as_str(), self.routine.as_str()) == ("28P01", "auth_failed")
    }

    /// What kept a secret out that the server had accepted, if it answers like this only after that.
    fn accepted(&self) -> Option<Why> {
        match (self.sqlstate.as_str(), self.routine.as_str()) {
            (SESSION, _) => Some(Why::LoggedIn),
            ("3D000", "InitPostgres") => Some(Why::NoDatabase),
            ("28000", "InitializeSessionUserId") => Some(Why::LoginOff),
            ("53300", "InitializeSessionUserId") => Some(Why::RoleFull),
            ("53300", "InitPostgres" | "CheckMyDatabase") => Some(Why::NoRoom),
            ("42501" | "55000", _) => Some(Why::DatabaseClosed),
            _ => None,
        }
    }

    /// The server was not able to look at the login: it says nothing, and may say something a moment later.
    #[must_use]
    pub fn is_none(&self) -> bool {
        let class = self.sqlstate.get(..3).unwrap_or_default();
        class == "57P" || (self.sqlstate == "53300" && self.accepted().is_none())
    }

    /// Whether a control attempt with a random secret has to tell what this means.
    #[must_use]
    pub fn needs_control(&self) -> bool {
        self.accepted().is_some()
    }
}

/// What `answer` says of the secret; `control` is the answer to a random one, if it was asked for.
#[must_use]
pub fn classify(answer: &Answer, control: Option<&Answer>) -> Said {
    let said = |finding, why| Said { finding, why };
    if answer.refuses_the_password() {
        return said(Finding::Dead, Why::Refused);
    }
    if let Some(why) = answer.accepted() {
        return match control {
            Some(control) if control.refuses_the_password() => said(Finding::Valid, why),
            Some(control) if control == answer && why == Why::LoginOff => {
                said(Finding::Nothing, Why::NoLogin)
            }
            Some(control) if control == answer => said(Finding::Nothing, Why::AsksNoPassword),
            Some(_) | None => said(Finding::Nothing, Why::ControlUnclear),
        };
    }
    match (answer.sqlstate.as_str(), answer.routine.as_str()) {
        ("28000", "ClientAuthentication") => said(Finding::Nothing, Why::NotLetIn),
        ("28000", "auth_failed") => said(Finding::Nothing, Why::OtherMethod),
        _ => said(Finding::Nothing, Why::Unknown),
    }
}

impl Path {
    /// The path in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { host, port, transport, .. } = self;
        let database = match &self.database {
            Some(database) => format!("database {database}"),
            None => "a database that does not exist".to_owned(),
        };
        format!("{host} port {port}, {transport}, {database}")
    }
}

impl Said {
    /// The finding about `role` as one sentence, without the path.
    #[must_use]
    pub fn sentence(self, role: &str) -> String {
        let valid = |but: &str| format!("the secret is still the password of {role}{but}");
        match self.why {
            Why::Refused => {
                format!("the secret is refused as the password of {role}, on this path now")
            }
            Why::LoggedIn => valid(", and logs in"),
            Why::NoDatabase => valid("; it logs in where a database lets it"),
            Why::LoginOff => valid("; only NOLOGIN keeps it out"),
            Why::RoleFull => valid("; only the role's connection limit keeps it out"),
            Why::NoRoom => valid("; only a limit of the database or of the server keeps it out"),
            Why::DatabaseClosed => valid("; only this database does not let it in"),
            Why::AsksNoPassword => {
                format!("this path asks {role} for no password: a random one gets the same answer")
            }
            Why::NoLogin => format!(
                "this path asks for no password, and there is no role {role}, or it may not log in: nothing is told \
                 of the secret"
            ),
            Why::NotLetIn => {
                format!("pg_hba.conf does not let {role} in on this path, whatever the secret")
            }
            Why::OtherMethod => {
                format!("this path asks {role} for something else than its password")
            }
            Why::ControlUnclear => format!(
                "the secret of {role} was not refused, but neither was a random one: nobody knows whether this path \
                 asks for a password"
            ),
            Why::Unknown => format!(
                "the login as {role} was refused as PostgreSQL does not do it: is there a pooler between?"
            ),
        }
    }

    /// What the reader should know beside it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self.why {
            Why::Refused => {
                "whether it was changed, is past its VALID UNTIL, or there is no such role, `revoked check` tells"
            }
            Why::LoggedIn
            | Why::NoDatabase
            | Why::LoginOff
            | Why::RoleFull
            | Why::NoRoom
            | Why::DatabaseClosed => "change the password",
            Why::AsksNoPassword => {
                "whoever may use this path needs no secret at all: look at its line of pg_hba.conf, and try a path \
                 that asks for a password"
            }
            Why::NoLogin => {
                "write the role's name exactly as pg_roles has it, and try a path that asks for a password"
            }
            Why::NotLetIn => {
                "try a path that applications use; a line of pg_hba.conf for one database is reached with --database"
            }
            Why::OtherMethod => "try a path that asks for the role's password",
            Why::ControlUnclear => "try again",
            Why::Unknown => "try the server itself, beside the pooler",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLSTATE, routine, the same of the control, finding, what it rests on.
    const TABLE: &str = "
        00000 -                       28P01 auth_failed              valid   logged_in
        00000 -                       00000 -                        nothing asks_no_password
        3D000 InitPostgres            28P01 auth_failed              valid   no_database
        3D000 InitPostgres            3D000 InitPostgres             nothing asks_no_password
        28000 InitializeSessionUserId 28P01 auth_failed              valid   login_off
        28000 InitializeSessionUserId 28000 InitializeSessionUserId  nothing no_login
        53300 InitializeSessionUserId 28P01 auth_failed              valid   role_full
        53300 CheckMyDatabase         28P01 auth_failed              valid   no_room
        42501 CheckMyDatabase         28P01 auth_failed              valid   database_closed
        55000 CheckMyDatabase         28P01 auth_failed              valid   database_closed
        3D000 InitPostgres            - -                            nothing control_unclear
        3D000 InitPostgres            28000 ClientAuthentication     nothing control_unclear
        28P01 auth_failed             - -                            dead    refused
        28P01 -                       - -                            nothing unknown
        28P01 recv_password_packet    - -                            nothing unknown
        28000 ClientAuthentication    - -                            nothing not_let_in
        28000 auth_failed             - -                            nothing other_method
        08P01 -                       - -                            nothing unknown
    ";

    #[test]
    fn the_table() {
        let answer = |sqlstate: &str, routine: &str| {
            let routine = Some(routine).filter(|routine| *routine != "-");
            (sqlstate != "-").then(|| Answer::refused(sqlstate, routine))
        };
        for row in TABLE.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let words: Vec<&str> = row.split_whitespace().collect();
            let got = answer(words[0], words[1]).unwrap();
            let control = answer(words[2], words[3]);
            let said = classify(&got, control.as_ref());
            assert_eq!((said.finding.as_str(), said.why.as_str()), (words[4], words[5]), "{row}");
            assert_eq!(
                got.needs_control(),
                words[2] != "-" || words[5] == "control_unclear",
                "{row}"
            );
        }
    }

    #[test]
    fn a_server_that_is_not_ready_gives_no_answer() {
        let none = |sqlstate, routine| Answer::refused(sqlstate, Some(routine)).is_none();
        assert!(none("57P03", "ProcessStartupPacket"));
        assert!(none("53300", "InitProcess"));
        assert!(!none("53300", "InitializeSessionUserId"));
        assert!(!none("28P01", "auth_failed"));
    }
}
