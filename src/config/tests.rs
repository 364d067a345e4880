//! Configurations that are right, and what is said of those that are not.

use super::*;

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
    assert_eq!(config.metrics_listen.to_string(), "127.0.0.1:7391");
    assert!(!format!("{config:?}").contains("postgres://"), "URLs may hold passwords");
}

#[test]
fn errors_name_the_key_as_the_operator_wrote_it() {
    let cases = [
        ("look_interval: 0s\n", "look_interval: 1 s to 3600 s, not 0s"),
        ("look_interval: soon\n", "look_interval: `soon` is not a duration"),
        ("colour: red\n", "unknown field `colour`"),
        ("profiles: {fired: {login: 1m}}\n", "profiles.fired: no such reason"),
        (
            "profiles: {terminated: {login: -1m}}\n",
            "profiles.terminated.login: `-1m` is not a duration",
        ),
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
    let error = parse("state_dir: /x\ntargets:\n  orders: {}\n").unwrap_err().to_string();
    assert!(error.contains("targets.orders: give either url or url_file"), "{error}");
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
