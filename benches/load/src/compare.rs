//! The comparison: every target started once, then heat after heat, round after round, A B C A B C.
//!
//! The rounds of a heat are interleaved because this kind of machine drifts by a factor of two within minutes; what
//! drifts hits all targets alike. Idle targets stay up meanwhile: they cost next to nothing, and starting them anew
//! each time would measure empty caches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;

use crate::measure::{disk, processes};
use crate::peers::bare::{Bare, BareServer};
use crate::peers::etcd::Etcd;
use crate::peers::postgres::Postgres;
use crate::plan::{self, Heat, Selection, TargetName};
use crate::report::{Cell, Report, Round, Setting, floors, quantile_us};
use crate::run::{Halt, Window, measure};
use crate::strongroom::{Mode, OverHttp, OverWebSocket, Strongroom};
use crate::target::{Site, Target};

/// How the comparison runs.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) selection: Selection,
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) length: Duration,
    pub(crate) threads: usize,
    /// Servers on core 0, generator on core 1.
    pub(crate) pinned: bool,
    /// One etcd connection for all clients of a generator thread, instead of one each.
    pub(crate) etcd_shared: bool,
    pub(crate) strongroom: PathBuf,
}

/// A pause after each window, in which what the target put off may settle.
const SETTLE: Duration = Duration::from_millis(400);

/// Runs everything that was selected.
///
/// # Errors
/// A target does not start or does not take clients, or the end was asked for.
pub(crate) fn run(comparison: &Comparison, site: Site<'_>, halt: &Arc<Halt>) -> anyhow::Result<Report> {
    let setting = Setting {
        cores: thread::available_parallelism().map_or(1, usize::from),
        load_average: load_average(),
        rounds: comparison.rounds,
        seconds: comparison.length.as_secs_f64(),
        generator_threads: comparison.threads,
        pinned: comparison.pinned,
    };
    let heats = plan::heats(&comparison.selection)?;
    let targets = start_all(&plan::needed(&heats), comparison, site, halt)?;
    let mut cells = Vec::new();
    for heat in &heats {
        cells.extend(run_heat(comparison, heat, &targets, halt)?);
    }
    let floors = floors::judge(&cells);
    Ok(Report { setting, cells, floors })
}

type Targets = BTreeMap<TargetName, Box<dyn Target>>;

fn start_all(
    names: &BTreeSet<TargetName>,
    comparison: &Comparison,
    site: Site<'_>,
    halt: &Halt,
) -> anyhow::Result<Targets> {
    let mut targets = Targets::new();
    // One server serves both doors; it is started with the first of them.
    let mut strongroom: Option<Rc<Strongroom>> = None;
    let mut shared = || -> anyhow::Result<Rc<Strongroom>> {
        if strongroom.is_none() {
            let server = Strongroom::start(site, &comparison.strongroom, Mode::Serve, "strongroom")?;
            strongroom = Some(Rc::new(server));
        }
        strongroom.clone().context("a server that was started a moment ago")
    };
    for name in names {
        halt.check()?;
        eprintln!("starting {}", name.text());
        let target: Box<dyn Target> = match name {
            TargetName::Strongroom => Box::new(OverHttp(shared()?)),
            TargetName::StrongroomWs => Box::new(OverWebSocket(shared()?)),
            TargetName::Etcd => Box::new(Etcd::start(site, comparison.etcd_shared)?),
            TargetName::Postgres => Box::new(Postgres::start(site)?),
            TargetName::Hello => Box::new(BareServer::start(site, Bare::Hello)?),
            TargetName::Echo => Box::new(BareServer::start(site, Bare::Echo)?),
        };
        targets.insert(*name, target);
    }
    Ok(targets)
}

fn run_heat(
    comparison: &Comparison,
    heat: &Heat,
    targets: &Targets,
    halt: &Arc<Halt>,
) -> anyhow::Result<Vec<Cell>> {
    let mut cells: Vec<Cell> =
        heat.targets.iter().map(|target| Cell::new(&heat.case, heat.clients, *target)).collect();
    let window = Window {
        operation: heat.case.operation,
        value_bytes: heat.case.value_bytes,
        clients: heat.clients,
        threads: comparison.threads,
        core: comparison.pinned.then_some(1),
        warm_up: comparison.warm_up,
        length: comparison.length,
        pace: heat.case.pace,
    };
    for number in 1..=comparison.rounds {
        for cell in &mut cells {
            halt.check()?;
            let Some(target) = targets.get(&cell.target) else { continue };
            let round = run_round(target.as_ref(), &window, halt)?;
            eprintln!(
                "{} at {} clients, round {number}: {:<13} {:>8.0} op/s, p99 {:.2} ms, {:.1} us CPU",
                cell.case,
                cell.clients,
                cell.target.text(),
                round.rate,
                round.p99_us / 1_000.0,
                round.server_cpu_us
            );
            cell.rounds.push(round);
        }
    }
    Ok(cells)
}

fn run_round(target: &dyn Target, window: &Window, halt: &Arc<Halt>) -> anyhow::Result<Round> {
    let pid = target.pid();
    let (sample, before, after) = measure(&target.connector(), window, halt, || {
        (processes::cpu(pid), processes::cpu_alone(std::process::id()))
    })?;
    let per_operation = |spent: Duration| spent.as_secs_f64() * 1e6 / sample.latency.len().max(1) as f64;
    let resident_bytes = processes::resident_bytes(pid);
    target.tidy()?;
    thread::sleep(SETTLE);
    Ok(Round {
        rate: sample.rate(),
        p50_us: quantile_us(&sample.latency, 0.5),
        p99_us: quantile_us(&sample.latency, 0.99),
        p999_us: quantile_us(&sample.latency, 0.999),
        max_us: quantile_us(&sample.latency, 1.0),
        server_cpu_us: per_operation(after.0.saturating_sub(before.0)),
        generator_cpu_us: per_operation(after.1.saturating_sub(before.1)),
        resident_bytes,
        disk_bytes: target.folder().map(disk::allocated_bytes),
        done: sample.latency.len(),
        refused: sample.refused,
        failed: sample.failed,
        first_error: sample.first_error,
    })
}

/// The machine's own word on how busy it is: over one, five and fifteen minutes.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
