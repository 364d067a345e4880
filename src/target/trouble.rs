//! Why a server does not answer, and what to do about each cause.
//!
//! Neither may hold anything of the connection URL but role and database: these texts go to the API and to
//! people.

use crate::domain::observation::Cause;
use crate::domain::plan::quote::ident;
use sqlx::postgres::PgConnectOptions;
use std::io::ErrorKind;

/// A connection that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) cause: Cause,
    pub(super) reason: String,
    /// What to do about it; the surface's own advice, if empty.
    pub(super) fix: String,
}

impl Trouble {
    /// One that says no more than its cause.
    pub(super) fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into(), fix: String::new() }
    }

    /// Connecting failed.
    pub(super) fn connecting(error: &sqlx::Error, options: &PgConnectOptions) -> Self {
        let (cause, words) = explain(error);
        let role = ident(options.get_username());
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let socket = options.get_socket().is_some() || options.get_host().starts_with('/');
        let fix = if let sqlx::Error::Database(refusal) = error {
            refused(refusal.code().unwrap_or_default().as_ref(), &role, &ident(database))
        } else if let sqlx::Error::Io(error) = error {
            unreachable(error, socket).to_owned()
        } else if matches!(error, sqlx::Error::Tls(_)) {
            if socket { NO_TLS } else { TLS }.to_owned()
        } else {
            "check the URL of the target, and the server's log".to_owned()
        };
        Self { cause, reason: format!("connecting failed: {words}"), fix }
    }

    /// Beginning a transaction failed.
    pub(super) fn beginning(
        error: &sqlx::Error,
        options: &PgConnectOptions,
        database: &str,
    ) -> Self {
        let (cause, words) = explain(error);
        let fix = if cause == Cause::PermissionDenied {
            format!(
                "in database {database}: GRANT EXECUTE ON FUNCTION pg_catalog.pg_is_in_recovery(), \
                 pg_catalog.pg_postmaster_start_time() TO {};",
                ident(options.get_username())
            )
        } else {
            String::new()
        };
        Self { cause, reason: format!("beginning a transaction failed: {words}"), fix }
    }

    /// Another server answers than the one that the look began with.
    pub(super) fn elsewhere() -> Self {
        Self {
            cause: Cause::Internal,
            reason: "another server answers than the look began with, or it was restarted or promoted meanwhile"
                .to_owned(),
            fix: "look again; if it stays so, let the URL lead to one server, not to a proxy that chooses among \
                  several, and name the others under instances"
                .to_owned(),
        }
    }

    /// Nobody said anything in time.
    pub(super) fn silence(seconds: u64) -> Self {
        Self {
            cause: Cause::Timeout,
            reason: format!("no connection within {seconds} s"),
            fix: "check host and port in the URL, and whether a firewall on the way drops packets; a server \
                  that accepts and then says nothing is overloaded or is no Postgres"
                .to_owned(),
        }
    }
}

/// What to do about a cause.
pub(super) fn fix_for(cause: Cause, target: &str, statement: &str) -> String {
    match cause {
        Cause::Unreachable => {
            format!("check that the server of target {target} is up and its URL right")
        }
        Cause::PermissionDenied => format!(
            "grant the agent's role what it needs on target {target} (the script printed by `revoked init`)"
        ),
        Cause::Timeout => format!(
            "find out what keeps target {target} busy, or raise statement_timeout if {statement} needs longer"
        ),
        Cause::Internal | Cause::ResidualAccess | Cause::CanaryMissed => {
            format!("look at the server log of target {target} for the statement {statement}")
        }
    }
}

/// The class of a failure and its words, without anything a connection string may hold.
pub(super) fn explain(error: &sqlx::Error) -> (Cause, String) {
    if let sqlx::Error::Database(database) = error {
        let code = database.code().unwrap_or_default().into_owned();
        let cause = match code.as_str() {
            "42501" | "28000" | "28P01" | "3D000" => Cause::PermissionDenied,
            "57014" | "55P03" => Cause::Timeout,
            "53300" | "57P01" | "57P02" | "57P03" => Cause::Unreachable,
            _ => Cause::Internal,
        };
        return (cause, format!("{} (SQLSTATE {code})", database.message()));
    }
    let broken = matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_));
    (if broken { Cause::Unreachable } else { Cause::Internal }, error.to_string())
}

const TLS: &str = "name the CA of the server's certificate in the URL (sslrootcert=FILE), with the host as the \
                   certificate names it; if the server has no TLS, set it up (ssl = on). sslmode=disable gives \
                   TLS up: then anybody on the way can answer instead";

const NO_TLS: &str = "a Unix socket has no TLS, and nobody is on the way: leave sslmode out of the URL, or name the \
                      server's host instead of its socket's directory";

