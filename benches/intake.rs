//! What a notice costs its sender, from the request to the 202 that says it is in the signed and synced log:
//! the real agent, optimised, which looks at a cluster with 1,000 roles all the while.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;

use common::agent::Agent;
use common::sql;
use revoked::throwaway::{Binaries, Cluster, Template};
use shared::load::{self, Address, Form, Sent};
use shared::{Times, disk, ms, process, ratio};
use std::time::Duration;

/// Notices a second, and for how long.
const RATE: u32 = 200;
const LONG: Duration = Duration::from_secs(30);
/// Notices of an import, and how many of them are under way at once.
const IMPORT: usize = 10_000;
const SENDERS: usize = 32;

/// A fresh agent that looks at `target` and keeps its state where `more` says.
fn agent(target: &Cluster, more: &str) -> Agent {
    let mut agent = Agent::init(&[("main", &target.url("revoked_agent", "postgres"))], more);
    agent.start();
    agent
}

/// Base and figure come from the same minute of the same machine.
fn beside_the_disk(work: impl FnOnce() -> Sent) -> (Sent, Times) {
    let before = disk::write_and_sync();
    let sent = work();
    (sent, before.both(disk::write_and_sync()))
}

fn steady(store: &str, form: Form, target: &Cluster, more: &str) {
    let mut agent = agent(target, more);
    let address = Address::Port(agent.api);
    let (sent, base) = beside_the_disk(|| load::on_schedule(&address, form, store, RATE, LONG));
    println!(
        "{}, {store:<8} {RATE}/s   p50 {:>6.2} ms   p99 {:>7.2} ms   worst {:>7.2} ms   {} refused   \
         {:.1} s of processor",
        match form {
            Form::Revocation => "intake",
            Form::Event => "webhook",
        },
        ms(sent.times.median()),
        ms(sent.times.percentile(99)),
        ms(sent.times.percentile(100)),
        sent.refused,
        process::cpu_seconds(agent.pid()),
    );
    println!(
        "        write + fdatasync   p50 {:>6.2} ms   p99 {:>7.2} ms   p50 is {:.1} ×, p99 {:.1} × that",
        ms(base.median()),
        ms(base.percentile(99)),
        ratio(sent.times.median(), base.median()),
        ratio(sent.times.percentile(99), base.percentile(99)),
    );
    assert!(agent.stop().success(), "{}", agent.stderr());
}

fn import(store: &str, target: &Cluster, more: &str) {
    let mut agent = agent(target, more);
    let address = Address::socket_of(&agent);
    let (sent, base) =
        beside_the_disk(|| load::one_after_the_other(&address, store, SENDERS, IMPORT));
    let each = sent.took / u32::try_from(IMPORT).unwrap();
    println!(
        "import, {store:<8} {IMPORT} notices, {SENDERS} at once   {:>5.1} s   {:>6.0}/s   p50 {:>6.2} ms   \
         p99 {:>7.2} ms   {} refused   {:.2} × write + fdatasync a notice   {:.1} s of processor",
        sent.took.as_secs_f64(),
        1.0 / each.as_secs_f64(),
        ms(sent.times.median()),
        ms(sent.times.percentile(99)),
        sent.refused,
        ratio(each, base.median()),
        process::cpu_seconds(agent.pid()),
    );
    assert!(agent.stop().success(), "{}", agent.stderr());
}

fn main() {
    if !shared::asked() {
        return;
    }
    let template = Template::create(&Binaries::find().unwrap()).unwrap();
    let target = Cluster::start(&template, &[]).unwrap();
    sql(&target, "postgres", "postgres", &shared::roles_and_tables(0));
    // A store that survives a power cut, on the disk that SQLite and the log are on.
    let disk = Template::create_in(&Binaries::find().unwrap(), &std::env::temp_dir()).unwrap();
    let durable = ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_wal_size=1GB"];
    let postgres = Cluster::start(&disk, &durable).unwrap();
    let store = |name: &str| {
        sql(&postgres, "postgres", "postgres", &format!("CREATE DATABASE {name};"));
        format!("store: {{url: '{}'}}", postgres.url("postgres", name))
    };
    steady("SQLite", Form::Event, &target, "");
    steady("SQLite", Form::Revocation, &target, "");
    import("SQLite", &target, "");
    steady("Postgres", Form::Event, &target, &store("events"));
    steady("Postgres", Form::Revocation, &target, &store("steady"));
    import("Postgres", &target, &store("import"));
}
