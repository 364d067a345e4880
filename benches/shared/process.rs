//! What a process uses, as the kernel counts it.

use std::process::Command;

/// Memory now and at most, in KiB.
pub(crate) fn memory(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Processor seconds so far, in user and kernel mode.
#[expect(clippy::cast_precision_loss, reason = "ticks of one bench fit 53 bits")]
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name stands in parentheses and may hold anything; utime and stime are the fields 14 and 15.
    let after = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 =
        after.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / ticks_a_second()
}

fn ticks_a_second() -> f64 {
    let output = Command::new("getconf").arg("CLK_TCK").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Processor seconds of a server so far: its first process, those it waited for, and those that run.
#[expect(clippy::cast_precision_loss, reason = "ticks of one bench fit 53 bits")]
pub(crate) fn server_cpu_seconds(cluster: &revoked::throwaway::Cluster) -> f64 {
    let lock = std::fs::read_to_string(cluster.socket_dir().join("data/postmaster.pid")).unwrap();
    let first = lock.lines().next().unwrap().to_owned();
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        // A process may end while this reads.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, after)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = after.split_whitespace().collect();
        let number = |index: usize| fields[index].parse::<u64>().unwrap();
        let own = entry.file_name().to_string_lossy() == first;
        // ppid is field 4, utime and stime 14 and 15, those of children that were waited for 16 and 17.
        if own {
            ticks += number(13) + number(14);
        }
        if own || fields[1] == first {
            ticks += number(11) + number(12);
        }
    }
    ticks as f64 / ticks_a_second()
}
