//! What the figures share: when to measure, how to print, and a cluster that has something in it.
#![expect(dead_code, reason = "each bench uses its own part of this")]

pub(crate) mod disk;
pub(crate) mod load;
pub(crate) mod process;
pub(crate) mod scale;

use std::time::{Duration, Instant};

/// `cargo test` builds benches too, and runs them with arguments of its own: measure only when asked.
pub(crate) fn asked() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Times that were taken of one thing.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was measured");
        times.sort();
        Self(times)
    }

    /// Times of `rounds` rounds of `work`.
    pub(crate) fn take(rounds: usize, mut work: impl FnMut()) -> Self {
        let timed = |_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        };
        Self::of((0..rounds).map(timed).collect())
    }

    pub(crate) fn both(self, other: Self) -> Self {
        Self::of([self.0, other.0].concat())
    }

    /// The time that `percent` of all took at most.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn ratio(time: Duration, base: Duration) -> f64 {
    time.as_secs_f64() / base.as_secs_f64()
}

/// Roles `r0` to `r999` in a group, and `tables` tables that the group may read, in two databases.
pub(crate) fn roles_and_tables(tables: usize) -> String {
    let mut script = "CREATE ROLE revoked_agent LOGIN; CREATE ROLE g;\n\
        SELECT format('CREATE ROLE r%s; GRANT g TO r%s;', n, n) FROM generate_series(0, 999) n \\gexec\n\
        CREATE DATABASE a; CREATE DATABASE b;\n"
        .to_owned();
    for database in ["a", "b"] {
        script = format!(
            "{script}\\connect {database}\n\
             SELECT format('CREATE TABLE t%s (a int); GRANT SELECT ON t%s TO g;', n, n) \
             FROM generate_series(1, {}) n \\gexec\n",
            tables / 2
        );
    }
    script
}
