//! `revoked demo`: one leaver, from the notice to the verified log, on a throwaway Postgres.

mod stage;

use super::exit;
use crate::throwaway::{Binaries, Cluster, Template};
use anyhow::{Context as _, Result};
use stage::Stage;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watch a whole offboarding on a throwaway Postgres
///
/// Starts a PostgreSQL cluster of its own (found in PG_BIN, /usr/lib/postgresql or PATH; a Unix socket, no
/// port) and the agent, and plays one leaver: expected, overdue, removed by the printed plan, verified, back
/// again, caught; then checks the log and a tampered copy of it. Takes under a minute and removes everything
/// at the end.
///
/// Exit status: 0 every step came out as told; 1 one did not.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Leave the cluster and the agent running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// Runs the command. The play is a plain sequence of programs; it has a thread of its own so that Ctrl-C
/// can end it between two of them, and everything is removed.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    let mut play = tokio::task::spawn_blocking(move || play(&arguments, &flag));
    tokio::select! {
        played = &mut play => played.context("the demo")??,
        interrupt = tokio::signal::ctrl_c() => {
            interrupt.context("waiting for Ctrl-C")?;
            interrupted.store(true, Ordering::Relaxed);
            play.await.context("the demo")??;
        }
    }
    Ok(exit::OK)
}

const SCHEMA: &str = r"
CREATE ROLE app; CREATE ROLE sales_read; CREATE ROLE sales_write; CREATE ROLE team_sales;
CREATE ROLE john_doe LOGIN PASSWORD 'correct horse';
GRANT sales_read TO sales_write; GRANT sales_write TO team_sales; GRANT team_sales TO john_doe;
CREATE DATABASE orders OWNER app; CREATE DATABASE billing OWNER app; CREATE DATABASE reports OWNER app;
\connect orders
CREATE SCHEMA sales AUTHORIZATION app;
CREATE TABLE sales.orders (id int PRIMARY KEY, customer text, total numeric);
ALTER TABLE sales.orders OWNER TO app;
GRANT USAGE ON SCHEMA sales TO sales_read;
GRANT SELECT ON sales.orders TO sales_read;
GRANT INSERT, UPDATE ON sales.orders TO sales_write;
\connect billing
CREATE TABLE invoices (id int PRIMARY KEY, amount numeric);
ALTER TABLE invoices OWNER TO app;
GRANT SELECT ON invoices TO john_doe;
\connect reports
CREATE TABLE monthly (month date, total numeric);
ALTER TABLE monthly OWNER TO john_doe;
";

fn play(arguments: &Arguments, interrupted: &AtomicBool) -> Result<()> {
    let binaries = Binaries::find()?;
    println!("Starting a throwaway PostgreSQL {} …", binaries.major);
    let template = Template::create(&binaries)?;
    let cluster = Cluster::start(&template, &[])?;
    drop(template);
    let mut stage = Stage::new(&cluster, interrupted)?;
    stage.sql("postgres", SCHEMA).context("making the schema")?;

    before(&mut stage)?;
    let session = stage.session("john_doe", "orders").context("opening the leaver's session")?;
    expected_and_overdue(&mut stage)?;
    removed_and_verified(&mut stage, "The DBA reads the plan and runs it.")?;
    drop(session);
    back_and_caught(&mut stage)?;
    proved(&mut stage)?;
    println!("\nEverything came out as told.");
    if arguments.keep {
        stage.start_agent()?;
        stage.wait_for_the_end();
    }
    Ok(())
}

fn before(stage: &mut Stage<'_>) -> Result<()> {
    stage.tell("Set up the agent: keys, log, configuration, and a role that may only look.");
    let target = format!("main={}", stage.url("revoked_agent"));
    let dir = stage.dir().display().to_string();
    stage.revoked(&["init", &dir, "--target", &target], 0)?.says("public key")?;
    stage.psql_file("grants.sql")?;
    stage.configure("look_interval: 1s\nverification_delay: 2s\n")?;
    stage.start_agent()?;
    stage.tell("John Doe leaves today. What does he have? He is even logged in. (Exit status 2: access remains.)");
    Ok(())
}

fn expected_and_overdue(stage: &mut Stage<'_>) -> Result<()> {
    let seen = stage.revoked(&["check", "john_doe"], 2)?;
    for says in [
        "can log in",
        "open session",
        "team_sales",
        "SELECT on table public.invoices",
        "owns table public.monthly",
    ] {
        seen.says(says)?;
    }
    stage.tell("HR tells the agent once. The answer comes when the record is in the signed log.");
    let added = stage.revoked(
        &[
            "expect",
            "add",
            "--user",
            "EMP-4711",
            "--account",
            "john_doe",
            "--reason",
            "terminated",
            "--deadline",
            "5s",
        ],
        0,
    )?;
    added.says("expected: rev_")?;
    let id = added.word_beginning("rev_").context("no id in the answer")?;
    stage.remember(id);
    stage.tell("Five seconds later nobody has done anything. (Exit status 2: overdue.)");
    stage.until(&["status"], " late ")?;
    stage.revoked(&["status"], 2)?.says("is overdue")?;
    stage.tell("So the metrics say:");
    stage.metrics(&[
        "access_revocations_overdue{",
        "access_revocation_residual_findings{",
        "access_revocation_deadline_missed_total{",
    ])?;
    Ok(())
}

fn removed_and_verified(stage: &mut Stage<'_>, told: &str) -> Result<()> {
    stage.tell(told);
    stage.plan("john_doe")?;
    stage.psql_file("plan.sql")?;
    stage.tell("Two clean looks, two seconds apart, and it is verified: by the agent, not by whoever did it.");
    let id = stage.id();
    stage.until(&["expect", "show", &id], "state        verified")?;
    stage.revoked(&["expect", "show", &id], 0)?.says("REVOKED")?;
    Ok(())
}

fn back_and_caught(stage: &mut Stage<'_>) -> Result<()> {
    stage.tell("Days later somebody \"just quickly\" gives it back.");
    stage.psql("ALTER ROLE john_doe LOGIN; GRANT sales_read TO john_doe;")?;
    stage.tell("The agent never stopped looking. (Exit status 2: access came back.)");
    stage.until(&["status"], "regressed")?;
    stage.revoked(&["status"], 2)?.says("regressed")?;
    stage.metrics(&["access_revocations_regressed{", "access_revocation_regressions_total{"])?;
    removed_and_verified(stage, "The plan again, for what is there now.")
}

fn proved(stage: &mut Stage<'_>) -> Result<()> {
    stage.stop_agent()?;
    stage.tell("The agent is stopped. An auditor needs only the log and the public key.");
    stage.revoked(&["verify", "state/log", "--key", "log.vkey"], 0)?.says("VERIFIED")?;
    stage.tell("And if somebody turns one answer in a copy of the log from residual into revoked?");
    stage.shell(
        "sed 's/\"verdict\":\"residual\"/\"verdict\":\"revoked\"/' state/log/revlog-*.jsonl > tampered.jsonl",
    )?;
    stage.revoked(&["verify", "tampered.jsonl", "--key", "log.vkey"], 4)?.says("TAMPERED")?;
    Ok(())
}
