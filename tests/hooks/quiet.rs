//! What an endpoint costs that takes nothing: no more, the more waits for it.

use crate::common::slack::Fault;
use crate::desk::names;
use crate::faults::moment;
use crate::office::Hooked;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Counts what the store is asked.
struct Counting(Arc<AtomicU64>);

impl<S: tracing::Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Statements while one more event is queued for an endpoint that wants none, for which `waiting` wait.
async fn asked(waiting: usize, statements: &AtomicU64) -> u64 {
    let desk = Hooked::new("").await;
    desk.endpoint.always(Some(Fault::Status(410, Vec::new())));
    let agent = desk.start().await;
    agent.expect(&names(waiting), None).await;
    let refused = "access_revocation_delivery_parked_destinations{receiver=\"webhook:tickets\"}";
    agent.until_metric(refused, 1.0).await;
    agent
        .until("all wait", |rows| rows.len() == waiting && rows.iter().all(|row| row.seq.is_some()))
        .await;
    moment().await;
    let before = statements.load(Ordering::Relaxed);
    agent.expect(&["late".to_owned()], None).await;
    moment().await;
    let after = statements.load(Ordering::Relaxed);
    assert_eq!(desk.endpoint.events().len(), 1, "nothing more is sent");
    agent.stop().await;
    after - before
}

/// Not a test: it counts in a process of its own, where nobody else asks a store anything.
#[tokio::test]
#[ignore = "run by the test of this file"]
async fn counted() {
    let statements = Arc::new(AtomicU64::new(0));
    tracing_subscriber::registry().with(Counting(statements.clone())).init();
    let few = asked(3, &statements).await;
    let many = asked(300, &statements).await;
    println!("{few} statements where 3 wait, {many} where 300 do");
    assert!(few > 0, "they are counted");
    assert!(many < few + 100, "{few} statements where 3 wait, {many} where 300 do");
}

#[test]
fn what_waits_for_a_closed_endpoint_costs_nothing() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--ignored", "--exact", "quiet::counted", "--nocapture"]).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{why}");
}
