//! The psql script that makes the agent's role: only what is wanted, each with its reason.

use super::Named;
use crate::cli::{Usage, values};
use crate::domain::plan::quote::{comment, connect, ident, literal};
use crate::target::{Survey, Target};
use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use std::fmt::Write as _;

/// What the agent's role may be let to see, beyond what every role sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Channel {
    /// Since when, from where and as what a session is there
    Stats,
    /// Where the server keeps its files
    Settings,
    /// pg_hba.conf
    Hba,
    /// pg_ident.conf, PostgreSQL 15 and newer
    Ident,
    /// Jobs of pg_cron
    Cron,
    /// Password verifiers: dangerous; only rotations use them, to see that a password was changed
    Credential,
}

/// What the script is to have.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// What the agent's role may see beyond what every role sees
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "stats,settings,hba,ident,cron",
        hide_possible_values = false
    )]
    channels: Vec<Channel>,

    /// Name of the agent's role; as in the URL if not given
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    role: Option<String>,

    /// Without --target: major version of the server, 13 to 18; every one if not given. A
    /// newer one is not known: the script is that of 18 then, with a warning
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "target",
        value_parser = clap::value_parser!(i32).range(13..)
    )]
    server_version: Option<i32>,
}

/// What is known of a server. What is not known, the script asks when it is run.
#[derive(Clone, Debug, Default)]
struct Server {
    target: Option<String>,
    version_num: Option<i32>,
    role: String,
    database: Option<String>,
    cron_database: Option<String>,
    closed: Option<Vec<String>>,
}

const ROLE: &str = "revoked_agent";

/// The newest major version that this program knows.
const NEWEST: i32 = 18;

/// The script to be printed.
pub(super) async fn for_one(targets: &[Named], options: &Options) -> Result<String> {
    if let Some(major) = options.server_version.filter(|major| *major > NEWEST) {
        eprintln!(
            "revoked: PostgreSQL {major} is newer than this version of revoked knows (13 to {NEWEST}): the script is \
             that of {NEWEST}; run revoked doctor after it"
        );
    }
    let server = match targets {
        [] => Server {
            version_num: options.server_version.map(|major| major.min(NEWEST) * 10_000),
            role: options.role.clone().unwrap_or_else(|| ROLE.to_owned()),
            ..Server::default()
        },
        [one] => of(one, options).await?,
        _ => {
            let why = "--grants-only prints one script: give one --target";
            return Err(Usage(why.to_owned()).into());
        }
    };
    Ok(script(&server, &options.channels))
}

/// The scripts to be written, by file name.
pub(super) async fn files(targets: &[Named], options: &Options) -> Result<Vec<(String, String)>> {
    if targets.len() < 2 {
        return Ok(vec![("grants.sql".to_owned(), for_one(targets, options).await?)]);
    }
    let mut files = Vec::new();
    for target in targets {
        let server = of(target, options).await?;
        files.push((format!("grants-{}.sql", target.0), script(&server, &options.channels)));
    }
    Ok(files)
}

/// Asks the server; one that does not answer is known by its URL alone.
async fn of((name, url): &Named, options: &Options) -> Result<Server> {
    let target = Target::from_url(name, url.expose_secret()).context("--target")?;
    let survey = target.survey().await;
    let (user, database) = target.named();
    let known = survey.as_ref().and_then(|survey: &Survey| survey.agent_role.as_deref());
    // Whoever made the server is not the agent, and a superuser would not be given anything.
    let url_role = (survey.is_none() && user != "postgres").then_some(user);
    let role = options.role.as_deref().or(known).or(url_role).unwrap_or(ROLE).to_owned();
    let target = Some(name.clone());
    let database = Some(database.to_owned());
    Ok(match survey {
        None => Server { target, role, database, ..Server::default() },
        Some(survey) => Server {
            target,
            version_num: Some(survey.version_num),
            role,
            database: Some(survey.database),
            cron_database: survey.cron_database,
            closed: Some(survey.closed),
        },
    })
}

fn script(server: &Server, channels: &[Channel]) -> String {
    let has = |channel: Channel| channels.contains(&channel);
    let role = ident(&server.role);
    let mut text = head(server);
    text.push_str(&databases(server));
    if has(Channel::Stats) {
        let _ = write!(
            text,
            "\n-- To see since when, from where and as what a session is there. That there is one is seen without.\n\
             GRANT pg_read_all_stats TO {role};\n"
        );
    }
    if has(Channel::Settings) {
        let _ = write!(
            text,
            "\n-- To learn where the server keeps pg_hba.conf and pg_ident.conf.\n\
             GRANT pg_read_all_settings TO {role};\n"
        );
    }
    if has(Channel::Hba) {
        let _ = write!(
            text,
            "\n-- To see lines of pg_hba.conf that name a role (surface hba_rule).\n\
             GRANT SELECT ON pg_catalog.pg_hba_file_rules TO {role};\n\
             GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {role};\n"
        );
    }
    if has(Channel::Ident) {
        text.push_str(&ident_file(server.version_num, &role));
    }
    if has(Channel::Hba) || has(Channel::Ident) {
        let _ = write!(
            text,
            "\n-- To see whether those files were changed after the server loaded them; needs pg_read_all_settings too.\n\
             -- Where they lie outside the data directory, as on Debian, only pg_read_server_files does: it lets the\n\
             -- role read every file of the server, so it is not granted here.\n\
             GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text) TO {role};\n"
        );
    }
    if has(Channel::Credential) {
        let _ = write!(
            text,
            "\n-- To see that a password was changed. DANGEROUS: whoever takes over the agent takes the verifiers too.\n\
             GRANT SELECT (oid, rolname, rolpassword) ON pg_catalog.pg_authid TO {role};\n"
        );
    }
    if has(Channel::Cron) {
        text.push_str(&cron(server, &role));
    }
    text
}

