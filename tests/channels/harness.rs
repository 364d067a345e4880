//! A channel is a few lines of SQL; this runs many of them on one cluster of each version.

use crate::common::scenario::check;
use crate::common::{psql, sql, versions};
use revoked::domain::account::{AccountName, LinkRule};
use revoked::domain::ids::RoleOid;
use revoked::domain::link::resolve;
use revoked::domain::observation::Observation;
use revoked::domain::residual::Residual;
use revoked::domain::revocation::Kind;
use revoked::domain::verdict::{Judgement, Question, Verdict, judge};
use revoked::target::{Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Who is there besides the leavers: an owner, a group, two who may grant, a bystander, and the agent.
const PRELUDE: &str = "
    CREATE ROLE agent LOGIN;
    CREATE ROLE app; CREATE ROLE g; CREATE ROLE boss; CREATE ROLE boss2; CREATE ROLE y LOGIN;
    CREATE DATABASE orders OWNER app; CREATE DATABASE billing OWNER app;
    \\connect orders
    CREATE TABLE secret (a int); INSERT INTO secret VALUES (1); ALTER TABLE secret OWNER TO app;
    GRANT SELECT, INSERT ON secret TO g;
";

/// One way by which a role keeps access. In every text `{x}` is the role, one of its own for each channel.
pub(crate) struct Channel {
    name: String,
    majors: RangeInclusive<u32>,
    setup: String,
    act: Option<(String, String)>,
    found: Vec<String>,
    remove: String,
    may_log_in: bool,
}

impl Channel {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            majors: 13..=18,
            setup: String::new(),
            act: None,
            found: Vec::new(),
            remove: String::new(),
            may_log_in: false,
        }
    }

    /// Only on these versions.
    pub(crate) fn on(mut self, majors: RangeInclusive<u32>) -> Self {
        self.majors = majors;
        self
    }

    /// By the superuser in database `orders`, with what people take for the revocation.
    pub(crate) fn setup(mut self, script: &str) -> Self {
        script.clone_into(&mut self.setup);
        self
    }

    /// By the role, logged in to `orders`, after that revocation; what it prints only with the access.
    pub(crate) fn act(mut self, script: &str, prints: &str) -> Self {
        self.act = Some((script.to_owned(), prints.to_owned()));
        self
    }

    /// One line for each residual that must be found, and no other may be: `strength kind database grantor |
    /// sentence`, where `-` is none and `*` any text. A line that begins with `?` may be missing.
    pub(crate) fn found(mut self, lines: &[&str]) -> Self {
        self.found = lines.iter().map(|line| (*line).to_owned()).collect();
        self
    }

    /// By the superuser in `orders`: takes exactly that away.
    pub(crate) fn remove(mut self, script: &str) -> Self {
        script.clone_into(&mut self.remove);
        self
    }

    /// The login itself is what remains; for all others it is blocked before the look.
    pub(crate) fn may_log_in(mut self) -> Self {
        self.may_log_in = true;
        self
    }

    fn role(&self) -> String {
        format!("x_{}", self.name)
    }

    fn with_role(&self, text: &str) -> String {
        text.replace("{x}", &self.role())
    }
}

/// A cluster with [`PRELUDE`].
pub(crate) fn start(binaries: &Binaries, settings: &[&str]) -> Cluster {
    let settings: Vec<&str> =
        ["max_prepared_transactions=5"].into_iter().chain(settings.iter().copied()).collect();
    let cluster = Cluster::start(&Template::shared(binaries).unwrap(), &settings).unwrap();
    sql(&cluster, "postgres", "postgres", PRELUDE);
    cluster
}

