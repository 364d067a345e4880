//! What `doctor` and `config check` say of campaigns: both try things before anybody is reminded, and write nothing.

use super::{BILLING, TRACKER, add, agent_of, ran, tracked};
use crate::common::agent::Agent;
use crate::common::slack::Slack;
use crate::common::{cluster, sql};

/// What the doctor says, in one line.
async fn examined(agent: &Agent) -> String {
    let (_, out) = ran(agent, &["doctor"]).await;
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The doctor tries all of it, writes nothing, and names what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_list_or_a_tracker_is_named_before_anybody_is_reminded() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let agent = agent_of(&cluster, &slack, "1d");
    add(&cluster);
    let (code, out) = ran(&agent, &["config", "check"]).await;
    assert!(
        code == 0 && out.contains("app: a query at main, database postgres; sessions at main"),
        "{out}"
    );
    assert!(out.contains(", database postgres, as tracker") && !out.contains(TRACKER), "{out}");
    let said = examined(&agent).await;
    assert!(
        said.contains("app: its tracker can be told") && said.contains("nothing was written"),
        "{said}"
    );
    assert!(said.contains("its list can be read, 1 consumers"), "{said}");
    for (change, back, says) in [
        (
            "REVOKE UPDATE ON consumers FROM tracker",
            "GRANT UPDATE ON consumers TO tracker",
            "its tracker cannot be told, at ",
        ),
        (
            "REVOKE UPDATE ON consumers FROM tracker",
            "GRANT UPDATE ON consumers TO tracker",
            "its role may not change that table (consumers), or read what it compares: GRANT it",
        ),
        (
            "ALTER TABLE consumers RENAME nudged_at TO told_at",
            "ALTER TABLE consumers RENAME told_at TO nudged_at",
            "the statement names a column that is not there (nudged_at)",
        ),
        (
            "ALTER ROLE tracker NOLOGIN",
            "ALTER ROLE tracker LOGIN",
            "its server does not let its role in",
        ),
        (
            "ALTER ROLE tracker SUPERUSER",
            "ALTER ROLE tracker NOSUPERUSER",
            "its role is a superuser: make one that",
        ),
        (
            "UPDATE consumers SET new_role = 'new_ap', old_role = 'old_ap'",
            "UPDATE consumers SET new_role = 'new_app', old_role = 'old_app'",
            "new_role in its list is not there on main: new_ap",
        ),
        (
            "ALTER TABLE consumers RENAME team TO owner",
            "ALTER TABLE consumers RENAME owner TO team",
            "column \"team\" does not exist",
        ),
    ] {
        sql(&cluster, "postgres", "postgres", change);
        let said = examined(&agent).await;
        assert!(said.contains(says) && !said.contains(TRACKER), "{change}: {said}");
        sql(&cluster, "postgres", "postgres", back);
    }
    assert_eq!(tracked(&cluster), (0, 0), "the doctor writes nothing");
}

/// The same of what the configuration says; a statement that does more is not run either.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_or_a_statement_that_cannot_be_used_is_named_and_not_run() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let agent = agent_of(&cluster, &slack, "1d");
    add(&cluster);
    let text = std::fs::read_to_string(agent.config()).unwrap();
    for (from, to, says) in [
        (
            "SELECT consumer, team, status",
            "SELECT consumer, status",
            "the query gives no column team; it gives consumer, new_role, old_role, status",
        ),
        (
            "SELECT consumer, team, status",
            "SELECT consumer, team, CAST(consumer AS int) AS status",
            "a value in it cannot be converted (SQLSTATE 22P02)",
        ),
        (
            "writes = writes + 1 WHERE consumer = $1",
            "writes = writes + 1 WHERE consumer = $1; DROP TABLE consumers",
            "the statement is not one UPDATE or INSERT",
        ),
        ("SET nudges = $2::integer", "SET nudges = $2", "write $2::integer and $3::timestamptz"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(agent.config(), text.replace(from, to)).unwrap();
        let said = examined(&agent).await;
        assert!(said.contains(says) && !said.contains(BILLING), "{to}: {said}");
    }
    assert_eq!(tracked(&cluster), (0, 0), "nothing was run");
}
