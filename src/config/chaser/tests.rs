use super::super::Config;
use super::*;

const CAMPAIGN: &str =
    "old: app_2025, new: app_2026, deadline: '2026-03-05', consumers_file: c.csv";

fn parse(chaser: &str, csv: &str, url: &str) -> Result<Config, String> {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in [("c.csv", csv), ("token", "xoxb-kanarienvogel"), ("tracker.url", url)] {
        std::fs::write(home.path().join(name), text).unwrap();
    }
    let text = format!(
        "state_dir: /s\ntime_zone: Europe/Berlin\nslack: {{token_file: token, channel: C01}}\nchaser: {chaser}\n\
         targets: {{main: {{url: 'postgres://agent@db/x'}}}}\n"
    );
    Config::parse(&home.path().join("revoked.yaml"), &text).map_err(|error| error.to_string())
}

const LIST: &str = "consumer,team,status\nbilling,payments,pending\netl,data,confirmed\n";

#[test]
fn campaigns_and_who_is_told() {
    let config = parse(
        &format!(
            "{{quiet_hours: '18:00-08:00', quiet_days: [sat, sun], security: C0SEC, \
             teams: {{payments: {{channel: C0PAY, lead: U0LEAD, time_zone: Asia/Tokyo}}, data: {{channel: C0DATA}}}}, \
             campaigns: {{app: {{{CAMPAIGN}, target: main, tracker: {{url_file: tracker.url, \
             sql: 'UPDATE t SET n = $2::int, at = $3::timestamptz WHERE c = $1'}}}}}}}}"
        ),
        LIST,
        "postgres://tracker@db/x",
    );
    let config = config.unwrap();
    let chaser = config.chaser.unwrap();
    assert_eq!(chaser.schedule.every.as_secs(), DAY);
    assert_eq!(chaser.bounds.map(|bound| bound.as_secs() / DAY), [1, 3, 7]);
    let campaign = chaser.campaign("app").unwrap();
    assert_eq!(campaign.deadline.to_string(), "2026-03-05T16:00:00.000000Z");
    let ConsumerList::File(Ok(listed)) = &campaign.consumers else { panic!("{campaign:?}") };
    assert_eq!((listed.len(), listed[1].confirmed), (2, true));
    let at = |text: &str| text.parse().unwrap();
    assert!(chaser.is_quiet("payments", at("2026-03-05T10:00:00Z")), "evening in Tokyo");
    assert!(!chaser.is_quiet("data", at("2026-03-05T10:00:00Z")));
    assert!(chaser.is_quiet("nobody knows", at("2026-03-07T10:00:00Z")), "a Saturday");
    let slack = config.slack.unwrap();
    for (route, channel) in [
        ("team:payments", "C0PAY"),
        ("lead:payments", "U0LEAD"),
        ("lead:data", "C0DATA"),
        ("security", "C0SEC"),
        ("team:other", "C01"),
    ] {
        assert_eq!(slack.channel_of(route), channel, "{route}");
    }
}

#[test]
fn a_value_that_is_wrong_is_named_with_its_key_and_a_good_one() {
    for (chaser, says) in [
        ("{}", "the key `campaigns` is missing"),
        ("{every: 36h, campaigns: {}}", "chaser.every: from one day on"),
        (
            "{at: noon, campaigns: {}}",
            "chaser.at: a time of day with two digits each, as 09:00, not `noon`",
        ),
        ("{at: '9:00', campaigns: {}}", "as 09:00, not `9:00`"),
        ("{at: '24:00', campaigns: {}}", "not `24:00`"),
        (
            "{quiet_hours: '18:00', campaigns: {}}",
            "chaser.quiet_hours: from when to when, as 18:00-08:00 (over midnight, too), with two digits each, not `18:00`",
        ),
        (
            "{teams: {a: {quiet_hours: 18-8}}, campaigns: {}}",
            "chaser.teams.a.quiet_hours: from when to when, as 18:00-08:00 (over midnight, too), with two digits each, \
             not `18-8`",
        ),
        ("{quiet_hours: '08:00-08:00', campaigns: {}}", "`08:00-08:00` begins when it ends"),
        (
            "{quiet_days: [sonntag], campaigns: {}}",
            "chaser.quiet_days: days are mon, tue, wed, thu, fri, sat, sun, as in [sat, sun], not `sonntag`",
        ),
        ("{quiet_days: [mon, tue, wed, thu, fri, sat, sun], campaigns: {}}", "nobody would ever"),
        (
            "{buckets: [1d, 1d, 2d], campaigns: {}}",
            "chaser.buckets: three times, each later than the one before, as [1d, 3d, 7d], not [1d, 1d, 2d]",
        ),
        ("{security: '#sec', campaigns: {}}", "chaser.security: the id of"),
        ("{teams: {a: {lead: bob}}, campaigns: {}}", "chaser.teams.a.lead: the id"),
        ("{teams: {a: {time_zone: Mars}}, campaigns: {}}", "chaser.teams.a.time_zone"),
    ] {
        let error = parse(chaser, LIST, "").unwrap_err();
        assert!(error.contains(says), "{chaser}: {error}");
    }
}

