//! What a scrape costs: 10,000 open revocations and 50 targets, beside prometheus-postgres-exporter on the same machine in
//! the same run, if it is installed (Debian's package, or REVOKED_PEER names the program); and while no target answers.
//!
//! The 50 targets are one server under as many names, and the other program asks that server once: a scrape of ours asks
//! none.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;

use common::agent::Agent;
use common::frozen::Frozen;
use common::sql;
use revoked::throwaway::{Binaries, Cluster, Template};
use shared::load::{self, Address};
use shared::{Times, ms, process, ratio};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const OPEN: usize = 10_000;
const TARGETS: usize = 50;
const ROUNDS: usize = 5;
const SCRAPES: usize = 200;
/// Prometheus waits no longer, unless told to.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A look at each target, and every revocation judged.
const SETTLING: Duration = Duration::from_secs(60);

/// One scrape over a new connection, as Prometheus makes one after a restart of either.
fn scrape(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{}", answer.lines().next().unwrap_or_default());
    Ok(answer)
}

fn series(page: &str) -> usize {
    let (_, body) = page.split_once("\r\n\r\n").unwrap();
    body.lines().filter(|line| line.contains(' ') && !line.starts_with('#')).count()
}

/// The other program, while this lives.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start(cluster: &Cluster) -> Option<Self> {
        let program = std::env::var_os("REVOKED_PEER")
            .unwrap_or_else(|| "prometheus-postgres-exporter".into());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let source = format!(
            "host={} port={} user=postgres dbname=postgres sslmode=disable",
            cluster.socket_dir().display(),
            cluster.port()
        );
        let child = Command::new(program)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .env("DATA_SOURCE_NAME", source)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let peer = Self { child, port };
        let begun = Instant::now();
        while scrape(port).is_err() {
            assert!(begun.elapsed() < TIMEOUT, "it does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An agent with a long time between looks: what is measured is the scrape.
fn started(cluster: &Cluster) -> Agent {
    let url = cluster.url("revoked_agent", "postgres");
    let names: Vec<String> = (1..=TARGETS).map(|number| format!("t{number}")).collect();
    let targets: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), url.as_str())).collect();
    let mut agent = Agent::init(&targets, "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let slower = text.replace("look_interval: 1s", "look_interval: 30s");
    assert_ne!(text, slower, "the tests' configuration has another interval");
    std::fs::write(agent.config(), slower).unwrap();
    agent.start();
    agent
}

/// Both in turn, so that neither has the quieter machine.
fn rounds(ports: &[u16]) -> Vec<Times> {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ports.len()];
    for _ in 0..ROUNDS {
        for (port, times) in ports.iter().zip(&mut times) {
            for _ in 0..SCRAPES {
                let begun = Instant::now();
                scrape(*port).unwrap();
                times.push(begun.elapsed());
            }
        }
    }
    times.into_iter().map(Times::of).collect()
}

fn line(name: &str, pid: u32, page: &str, times: &Times) -> String {
    let mut line = String::new();
    let (memory, most) = process::memory(pid);
    let _ = write!(
        line,
        "scrape, {name}   {} series, {} kB   p50 {:.2} ms, p99 {:.2} ms   memory {memory} KiB, at most {most}",
        series(page),
        page.len() / 1_000,
        ms(times.median()),
        ms(times.percentile(99)),
    );
    line
}

fn main() {
    if !shared::asked() {
        return;
    }
    let template = Template::create(&Binaries::find().unwrap()).unwrap();
    let cluster = Cluster::start(&template, &["max_connections=300"]).unwrap();
    sql(&cluster, "postgres", "postgres", &shared::roles_and_tables(200));
    let mut agent = started(&cluster);
    let sent = load::one_after_the_other(&Address::socket_of(&agent), "scrape", 4, OPEN);
    assert_eq!(sent.refused, 0);
    std::thread::sleep(SETTLING);
    let open = "access_revocations_in_progress{reason=\"terminated\",type=\"full\"} ";
    let page = scrape(agent.metrics).unwrap();
    assert!(page.contains(&format!("{open}{OPEN}\n")), "not all of them are open");

    let peer = Peer::start(&cluster);
    let ports: Vec<u16> =
        std::iter::once(agent.metrics).chain(peer.as_ref().map(|peer| peer.port)).collect();
    let times = rounds(&ports);
    println!("{}", line("revoked", agent.pid(), &page, &times[0]));
    if let (Some(peer), [own, other]) = (&peer, times.as_slice()) {
        let page = scrape(peer.port).unwrap();
        println!("{}", line("postgres exporter", peer.child.id(), &page, other));
        println!(
            "scrape, the other's time as a multiple of ours (aim: 10)   p50 {:.1}, p99 {:.1}",
            ratio(other.median(), own.median()),
            ratio(other.percentile(99), own.percentile(99)),
        );
        let (ours, theirs) = (process::memory(agent.pid()).0, process::memory(peer.child.id()).0);
        println!(
            "scrape, memory: ours less the other's (aim: 0)   {:+} KiB",
            i128::from(ours) - i128::from(theirs)
        );
    } else {
        println!("scrape: prometheus-postgres-exporter is not here, and nothing is compared");
    }

    let frozen = Frozen::freeze(&cluster);
    // Looks that had begun run into their time limits meanwhile.
    std::thread::sleep(Duration::from_secs(5));
    let times = Times::take(SCRAPES, || drop(scrape(agent.metrics).unwrap()));
    println!(
        "scrape, while no target answers   p50 {:.2} ms, p99 {:.2} ms (aim: below 50)",
        ms(times.median()),
        ms(times.percentile(99))
    );
    if let Some(peer) = &peer {
        let begun = Instant::now();
        let answer = scrape(peer.port);
        let what = if answer.is_ok() { "answers" } else { "does not answer" };
        println!(
            "scrape, the other, while its target stands still   {what} within {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    drop(frozen);
    assert!(agent.stop().success(), "{}", agent.stderr());
}
