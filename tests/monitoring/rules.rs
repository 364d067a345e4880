//! The rules and panels of this repository, read, and made quicker for a test.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Time goes so many times faster: pauses, windows and limits of rules are that much shorter.
const FASTER: f64 = 50.0;
/// No window is shorter: there has to be more than one scrape in it, on a machine under load too.
const SHORTEST: f64 = 6.0;

fn files(dir: &str, end: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    found.retain(|path| path.to_string_lossy().ends_with(end));
    found.sort();
    found
}

/// Every file of rules, by name.
pub(crate) fn rules() -> Vec<(String, Value)> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, serde_saphyr::from_str(&text).unwrap())
    };
    files("alerts", ".rules.yml").iter().map(read).collect()
}

/// Each rule of a file.
pub(crate) fn each(file: &Value) -> impl Iterator<Item = &Value> {
    let groups = file["groups"].as_array().into_iter().flatten();
    groups.flat_map(|group| group["rules"].as_array().into_iter().flatten())
}

/// The same rules, in which time goes faster. Limits are made shorter where a bare number of at least 60 follows a
/// comparison: these are seconds. What is read from the agent's own series stays.
pub(crate) fn faster(mut files: Vec<(String, Value)>) -> Vec<(String, Value)> {
    for (_, file) in &mut files {
        for group in file["groups"].as_array_mut().unwrap() {
            group.as_object_mut().unwrap().remove("interval");
            for rule in group["rules"].as_array_mut().unwrap() {
                let rule = rule.as_object_mut().unwrap();
                let expression = quicker(rule["expr"].as_str().unwrap());
                rule.insert("expr".to_owned(), expression.into());
                for key in ["for", "keep_firing_for"] {
                    if let Some(text) = rule.get(key).and_then(Value::as_str) {
                        let seconds = (seconds(text) / FASTER).max(1.0);
                        rule.insert(key.to_owned(), milliseconds(seconds).into());
                    }
                }
            }
        }
    }
    files
}

/// A duration of Prometheus, such as 1h30m, in seconds.
fn seconds(text: &str) -> f64 {
    let (mut sum, mut number, mut unit) = (0.0, String::new(), String::new());
    let of = |unit: &str| match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        other => panic!("{text}: {other} is no unit"),
    };
    for character in text.chars().chain(['0']) {
        if character.is_ascii_digit() {
            if !unit.is_empty() {
                sum += number.parse::<f64>().unwrap() * of(&unit);
                number.clear();
                unit.clear();
            }
            number.push(character);
        } else {
            unit.push(character);
        }
    }
    sum
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few minutes")]
fn milliseconds(seconds: f64) -> String {
    format!("{}ms", (seconds * 1_000.0).round() as u64)
}

/// Pieces of an expression: whether each is code, and not a string or the labels of a selector.
fn pieces(expression: &str) -> Vec<(bool, String)> {
    let mut pieces = vec![(true, String::new())];
    let (mut quote, mut braces) = (None, 0);
    for character in expression.chars() {
        let inside = quote.is_some() || braces > 0;
        match (quote, character) {
            (None, '"' | '\'' | '`') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, '{') => braces += 1,
            (None, '}') => braces -= 1,
            _ => {}
        }
        let code = !inside && quote.is_none() && braces == 0;
        if pieces.last().unwrap().0 != code {
            pieces.push((code, String::new()));
        }
        pieces.last_mut().unwrap().1.push(character);
    }
    pieces
}

fn quicker(expression: &str) -> String {
    pieces(expression)
        .into_iter()
        .map(|(code, text)| if code { limits(&windows(&text)) } else { text })
        .collect()
}

/// `text` with shorter windows.
fn windows(text: &str) -> String {
    let mut parts = text.split('[');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (window, rest) = part.split_once(']').expect("a window ends in the same piece");
        let sides = window.split(':').map(|side| {
            if side.is_empty() {
                String::new()
            } else if side.starts_with('$') {
                side.to_owned()
            } else {
                milliseconds((seconds(side) / FASTER).max(SHORTEST))
            }
        });
        let step = window.contains(':');
        let mut sides: Vec<String> = sides.collect();
        if step {
            // One look at each scrape.
            "1s".clone_into(&mut sides[1]);
        }
        whole = format!("{whole}[{}]{rest}", sides.join(":"));
    }
    whole
}

