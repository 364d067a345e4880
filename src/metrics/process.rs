//! The agent's process, as the system sees it. Read at each scrape; what the system does not tell is absent.

use super::declare::{Declare, family};
use procfs::ProcResult;
use procfs::process::{LimitValue, Process};
use prometheus::{CounterVec, GaugeVec, IntGaugeVec};

/// Families of the process, under the names that every exporter gives them.
pub(super) struct ProcessMetrics {
    /// Of the prometheus crate it would be whole seconds, which an agent that does little never fills.
    cpu: CounterVec,
    open_files: IntGaugeVec,
    most_files: GaugeVec,
    resident: IntGaugeVec,
    virtual_memory: IntGaugeVec,
    threads: IntGaugeVec,
    started: GaugeVec,
}

const NONE: &[&str] = &[];

impl ProcessMetrics {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        let absent = "elsewhere than on Linux";
        Ok(Self {
            cpu: declare.fine_counter(family("process_cpu_seconds_total", NONE, "Processor time used, user and system.").absent(absent))?,
            open_files: declare.int_gauge(family("process_open_fds", NONE, "Open files.").absent(absent))?,
            most_files: declare.gauge(family("process_max_fds", NONE, "Most files it may have open.").absent(absent))?,
            resident: declare.int_gauge(family("process_resident_memory_bytes", NONE, "Memory held.").absent(absent))?,
            virtual_memory: declare.int_gauge(family("process_virtual_memory_bytes", NONE, "Address space.").absent(absent))?,
            threads: declare.int_gauge(family("process_threads", NONE, "Threads.").absent(absent))?,
            started: declare.gauge(family("process_start_time_seconds", NONE, "When it was started.").absent(absent))?,
        })
    }

    /// Reads what the system tells now.
    pub(super) fn set(&self) {
        if let Err(error) = self.read() {
            tracing::debug!(error = error.to_string(), "the process was not read");
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "ticks, files and seconds fit 53 bits")]
    fn read(&self) -> ProcResult<()> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let ticks = procfs::ticks_per_second() as f64;
        let cpu = self.cpu.with_label_values(NONE);
        let used = (stat.utime + stat.stime) as f64 / ticks;
        cpu.inc_by((used - cpu.get()).max(0.0));
        let count = |gauge: &IntGaugeVec, value: u64| {
            gauge.with_label_values(NONE).set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        count(&self.resident, stat.rss.saturating_mul(procfs::page_size()));
        count(&self.virtual_memory, stat.vsize);
        self.threads.with_label_values(NONE).set(stat.num_threads);
        count(&self.open_files, process.fd_count()? as u64);
        let most = match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(most) => most as f64,
            // As others write "no limit".
            LimitValue::Unlimited => u64::MAX as f64,
        };
        self.most_files.with_label_values(NONE).set(most);
        let started = procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks;
        self.started.with_label_values(NONE).set(started);
        Ok(())
    }
}
