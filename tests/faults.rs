//! Faults of what the agent depends on, with the real agent on real servers. Each time: nothing acknowledged
//! is lost, nothing is told before its record is in the log, nothing is called gone that nobody could see,
//! and when the fault is over the agent goes on by itself.

mod common;

#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/stage.rs"]
mod stage;
#[path = "faults/store.rs"]
mod store;
#[path = "faults/target.rs"]
mod target;

use std::pin::Pin;

/// Makes one test of several cases that run beside each other: each waits most of the time.
macro_rules! side_by_side {
    ($name:ident: $($case:path),+ $(,)?) => {
        #[test]
        fn $name() {
            run(&[$((stringify!($case), || Box::pin($case()))),+]);
        }
    };
}

side_by_side!(
    of_the_target:
    target::a_restart,
    target::a_server_that_stands_still,
    target::a_server_without_room,
    target::a_statement_that_hangs,
    target::logins_that_hang_do_not_pile_up,
    target::a_look_waits_in_vain_only_so_long,
);

side_by_side!(
    of_the_store:
    store::sqlite_locked_by_another_process,
    store::postgres_with_locked_tables,
    store::postgres_that_stands_still_and_is_restarted,
    disk::the_store_has_no_room,
    disk::the_log_may_not_grow,
);

type Case = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// Runs each case in a thread of its name, which stands before the message of a panic.
fn run(cases: &[Case]) {
    let mut running = Vec::new();
    for (name, case) in cases.iter().copied() {
        let work = move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let begun = std::time::Instant::now();
            runtime.enable_all().build().unwrap().block_on(case());
            println!("{name}: {:.0} s", begun.elapsed().as_secs_f64());
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work).unwrap();
        running.push((name, thread));
    }
    let mut failed = Vec::new();
    for (name, thread) in running {
        if thread.join().is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}
