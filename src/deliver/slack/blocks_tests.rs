use super::*;

const EVIL: &[&str] = &[
    "<!channel>",
    "<@U012ABCDEF>",
    "<https://evil.example|ok>",
    "https://evil.example",
    "*bold* _it_ ~gone~ `code`",
    "&lt;!here&gt;",
    "\u{202e}txt.exe",
    "a\nb",
    ":tada:",
    "",
];

fn message(evil: &str) -> Message {
    Message {
        title: "Access is back".to_owned(),
        facts: vec![
            Fact::ours("Revocation", "rev_1"),
            Fact {
                label: "Accounts",
                parts: vec![Part::Theirs(evil.to_owned()), Part::Ours(" on main".to_owned())],
            },
        ],
        table: Some(Table {
            columns: vec!["role", "object"],
            rows: vec![vec![evil.to_owned(), evil.to_owned()]],
            total: 1,
        }),
        notes: vec!["A sentence.".to_owned()],
        next: Some(Fact {
            label: "Next",
            parts: vec![Part::Command("revoked plan rev_1".to_owned())],
        }),
        cite: "Log record 7".to_owned(),
        urgent: true,
        acknowledges: None,
    }
}

/// Every string of a request that Slack reads markup in: none of them may hold anything of others.
fn read_by_slack(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str);
            if kind == Some("mrkdwn") || kind == Some("markdown") {
                found.push(value.to_string());
            }
            if matches!(
                kind,
                Some("link" | "user" | "broadcast" | "usergroup" | "channel" | "emoji")
            ) {
                found.push(value.to_string());
            }
            fields.values().for_each(|value| read_by_slack(value, found));
        }
        Value::Array(all) => all.iter().for_each(|value| read_by_slack(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_others_wrote_neither_mentions_nor_links_nor_formats() {
    for evil in EVIL {
        for plain in [false, true] {
            let rendered = render(&message(evil), plain);
            let mut found = Vec::new();
            read_by_slack(&Value::Array(rendered.blocks.clone()), &mut found);
            assert_eq!(found, Vec::<String>::new(), "{evil}");
            assert!(evil.is_empty() || !rendered.text.contains(evil), "{evil}: {}", rendered.text);
            assert!(!rendered.text.contains("evil"), "{}", rendered.text);
            check(&json!({"text": rendered.text, "blocks": rendered.blocks})).unwrap();
        }
        let text = Value::Array(render(&message(evil), false).blocks).to_string();
        assert_eq!(text.matches("\"raw_text\"").count(), 4, "{text}");
        assert!(text.contains(&serde_json::to_string(&inert(evil)).unwrap()), "seen as it is");
    }
}

#[test]
fn our_own_text_is_escaped_too() {
    let odd = Message { title: "a < b & c > d".to_owned(), ..message("x") };
    let rendered = render(&odd, true);
    assert!(rendered.text.starts_with("a &lt; b &amp; c &gt; d\n"), "{}", rendered.text);
    assert!(rendered.blocks.is_empty());
}

#[test]
fn nothing_is_larger_than_slack_takes() {
    let row = || (0..5).map(|n| format!("{n}{}", "é".repeat(500))).collect::<Vec<_>>();
    let large = Message {
        facts: (0..30).map(|_| Fact::theirs("Accounts", "ü".repeat(10_000))).collect(),
        table: Some(Table {
            columns: vec!["a", "b", "c", "d", "e"],
            rows: (0..50).map(|_| row()).collect(),
            total: 5_000,
        }),
        notes: vec!["<&>".repeat(5_000)],
        ..message("x")
    };
    for plain in [false, true] {
        let rendered = render(&Message { notes: Vec::new(), ..large.clone() }, plain);
        check(&json!({"text": rendered.text, "blocks": rendered.blocks})).unwrap();
    }
    let text = render(&large, true).text;
    assert!(text.len() <= TEXT && text.len() > TEXT - 20, "{}", text.len());
    assert!(text.ends_with(';'), "nothing is cut in the middle: {text}");
    let family = Message { title: "👩\u{200d}👧".repeat(1_000), ..message("x") };
    assert!(render(&family, true).text.ends_with('👧'), "nor anything that people see as one");
}

#[test]
fn a_long_list_ends_with_how_many_more_there_are() {
    let rows = (0..50).map(|n| vec![format!("role {n}"), "x".to_owned()]).collect();
    let table = Table { columns: vec!["role", "object"], rows, total: 5_000 };
    let rendered = render(&Message { table: Some(table), ..message("x") }, false);
    let text = Value::Array(rendered.blocks).to_string();
    assert!(text.contains("\"and 4980 more"), "{text}");
    assert!(text.contains("role 19") && !text.contains("role 20"), "{text}");
}

#[test]
fn a_request_beyond_the_limits_is_named() {
    for (request, says) in [
        (json!({"text": ""}), "its text has 0 bytes"),
        (json!({"text": "x".repeat(3_001)}), "its text has 3001 bytes"),
        (json!({"text": "x", "blocks": vec![json!({}); 46]}), "it has 46 blocks"),
        (
            json!({"text": "x", "blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}]}),
            "a cell of its table is empty",
        ),
        (json!({"text": "x", "blocks": [{"text": "y".repeat(10_001)}]}), "10001 characters"),
    ] {
        assert!(check(&request).unwrap_err().contains(says), "{says}");
    }
}
