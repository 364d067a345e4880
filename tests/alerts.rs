//! Alert rules: promtool's verdict, and that they speak of metrics that exist.

use std::path::Path;
use std::process::Command;

const RULES: &str = "alerts/revoked.rules.yml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("promtool is missing; run scripts/setup test");
    assert!(
        output.status.success(),
        "promtool {}:\n{}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn rules_are_valid_and_fire_and_resolve_as_told() {
    promtool(&["check", "rules", RULES]);
    promtool(&["test", "rules", "alerts/tests/revoked_test.yml"]);
}

#[test]
fn every_metric_in_a_rule_is_declared() {
    let rules = std::fs::read_to_string(root().join(RULES)).unwrap();
    let declared = [
        "src/metrics.rs",
        "src/metrics/gauges.rs",
        "src/metrics/anchors.rs",
        "src/metrics/intake.rs",
        "src/metrics/signals.rs",
    ]
    .map(|file| std::fs::read_to_string(root().join(file)).unwrap())
    .concat();
    let mut found = 0;
    for (at, _) in rules.match_indices("access_revocation") {
        let name: String =
            rules[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        found += 1;
        assert!(
            declared.contains(&format!("\"{name}\"")),
            "{name} is in {RULES} and declared nowhere"
        );
    }
    assert!(found > 5, "only {found} metrics in {RULES}");
}

#[test]
fn every_alert_has_a_page() {
    let rules = std::fs::read_to_string(root().join(RULES)).unwrap();
    let alerts: Vec<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert:"))
        .map(str::trim)
        .collect();
    assert!(alerts.len() >= 3);
    for alert in alerts {
        let page = format!("docs/alerts/{alert}.md");
        assert!(root().join(&page).is_file(), "{page} is missing");
        assert!(rules.contains(&page), "{alert} does not link {page}");
    }
}
