//! Configurations that are right, and what is said of those that are not.

use super::*;
use crate::domain::revocation::Reason;
use secrecy::ExposeSecret as _;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/revoked/revoked.yaml"), text)
}

const SMALL: &str = "state_dir: /var/lib/revoked\ntargets:\n  orders: {url: 'postgres://a@db/x'}\n";

#[test]
fn defaults() {
    let config = parse(SMALL).unwrap();
    assert_eq!(config.store.expose_secret(), "sqlite:///var/lib/revoked/revoked.db");
    assert_eq!(config.log_dir, Path::new("/var/lib/revoked/log"));
    assert_eq!(config.verification_delay, Duration::from_secs(60));
    assert_eq!(config.log.segment_bytes, 256 * 1024 * 1024);
    assert_eq!(config.log.segment_age, Duration::from_secs(86_400));
    assert_eq!(config.log.heartbeat, Duration::from_secs(60));
    assert_eq!(config.metrics_listen.to_string(), "127.0.0.1:7391");
    assert!(!format!("{config:?}").contains("postgres://"), "URLs may hold passwords");
}

#[test]
fn the_log_is_cut_as_it_is_told() {
    let with = |log: &str| parse(&format!("{SMALL}log: {{{log}}}\n"));
    let log = with("segment_bytes: 1GiB, segment_age: 1h, heartbeat: 0s").unwrap().log;
    assert_eq!(log.segment_bytes, 1 << 30);
    assert_eq!((log.segment_age, log.heartbeat), (Duration::from_secs(3_600), Duration::ZERO));
    for size in ["64KiB", "2MiB", "1024GiB"] {
        assert!(with(&format!("segment_bytes: {size}")).is_ok(), "{size}");
    }
    for size in ["63KiB", "1025GiB", "1", "1MB", "-1GiB", "1.5GiB", "99999999999GiB"] {
        let error = with(&format!("segment_bytes: '{size}'")).unwrap_err().to_string();
        assert!(error.contains("log.segment_bytes: 64KiB to 1024GiB"), "{error}");
    }
    assert!(with("heartbeat: 2d").is_err());
    let (a, b) = (with("heartbeat: 1m").unwrap(), with("heartbeat: 2m").unwrap());
    assert_eq!(a.fixed_differences(&b), ["log.heartbeat"]);
}

#[test]
fn what_is_optional_can_be_required_and_nothing_else() {
    let with = |words: &str| {
        let url = "url: 'postgres://a@db/x'";
        parse(&format!("state_dir: /s\ntargets: {{orders: {{{url}, required: [{words}]}}}}\n"))
    };
    let required = with("ident_map, hba_rule").unwrap().targets[0].required.clone();
    assert_eq!(required, [ResidualKind::HbaRule, ResidualKind::IdentMap].into());
    let error = with("session").unwrap_err().to_string();
    assert!(error.contains("targets.orders.required: `session` is none of hba_rule"), "{error}");
}