fn head(server: &Server) -> String {
    let whom = server.target.as_ref().map_or("a cluster", |name| name.as_str());
    let version = server.version_num.map_or_else(
        || "every version from 13 on".to_owned(),
        |number| format!("PostgreSQL {}", number / 10_000),
    );
    let place = server.database.as_ref().map_or_else(
        || {
            "-- Run it in the database that the target's URL names: the agent reads catalogs from there.\n"
                .to_owned()
        },
        |name| {
            format!(
                "\n-- The database that the URL names: the agent reads catalogs from there.\n{}\n",
                connect(name)
            )
        },
    );
    let role = &server.role;
    format!(
        "-- The role by which revoked looks at {}: it may look, and nothing else. For {version}.\n\
         -- Run it with psql as a superuser. It may be run again.\n\
         -- Privileges on catalogs belong to one database. pg_upgrade and a restore lose them: run it again then.\n\
         \\set ON_ERROR_STOP on\n{place}\n\
         SELECT {} WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {}) \\gexec\n\
         -- Give it a password with \\password, or a line in pg_hba.conf.\n",
        comment(whom),
        literal(&format!("CREATE ROLE {} LOGIN", ident(role))),
        literal(role),
    )
}

/// Every database has to be entered: what is in it, it tells to those alone who are.
fn databases(server: &Server) -> String {
    let why = "\n-- To enter databases that PUBLIC may not enter.\n";
    match &server.closed {
        Some(closed) if closed.is_empty() => String::new(),
        Some(closed) => closed.iter().fold(why.to_owned(), |text, name| {
            format!("{text}GRANT CONNECT ON DATABASE {} TO {};\n", ident(name), ident(&server.role))
        }),
        None => format!(
            "{why}SELECT pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, {})\n\
             FROM pg_catalog.pg_database AS d\n\
             WHERE d.datallowconn AND NOT EXISTS (\n    \
             SELECT FROM pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS x\n    \
             WHERE x.grantee = 0 AND x.privilege_type = 'CONNECT'\n) \\gexec\n",
            literal(&server.role)
        ),
    }
}

fn ident_file(version_num: Option<i32>, role: &str) -> String {
    let grants = format!(
        "GRANT SELECT ON pg_catalog.pg_ident_file_mappings TO {role};\n\
         GRANT EXECUTE ON FUNCTION pg_catalog.pg_ident_file_mappings() TO {role};\n"
    );
    let why = "\n-- To see lines of pg_ident.conf that lead to a role (surface ident_map).\n";
    match version_num {
        Some(number) if number < 150_000 => {
            "\n-- pg_ident.conf: before PostgreSQL 15 it is shown to nobody.\n".to_owned()
        }
        Some(_) => format!("{why}{grants}"),
        None => format!(
            "{why}-- PostgreSQL 15 and newer.\n\
             SELECT pg_catalog.current_setting('server_version_num')::int4 >= 150000 AS has_ident \\gset\n\
             \\if :has_ident\n{grants}\\endif\n"
        ),
    }
}

/// Last, since it may go to another database.
fn cron(server: &Server, role: &str) -> String {
    let place = match (&server.cron_database, &server.database) {
        (Some(cron), here) if here.as_ref() != Some(cron) => format!("{}\n", connect(cron)),
        (Some(_), _) => String::new(),
        (None, _) => {
            "-- If pg_cron is in another database, run the rest of this script there.\n".to_owned()
        }
    };
    format!(
        "\n-- To see the jobs of pg_cron: it shows everybody their own only. The command of a job is not read.\n\
         {place}SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') AS has_cron \\gset\n\
         \\if :has_cron\n\
         GRANT USAGE ON SCHEMA cron TO {role};\n\
         GRANT SELECT ON cron.job TO {role};\n\
         DROP POLICY IF EXISTS revoked_reads ON cron.job;\n\
         CREATE POLICY revoked_reads ON cron.job FOR SELECT TO {role} USING (true);\n\
         \\endif\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_and_what_the_version_has() {
        let server = |version: Option<i32>| Server {
            version_num: version,
            role: "a \"b".into(),
            ..Server::default()
        };
        let all = [Channel::Stats, Channel::Settings, Channel::Hba, Channel::Ident, Channel::Cron];
        let old = script(&server(Some(140_010)), &all);
        assert!(old.contains("pg_hba_file_rules() TO \"a \"\"b\";"), "{old}");
        assert!(!old.contains("pg_ident_file_mappings") && !old.contains("rolpassword"), "{old}");
        assert!(script(&server(None), &all).contains("\\if :has_ident"));
        let least = script(&server(Some(180_000)), &[]);
        assert!(!least.contains("pg_read") && !least.contains("pg_stat_file"), "{least}");
        assert!(least.contains("CREATE ROLE \"a \"\"b\" LOGIN"), "{least}");
    }
}