#[test]
fn what_cannot_be_used_is_named_with_its_key() {
    let own = "postgres://tracker@db/geheim";
    let campaign = |more: &str| format!("{{campaigns: {{app: {{{more}}}}}}}");
    let tracker = |sql: &str| {
        campaign(&format!("{CAMPAIGN}, tracker: {{url_file: tracker.url, sql: '{sql}'}}"))
    };
    let update = "UPDATE t SET n = $2, at = $3 WHERE c = $1";
    for (chaser, csv, url, says) in [
        (
            campaign("old: a, new: a, deadline: '2026-03-05', consumers_file: c.csv"),
            LIST,
            own,
            "app.new: it is",
        ),
        (
            campaign("old: a, new: b, deadline: soon, consumers_file: c.csv"),
            LIST,
            own,
            "app.deadline: `soon`",
        ),
        (
            campaign("old: a, new: b, deadline: '2026-03-05'"),
            LIST,
            own,
            "app: give either consumers_file",
        ),
        (
            campaign(&format!("{CAMPAIGN}, target: other")),
            LIST,
            own,
            "app.target: there is no target",
        ),
        (
            campaign(
                "old: a, new: b, deadline: '2026-03-05', \
                 consumers_query: {target: main, database: d, sql: DELETE FROM t}",
            ),
            LIST,
            own,
            "consumers_query.sql: it is no query",
        ),
        (
            tracker(update),
            LIST,
            "postgres://agent@db/x",
            "tracker.url_file: it leads to a server of target main by the role that looks there (agent)",
        ),
        (
            tracker(update),
            LIST,
            "postgresql://agent:geheim@DB:5432/another?sslmode=disable",
            "tracker.url_file: it leads to a server of target main",
        ),
        (tracker(update), LIST, "geheim", "tracker.url_file: it holds no URL of Postgres"),
        (
            tracker(update),
            LIST,
            "postgres://t:geheim@db:port/x",
            "tracker.url_file: it holds no URL of Postgres",
        ),
        (tracker("UPDATE t SET n = $2 WHERE c = $1"), LIST, own, "tracker.sql: it takes $1"),
        (tracker("DROP TABLE t"), LIST, own, "tracker.sql: one UPDATE or INSERT"),
    ] {
        let error = parse(&chaser, csv, url).unwrap_err();
        assert!(error.contains(says), "{chaser}: {error}");
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[test]
fn a_list_that_cannot_be_used_costs_nobody_else_anything() {
    let chaser = format!("{{campaigns: {{app: {{{CAMPAIGN}}}}}}}");
    for (csv, says) in [
        ("consumer\nx\n", "names no column team"),
        ("consumer;team\nx;a\n", "names no column consumer"),
        ("consumer,team\n", "names no consumers"),
        ("consumer,team,deadlin\nx,a,2026-03-05\n", "column 3 of its first line is none of"),
        ("consumer,team\nx,a\ny\n", "line 3 has 1 cells, and the first one 2"),
        ("consumer,team,status\nx,a,geheim\n", "row 1: status"),
    ] {
        let config = parse(&chaser, csv, "").unwrap();
        let campaign = config.chaser.unwrap().campaign("app").unwrap().clone();
        let ConsumerList::File(Err(error)) = campaign.consumers else { panic!("{csv}") };
        assert!(error.contains(says), "{csv}: {error}");
        assert!(!error.contains("geheim"), "{error}");
    }
    let config = parse(&chaser, "\u{feff}Consumer, Team\nx,a\n", "").unwrap();
    let campaign = config.chaser.unwrap().campaign("app").unwrap().clone();
    assert!(matches!(campaign.consumers, ConsumerList::File(Ok(_))), "{campaign:?}");
}
