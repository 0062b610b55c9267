//! A server's whole process tree in the kernel's books: processor time and resident memory.
//!
//! The ten-millisecond ticks of `/proc/PID/stat` lie for short requests, so the nanosecond counters of
//! `/proc/PID/task/*/schedstat` are summed instead. Those forget what ended: a thread that finished, and a child that
//! was reaped (a PostgreSQL back end). The ticks remember both, so a process counts as whichever of the two is larger,
//! and the reaped children of every process in the tree are added. Memory is the proportional set size, which counts a
//! page shared by thirty back ends once.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// One line of `/proc/PID/stat`, as far as it is needed.
#[derive(Debug, PartialEq)]
struct Stat {
    parent: u32,
    own_ticks: u64,
    reaped_ticks: u64,
}

/// Processor time that the tree under `root` has used since it started, user and system, reaped children included.
pub(crate) fn cpu(root: u32) -> Duration {
    let tick_ns = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    let all = all_stats();
    let mut total_ns = 0;
    for pid in tree(&all, root) {
        let Some(stat) = all.get(&pid) else { continue };
        total_ns += running_ns(pid).max(stat.own_ticks * tick_ns) + stat.reaped_ticks * tick_ns;
    }
    Duration::from_nanos(total_ns)
}

/// Processor time of one process alone: the generator's own, without the servers that are its children.
pub(crate) fn cpu_alone(pid: u32) -> Duration {
    Duration::from_nanos(running_ns(pid))
}

/// Resident memory of the tree under `root` in bytes, shared pages counted once.
pub(crate) fn resident_bytes(root: u32) -> u64 {
    tree(&all_stats(), root).into_iter().map(proportional_bytes).sum()
}

fn tree(all: &BTreeMap<u32, Stat>, root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(all.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn all_stats() -> BTreeMap<u32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// The second field is the program's name in parentheses, which may itself hold blanks and parentheses: the fields
/// are counted from the last closing one.
fn parse_stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |first: usize| -> Option<u64> {
        Some(fields.get(first)?.parse::<u64>().ok()? + fields.get(first + 1)?.parse::<u64>().ok()?)
    };
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own_ticks: ticks(11)?, reaped_ticks: ticks(13)? })
}

fn running_ns(pid: u32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let lines = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok());
    lines.filter_map(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok()).sum()
}

fn proportional_bytes(pid: u32) -> u64 {
    let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else { return 0 };
    let kib = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.unwrap_or(0_u64) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_blanks_and_parentheses_shifts_no_field() {
        let line = "42 (a) b (c)) S 7 42 42 0 -1 4194304 100 0 0 0 11 12 13 14 20 0 1 0 5";
        assert_eq!(parse_stat(line), Some(Stat { parent: 7, own_ticks: 23, reaped_ticks: 27 }));
        assert_eq!(parse_stat("42 (short) S 7"), None);
    }

    #[test]
    fn a_tree_holds_grandchildren_and_no_strangers() {
        let stat = |parent| Stat { parent, own_ticks: 0, reaped_ticks: 0 };
        let all =
            BTreeMap::from([(10, stat(1)), (11, stat(10)), (12, stat(11)), (13, stat(1)), (9, stat(12))]);
        assert_eq!(tree(&all, 10), [10, 11, 12, 9]);
    }

    #[test]
    fn busy_work_shows_as_processor_time() {
        let own = std::process::id();
        let before = cpu(own);
        let mut sum = 0_u64;
        for step in 0..20_000_000_u64 {
            sum = std::hint::black_box(sum ^ step);
        }
        assert!(cpu(own) - before >= Duration::from_millis(1), "twenty million steps left no trace");
        assert!(resident_bytes(own) > 100 * 1024);
    }
}