/// `text` with lower limits, where they are seconds.
fn limits(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['>', '<']) {
        let after = rest[at + 1..].trim_start_matches('=').trim_start();
        let begin = rest.len() - after.len();
        whole.push_str(&rest[..begin]);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
        match after[..end].parse::<f64>() {
            Ok(limit) if limit >= 60.0 => whole.push_str(&(limit / FASTER).to_string()),
            _ => whole.push_str(&after[..end]),
        }
        rest = &after[end..];
    }
    whole + rest
}

/// The expression with every comparison asked as a question: what it compares is there if there is an answer. What
/// takes something out takes nothing out.
pub(crate) fn asked(expression: &str) -> String {
    let ask = |text: &str| {
        let (mut whole, mut rest) = (String::new(), text);
        while let Some(at) = rest.find(['>', '<', '=', '!']) {
            let end = at + rest[at..].find(|c| !matches!(c, '>' | '<' | '=' | '!')).unwrap_or(1);
            whole.push_str(&rest[..end]);
            if !rest[end..].trim_start().starts_with("bool") {
                whole.push_str(" bool ");
            }
            rest = &rest[end..];
        }
        (whole + rest).replace("unless", "or")
    };
    pieces(expression)
        .into_iter()
        .map(|(code, text)| if code { ask(&text) } else { text })
        .collect()
}

/// Every query of every dashboard: where it stands, and what it asks, with variables filled in as for "all".
pub(crate) fn panels() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in files("dashboards", ".json") {
        let text = std::fs::read_to_string(&path).unwrap();
        let dashboard: Value = serde_json::from_str(&text).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        collect(&dashboard, &name, &mut found);
    }
    found
}

fn collect(value: &Value, place: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            let title = members.get("title").and_then(Value::as_str);
            let place = title.map_or_else(|| place.to_owned(), |title| format!("{place}/{title}"));
            if let Some(expression) = members.get("expr").and_then(Value::as_str) {
                let number = found.keys().filter(|key| key.starts_with(&place)).count();
                found.insert(format!("{place}#{number}"), filled(expression));
            }
            members.values().for_each(|member| collect(member, &place, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, place, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `text` with `$name` and `${name:format}` filled in.
fn filled(text: &str) -> String {
    let (mut whole, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        whole.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, behind) = if let Some(inner) = after.strip_prefix('{') {
            inner.split_once('}').unwrap()
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            after.split_at(end.unwrap_or(after.len()))
        };
        whole.push_str(match name.split(':').next().unwrap_or_default() {
            "__rate_interval" => "30s",
            "__interval" => "10s",
            "__range" => "5m",
            _ => ".+",
        });
        rest = behind;
    }
    whole + rest
}

#[test]
fn time_goes_faster_where_it_is_time() {
    assert_eq!(quicker("max(x{a=\"> 900\"}) > 900"), "max(x{a=\"> 900\"}) > 18");
    assert_eq!(quicker("increase(x{y=\"z\"}[5m]) > 0"), "increase(x{y=\"z\"}[6000ms]) > 0");
    assert_eq!(
        quicker("(min_over_time((x > 0)[6h:1m])) > 300"),
        "(min_over_time((x > 0)[432000ms:1s])) > 6"
    );
    assert_eq!(quicker("a > on (job) 3 * b"), "a > on (job) 3 * b");
    assert_eq!(
        asked("a > on (job) 3 * b{c!=\"d\"} == 1"),
        "a > bool  on (job) 3 * b{c!=\"d\"} == bool  1"
    );
    assert_eq!(asked("a > 0 unless b == 1"), "a > bool  0 or b == bool  1");
    assert_eq!(filled("rate(x{j=~\"$job\"}[$__rate_interval])"), "rate(x{j=~\".+\"}[30s])");
    assert!((seconds("1h30m") - 5_400.0).abs() < f64::EPSILON);
}