#[test]
fn errors_name_the_key_as_the_operator_wrote_it() {
    let cases = [
        ("look_interval: 0s\n", "look_interval: 1 s to 3600 s, not 0s"),
        (
            "look_interval: 10\n",
            "look_interval: write a text, not a number: a time with its unit, such as 30s",
        ),
        ("look_interval: soon\n", "look_interval: `soon` is not a duration"),
        ("colour: red\n", "colour: there is no key `colour` here; there are `state_dir`, `store`"),
        ("profiles: {fired: {login: 1m}}\n", "profiles.fired: no such reason"),
        (
            "profiles: {terminated: {login: -1m}}\n",
            "profiles.terminated.login: `-1m` is not a duration",
        ),
        ("listen: {metrics: '127.0.0.1:9', api: '127.0.0.1:9'}\n", "that of listen.metrics"),
        ("listen: {metrics: '9090'}\n", "listen.metrics: `9090` is not an address"),
        ("tokens: {hr: {token: x}}\n", "tokens.hr"),
        (
            "tokens: {hr: {token_file: /nonexistent}}\n",
            "tokens.hr.token_file: reading /nonexistent",
        ),
    ];
    for (more, says) in cases {
        let error = parse(&format!("{SMALL}{more}")).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for (text, says) in [
        ("", "revoked.yaml: the file: it is empty; `revoked init` makes one to begin with"),
        ("# nothing\n", "the file: it is empty"),
        (
            "- state_dir: /x\n",
            "the file: it is a list; take the `-` away: keys with values are needed",
        ),
        ("revoked\n", "the file: it has no keys; keys with values are needed"),
        (
            "state_dir: /x\ntargets: {}\nstate_dir: /y\n",
            "state_dir: it is there twice, again at line 3",
        ),
        ("targets: {}\n", "the file: the key `state_dir` is missing"),
        (
            "state_dir: /x\ntargets: [a]\n",
            "targets: write keys with values, such as {key: value}, not a list",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let error = parse("state_dir: /x\ntargets:\n  orders: {}\n").unwrap_err().to_string();
    assert!(error.contains("targets.orders: give either url or url_file"), "{error}");
}

#[test]
fn a_canary_has_no_power() {
    let with = |canary: &str| {
        parse(&format!(
            "state_dir: /x\ntargets:\n  orders: {{url: 'postgres://a@db/x', canary: {canary}}}\n"
        ))
    };
    let config = with("{role: revoked_canary}").unwrap();
    let canary = config.targets[0].canary.as_ref().unwrap();
    assert_eq!(canary.role, "revoked_canary");
    assert_eq!(canary.every, Duration::from_secs(6 * 3600));
    assert_eq!(canary.expect, [ResidualKind::Privilege].into());
    let config =
        with("{role: Bird, every: 7d, expect: [membership, privilege, membership]}").unwrap();
    let canary = config.targets[0].canary.as_ref().unwrap();
    assert_eq!(canary.expect, [ResidualKind::Membership, ResidualKind::Privilege].into());
    let cases = [
        ("{}", "the key `role` is missing"),
        ("revoked_canary", "targets.orders.canary"),
        ("{role: ''}", "targets.orders.canary.role: name the role"),
        ("{role: pg_monitor}", "targets.orders.canary.role: name the role"),
        ("{role: c, every: 9m}", "targets.orders.canary.every: 600 s to 604800 s, not 9m"),
        ("{role: c, every: 8d}", "targets.orders.canary.every: 600 s to 604800 s, not 8d"),
        (
            "{role: c, expect: []}",
            "targets.orders.canary.expect: name what must be found: membership",
        ),
        (
            "{role: c, expect: [login]}",
            "targets.orders.canary.expect: `login` is nothing that a role",
        ),
        ("{role: c, expect: [priv]}", "`priv` is nothing that a role without power has; there are"),
        ("{role: c, often: 1h}", "there is no key `often` here"),
    ];
    for (canary, says) in cases {
        let error = with(canary).unwrap_err().to_string();
        assert!(error.contains(says), "{canary}: {error}");
    }
}

#[test]
fn errors_never_quote_what_may_be_a_secret() {
    const TOKEN: &str = "0123hush89abcdef0123456789abcdef";
    for text in [
        &format!("{SMALL}tokens: {{hr: {TOKEN}}}\n"),
        &format!("{SMALL}tokens: {{hr: {{token: {TOKEN}}}}}\n"),
        &format!("{SMALL}tokens: {{hr: {{token_file: {TOKEN}}}}}\n"),
        &format!("{SMALL}store: {{url_file: 'postgres://u:hush@h/d'}}\n"),
        &format!("{SMALL}store: 'postgres://u:hush@h/d'\n"),
        "state_dir: /x\ntargets:\n  a: {url_file: 'postgres://u:hush@h/d'}\n",
        "state_dir: /x\ntargets:\n  a: {url: {password: hush}}\n",
        "state_dir: /x\ntargets: 'postgres://u:hush@h/d'\n",
        "state_dir: /x\ntargets:\n  a: {url: 'postgres://u:hush@h/d'}\n  a: {url: x}\n",
        "state_dir: /x\ntargets:\n  a: {url: 'postgres://u:hush@h/d'\n",
        "state_dir: /x\ntokens: {hr: hush}\ntargets:\n  a: {url: x}\n",
    ] {
        let error = anyhow::Error::new(parse(text).unwrap_err());
        assert!(!format!("{error:#} {error:?}").contains("hush"), "{error:#}");
    }
}

#[test]
fn a_configuration_that_is_printed_shows_no_secret() {
    let text = SMALL.replace("a@db", "a:hush@db");
    let text = format!("{text}store: {{url: 'postgres://u:hush@h/d'}}\n");
    let config = parse(&text).unwrap();
    assert!(!format!("{config:?} {config:#?}").contains("hush"), "{config:?}");
    assert_eq!(config.targets[0].url.expose_secret(), "postgres://a:hush@db/x");
}

#[test]
fn days_and_parts_of_profiles() {
    let config =
        parse(&format!("{SMALL}watch: 30d\nprofiles: {{terminated: {{access: 30m}}}}\n")).unwrap();
    assert_eq!(config.watch, Duration::from_secs(30 * 86_400));
    let allowance = config.profiles.allowance(Reason::Terminated);
    assert_eq!(allowance.access, Some(Duration::from_secs(1800)));
    assert_eq!(allowance.login, Some(Duration::from_secs(900)));
}

#[test]
fn relative_paths_are_relative_to_the_file_wherever_it_is_named_from() {
    let text = "state_dir: state\ntargets:\n  orders: {url: 'postgres://a@db/x'}\n";
    let config = Config::parse(Path::new("etc/revoked.yaml"), text).unwrap();
    assert_eq!(config.store.expose_secret(), "sqlite://etc/state/revoked.db");
    assert_eq!(config.log_dir, Path::new("etc/state/log"));
    let text = format!("{text}store: {{url: 'sqlite://other.db'}}\n");
    let config = Config::parse(Path::new("etc/revoked.yaml"), &text).unwrap();
    assert_eq!(config.store.expose_secret(), "sqlite://etc/other.db");
}

#[test]
fn the_keys_of_the_earlier_script_say_the_same_here() {
    let script = "rights_revocation:
  timing: {termination_timeout: 600, role_change_timeout: 7200, verification_delay: 30}
  actions: {disable_account: true, terminate_sessions: false, archive_data: true}
  data: {archive_enabled: true, archive_retention_days: 90, encryption_enabled: true, legal_hold_check: true}
  notifications: {security_team: true, user_manager: true, compliance_team: true}
  integrations: {hr_webhook_enabled: true, iam_sync_enabled: true, audit_logging_enabled: true}\n";
    let config = parse(&format!("{SMALL}{script}")).unwrap();
    let terminated = config.profiles.allowance(Reason::Terminated);
    assert_eq!(terminated.login, Some(Duration::from_secs(600)));
    let change = config.profiles.allowance(Reason::RoleChange);
    assert_eq!(change.access, Some(Duration::from_secs(7200)));
    assert_eq!(config.verification_delay, Duration::from_secs(30));
    let off: Vec<_> = config.not_required.iter().map(|surface| surface.as_str()).collect();
    assert_eq!(off, ["session", "vanished_session", "replication"]);
    assert!(config.notes.iter().any(|note| note.contains("not asked for: session")));
    assert!(config.notes.iter().any(|note| note.contains("data.archive_enabled: has no effect")));
    for (more, says) in [
        (
            "rights_revocation: {integrations: {audit_logging_enabled: false}}\n",
            "audit_logging_enabled: the audit log cannot be switched off",
        ),
        (
            "verification_delay: 60s\nrights_revocation: {timing: {verification_delay: 60}}\n",
            "rights_revocation.timing.verification_delay: verification_delay says this already",
        ),
        ("rights_revocation: {actions: {drop: true}}\n", "rights_revocation.actions.drop"),
    ] {
        let error = parse(&format!("{SMALL}{more}")).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn zones_accounts_and_approvals() {
    let more = "time_zone: Europe/Berlin\nsources: {hr: {time_zone: America/New_York}}\napprovals: single\n\
                subjects:\n  templates: ['orders/{username}_ro']\n  accounts: {EMP-1: [orders/jd, jd]}\n\
                permissions: {db.write: [app_writer]}\n";
    let config = parse(&format!("{SMALL}{more}")).unwrap();
    assert_eq!(config.approvals, Approvals::Single);
    assert_eq!(config.subjects.accounts["EMP-1"].len(), 2);
    for (more, says) in [
        ("time_zone: Berlin\n", "time_zone: `Berlin` is not a time zone"),
        ("sources: {hr: {time_zone: CEST}}\n", "sources.hr.time_zone: `CEST`"),
        ("approvals: none\n", "approvals: `none` is none of `two`, `single`"),
        ("permissions: {db.write: []}\n", "permissions.db.write: name the roles"),
        ("subjects: {templates: ['{name}']}\n", "subjects.templates[0]: `{name}` is unknown"),
        ("subjects: {templates: ['nowhere/{username}']}\n", "there is no target `nowhere`"),
        (
            "subjects: {accounts: {E: [other/jd]}}\n",
            "subjects.accounts.E: there is no target `other`",
        ),
        ("subjects: {mapping_file: /nonexistent}\n", "subjects.mapping_file: reading /nonexistent"),
    ] {
        let error = parse(&format!("{SMALL}{more}")).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_mapping_file_says_which_line_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mapping) = (dir.path().join("revoked.yaml"), dir.path().join("map.csv"));
    let text = format!("{SMALL}subjects: {{mapping_file: map.csv, complete: true}}\n");
    let read = |csv: &str| {
        std::fs::write(&mapping, csv).unwrap();
        Config::parse(&path, &text).map_err(|error| error.to_string())
    };
    let config = read("\u{feff}subject,account\nEMP-1, orders/jd \nEMP-1,jd\n").unwrap();
    assert_eq!(config.subjects.accounts["EMP-1"].len(), 2);
    assert!(config.files.contains(&mapping));
    assert_ne!(config.sha256, read("subject,account\nEMP-1,jd\n").unwrap().sha256);
    for (csv, says) in [
        ("person,role\n", "subject,account"),
        ("subject,account\nEMP-1,jd\n,x\n", "line 3: no subject"),
        ("subject,account\nEMP-1,\n", "line 2: an account is"),
        ("subject,account\nEMP-1,nowhere/jd\n", "line 2: there is no target `nowhere`"),
        ("subject,account\nEMP-1\n", "record 1"),
    ] {
        let error = read(csv).unwrap_err();
        assert!(error.contains(says), "{csv}: {error}");
    }
}

#[test]
fn the_socket_is_found_whatever_else_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("revoked.yaml");
    std::fs::write(&path, "state_dir: state\ncolour: red\ntokens: {hr: {token_file: /none}}\n")
        .unwrap();
    assert!(Config::read(&path).is_err());
    assert_eq!(Config::socket_of(&path).unwrap(), dir.path().join("state/revoked.sock"));
}

#[test]
fn what_cannot_change_while_the_agent_runs() {
    let (old, new) =
        (parse(SMALL).unwrap(), parse(&SMALL.replace("revoked\n", "other\n")).unwrap());
    assert_eq!(new.fixed_differences(&old), ["state_dir", "store", "log.dir", "log.key_file"]);
    let more = parse(&format!("{SMALL}look_interval: 5s\n")).unwrap();
    assert!(more != old && more.fixed_differences(&old).is_empty());
}

#[test]
fn the_schema_knows_every_key_and_refuses_others() {
    let schema = Config::schema();
    assert_eq!(schema["additionalProperties"], false);
    let keys: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    for key in ["state_dir", "targets", "profiles", "subjects", "approvals", "rights_revocation"] {
        assert!(keys.iter().any(|known| known == key), "{key} is not in {keys:?}");
    }
    for (key, property) in schema["properties"].as_object().unwrap() {
        assert!(property["description"].is_string(), "{key} has no description");
    }
}