/// What to do about a refusal, by its SQLSTATE.
fn refused(code: &str, role: &str, database: &str) -> String {
    match code {
        "3D000" => format!(
            "database {database} does not exist there: name one that does in the URL, such as postgres"
        ),
        "28P01" => format!(
            "give the right password of {role} (url_file, PGPASSWORD or ~/.pgpass), or set it anew with \
             \\password; pg_hba.conf decides which method is asked for"
        ),
        "28000" => format!(
            "make the role {role} with LOGIN (`revoked init` writes the script), and let it in with a line in \
             pg_hba.conf for this host, database {database} and TLS; then reload the server"
        ),
        "42501" => format!("GRANT CONNECT ON DATABASE {database} TO {role};"),
        "53300" => format!(
            "every connection of the server, of the database or of {role} is taken: raise max_connections or the \
             CONNECTION LIMIT, or (16 and later) GRANT pg_use_reserved_connections TO {role};"
        ),
        "55000" => format!("database {database} takes no connections: name another one in the URL"),
        "57P03" => "the server is starting up, stopping or recovering: wait, the next look tries again. If it \
                    stays so, look at its log"
            .to_owned(),
        "57P01" | "57P02" | "57P05" => {
            "the server or an administrator ended the connection: the next look tries again".to_owned()
        }
        _ => "look at the server's log for this refusal".to_owned(),
    }
}

/// What to do where there is no server to refuse.
fn unreachable(error: &std::io::Error, socket: bool) -> &'static str {
    let is = |kinds: &[ErrorKind]| kinds.contains(&error.kind());
    if socket && is(&[ErrorKind::NotFound]) {
        "there is no such socket: check that the server runs, that host= in the URL is one of its \
         unix_socket_directories, and the port"
    } else if socket && is(&[ErrorKind::PermissionDenied]) {
        "this user may not use the server's socket: see its directory and unix_socket_permissions"
    } else if socket && is(&[ErrorKind::ConnectionRefused]) {
        "nobody listens at that socket: the server ended without removing it. Start it"
    } else if is(&[ErrorKind::ConnectionRefused]) {
        "nobody listens there: start the server, and check host and port in the URL and listen_addresses"
    } else if is(&[ErrorKind::HostUnreachable, ErrorKind::NetworkUnreachable, ErrorKind::TimedOut])
    {
        "there is no way to that host: check the network, and host and port in the URL"
    } else if is(&[ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe]) {
        "the other end closed the connection: check that host and port are those of Postgres, and its log"
    } else if !socket && is(&[ErrorKind::NotFound]) {
        "a file that the URL names is not there: look at sslrootcert, sslcert and sslkey"
    } else if is(&[ErrorKind::InvalidData, ErrorKind::InvalidInput]) || of_certificate(error) {
        TLS
    } else if error.to_string().contains("lookup address") {
        "the host's name is not known: check it in the URL, and this machine's DNS"
    } else {
        "check that the server is up, and host and port in the URL"
    }
}

/// TLS failed: its errors come wrapped, and without a kind of their own.
fn of_certificate(error: &std::io::Error) -> bool {
    let text = error.to_string();
    text.contains("certificate") || text.contains("CA ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    fn options(url: &str) -> PgConnectOptions {
        url.parse().unwrap()
    }

    #[test]
    fn each_refusal_has_its_own_advice() {
        for (code, says) in [
            ("3D000", "\"orders\" does not exist"),
            ("28P01", "password of \"agent\""),
            ("28000", "pg_hba.conf"),
            ("42501", "GRANT CONNECT ON DATABASE \"orders\" TO \"agent\";"),
            ("53300", "max_connections"),
            ("57P03", "starting up"),
            ("XX000", "server's log"),
        ] {
            let fix = refused(code, "\"agent\"", "\"orders\"");
            assert!(fix.contains(says), "{code}: {fix}");
        }
    }

    #[test]
    fn each_way_not_to_get_there_has_its_own_advice() {
        let tcp = options("postgres://agent:hush@db.example/orders");
        let socket = options("postgres:///orders?host=/tmp&user=agent");
        let lookup =
            || Error::other("failed to lookup address information: Name or service not known");
        for (error, options, says) in [
            (Error::from(ErrorKind::ConnectionRefused), &tcp, "listen_addresses"),
            (Error::from(ErrorKind::ConnectionRefused), &socket, "Start it"),
            (Error::from(ErrorKind::NotFound), &socket, "unix_socket_directories"),
            (Error::from(ErrorKind::PermissionDenied), &socket, "unix_socket_permissions"),
            (Error::from(ErrorKind::UnexpectedEof), &tcp, "those of Postgres"),
            (lookup(), &tcp, "DNS"),
        ] {
            let trouble = Trouble::connecting(&sqlx::Error::Io(error), options);
            assert!(trouble.fix.contains(says), "{trouble:?}");
            assert!(!trouble.reason.contains("hush") && !trouble.fix.contains("hush"));
        }
        let tls =
            Trouble::connecting(&sqlx::Error::Tls("server does not support TLS".into()), &tcp);
        assert!(tls.fix.contains("sslrootcert"), "{tls:?}");
        assert_eq!(tls.cause, Cause::Unreachable);
        let tls = sqlx::Error::Tls("server does not support TLS".into());
        assert!(Trouble::connecting(&tls, &socket).fix.contains("a Unix socket has no TLS"));
    }
}