/// One look at a cluster, without the command line.
pub(crate) fn look(cluster: &Cluster, names: &[String], oids: &[u32]) -> Observation {
    let target = Target::from_url("here", &cluster.url("agent", "postgres")).unwrap();
    let wanted = Wanted {
        names: names.iter().cloned().collect(),
        oids: oids.iter().copied().map(RoleOid).collect(),
        ..Wanted::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(target.look(&wanted))
}

/// What the look says of a role that has this name.
pub(crate) fn judged(look: &Observation, role: &str) -> Judgement {
    let names = [AccountName { target: None, role: role.to_owned(), rule: LinkRule::Stated }];
    let accounts = resolve(&[], &names, look, &[]);
    let question = Question {
        kind: Kind::Full,
        accounts: &accounts,
        names: &names,
        roles: &[],
        unmapped: &[],
        no_account: false,
        not_required: &BTreeSet::new(),
        known_as: &[],
        seen: &[],
        gone_since: None,
        rotation: None,
    };
    judge(&question, &[look])
}

/// Runs every channel on every version, many of them on one cluster.
pub(crate) fn run(channels: &[Channel]) {
    for binaries in versions() {
        let here: Vec<&Channel> =
            channels.iter().filter(|c| c.majors.contains(&binaries.major)).collect();
        let stage = Stage { cluster: start(&binaries, &[]), failures: Vec::new() };
        stage.play(&here);
    }
}

/// Waits for the server to end the sessions of clients that went.
pub(crate) fn until_gone(cluster: &Cluster, roles: &[String]) {
    let theirs = roles.iter().map(|role| format!("'{role}'")).collect::<Vec<_>>().join(", ");
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename IN ({theirs})");
    let begun = Instant::now();
    while !roles.is_empty() && begun.elapsed() < Duration::from_secs(20) {
        if sql(cluster, "postgres", "postgres", &count).trim() == "0" {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Stage {
    cluster: Cluster,
    failures: Vec<String>,
}

impl Stage {
    fn play(mut self, channels: &[&Channel]) {
        for channel in channels {
            self.by_superuser(
                channel,
                "setup",
                &format!("CREATE ROLE {{x}} LOGIN; {}", channel.setup),
            );
        }
        for channel in channels {
            if let Some((wanted, got)) = self.acted(channel)
                && got != Ok(wanted.clone())
            {
                self.fail(channel, &format!("cannot act: {got:?}, not {wanted:?}"));
            }
        }
        let quiet = channels.iter().filter(|channel| !channel.may_log_in);
        let quiet: Vec<String> = quiet.map(|channel| channel.role()).collect();
        self.logins(&quiet, "NOLOGIN");
        until_gone(&self.cluster, &quiet);

        let roles: Vec<String> = channels.iter().map(|channel| channel.role()).collect();
        let before = look(&self.cluster, &roles, &[]);
        for channel in channels {
            self.compare(channel, &judged(&before, &channel.role()));
        }
        self.by_command(channels, 2);
        for channel in channels {
            self.by_superuser(channel, "removal", &channel.remove);
        }
        let after = look(&self.cluster, &roles, &[]);
        for channel in channels {
            let judged = judged(&after, &channel.role());
            if judged.verdict != Verdict::Revoked {
                self.fail(channel, &format!("not revoked in the end: {}", told(&judged)));
            }
        }
        self.by_command(channels, 0);
        self.logins(&quiet, "LOGIN");
        for channel in channels {
            if let Some((wanted, got)) = self.acted(channel)
                && got == Ok(wanted)
            {
                self.fail(channel, "can still act in the end");
            }
        }
        let major = self.cluster.major();
        assert!(self.failures.is_empty(), "PostgreSQL {major}:\n{}", self.failures.join("\n"));
    }

    fn fail(&mut self, channel: &Channel, what: &str) {
        self.failures.push(format!("{}: {what}", channel.name));
    }

    fn by_superuser(&mut self, channel: &Channel, what: &str, script: &str) {
        let output = psql(&self.cluster, "postgres", "orders", &channel.with_role(script));
        if !output.status.success() {
            self.fail(channel, &format!("{what}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }

    /// What acting should print and what it printed, or the error.
    fn acted(&self, channel: &Channel) -> Option<(String, Result<String, String>)> {
        let (script, wanted) = channel.act.as_ref()?;
        let script = channel.with_role(script);
        let output = psql(&self.cluster, &channel.role(), "orders", &script);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let got = if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        };
        Some((channel.with_role(wanted), got))
    }

    fn logins(&self, roles: &[String], word: &str) {
        let script = roles.iter().fold(String::new(), |mut script, role| {
            let _ = writeln!(script, "ALTER ROLE {role} {word};");
            script
        });
        sql(&self.cluster, "postgres", "postgres", &script);
    }

    /// The first channel also by the program itself.
    fn by_command(&mut self, channels: &[&Channel], wanted: i32) {
        let Some(channel) = channels.iter().find(|channel| !channel.found.is_empty()) else {
            return;
        };
        let (code, report) = check(&self.cluster, &channel.role());
        if code != wanted {
            self.fail(channel, &format!("revoked check gives {code}, not {wanted}: {report:#}"));
        }
    }

    fn compare(&mut self, channel: &Channel, judged: &Judgement) {
        let wanted: Vec<String> =
            channel.found.iter().map(|line| channel.with_role(line)).collect();
        let must = wanted.iter().any(|line| !line.starts_with('?'));
        let verdict = if must { Verdict::Residual } else { Verdict::Revoked };
        if (judged.verdict, judged.gaps.len()) != (verdict, 0) {
            self.fail(channel, &format!("is not {verdict}: {}", told(judged)));
        }
        let lines: Vec<String> = judged.residual.iter().map(line).collect();
        for pattern in wanted.iter().filter(|line| !line.starts_with('?')) {
            let hits = lines.iter().filter(|line| fits(pattern, line)).count();
            if hits != 1 {
                self.fail(channel, &format!("{hits} times {pattern}\n  of: {}", told(judged)));
            }
        }
        for line in &lines {
            if !wanted.iter().any(|pattern| fits(pattern.trim_start_matches('?'), line)) {
                self.fail(channel, &format!("unexpected: {line}"));
            }
        }
    }
}

/// A residual as the patterns of [`Channel::found`] have it.
pub(crate) fn line(residual: &Residual) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} {} | {}{}",
        residual.strength,
        residual.kind,
        or_none(&residual.database),
        or_none(&residual.grantor),
        if residual.tampered { "TAMPERED " } else { "" },
        residual.sentence
    )
}

/// Whether a text fits a pattern in which `*` is any text.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    let mut parts = pattern.split('*').peekable();
    let Some(first) = parts.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(place) = rest.find(part) else { return false };
        rest = rest.split_at(place + part.len()).1;
    }
    true
}

/// Everything of a judgement that a failed test should show.
pub(crate) fn told(judged: &Judgement) -> String {
    let mut text = judged.verdict.to_string();
    for found in &judged.residual {
        let _ = write!(text, "\n  {}", line(found));
    }
    for gap in &judged.gaps {
        let _ = write!(text, "\n  gap {}: {}", gap.surface, gap.reason);
    }
    text
}

#[test]
fn patterns() {
    for (pattern, text, fit) in [
        ("a b", "a b", true),
        ("a b", "a b c", false),
        ("a*", "a b c", true),
        ("*c", "a b c", true),
        ("a*b*c", "a x b y c", true),
        ("a*b*c", "a c", false),
    ] {
        assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
    }
}
