//! What overwriting costs on disk: the same records, overwritten the same number of times, then left to settle.
//!
//! Strongroom keeps the earlier versions for undo, so its disk is held against heads and kept history together; the
//! peers keep heads only, after their own housekeeping, and are shown for orientation.

use std::fmt::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use crate::measure::{clock, disk};
use crate::payload::META_BYTES;
use crate::peers::etcd::Etcd;
use crate::peers::postgres::Postgres;
use crate::plan::TargetName;
use crate::report::floors::{Bound, Verdict};
use crate::report::table::{push_aligned, push_floors};
use crate::run::{Connector, Halt, Outcome};
use crate::strongroom::{Mode, OverHttp, Strongroom};
use crate::target::{Site, Target, block_on};

const VALUE_BYTES: usize = 100 * 1024;
/// Versions that the server keeps of each record by default, the present one included.
const VERSIONS_MAX: usize = 32;
/// Bytes on disk for each byte of heads and kept history, at most.
const BOUND: Bound = Bound::AtMost(3.0);

/// A folder has settled when its size stood still this long.
const STILL: Duration = Duration::from_secs(3);
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// One target's disk.
#[derive(Debug, Clone, Serialize)]
struct Usage {
    target: TargetName,
    disk_bytes: u64,
    head_bytes: u64,
    /// Heads, and earlier versions where the target keeps them.
    kept_bytes: u64,
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DiskReport {
    records: usize,
    overwrites: usize,
    usages: Vec<Usage>,
    floors: Vec<Verdict>,
}

/// Writes `records` records and overwrites each `overwrites` times, on each target in turn.
///
/// # Errors
/// A target does not start or refuses a write, or the end was asked for.
pub(crate) fn run(
    site: Site<'_>,
    strongroom: &Path,
    targets: &[TargetName],
    records: usize,
    overwrites: usize,
    halt: &Arc<Halt>,
) -> anyhow::Result<DiskReport> {
    let head_bytes = (records * (META_BYTES + VALUE_BYTES)) as u64;
    let mut usages = Vec::new();
    for name in targets.iter().copied() {
        eprintln!("overwriting on {}", name.text());
        let mut kept_versions = 1;
        let disk_bytes = match name {
            TargetName::Strongroom => {
                kept_versions = (1 + overwrites).min(VERSIONS_MAX);
                let server = Rc::new(Strongroom::start(site, strongroom, Mode::Serve, "strongroom")?);
                overwrite(&OverHttp(server), records, overwrites, halt)?
            }
            TargetName::Etcd => {
                let etcd = Etcd::start(site, false)?;
                overwrite(&etcd, records, overwrites, halt)?;
                etcd.defragment()?;
                settled_bytes(&etcd, halt)?
            }
            TargetName::Postgres => overwrite(&Postgres::start(site)?, records, overwrites, halt)?,
            other => bail!("{} keeps nothing on disk", other.text()),
        };
        usages.push(Usage {
            target: name,
            disk_bytes,
            head_bytes,
            kept_bytes: head_bytes * kept_versions as u64,
        });
    }
    let ours = usages.iter().find(|usage| usage.target == TargetName::Strongroom);
    let floors = ours.map(|usage| {
        let what = format!("disk after {overwrites} overwrites of 100 KiB / heads and kept history");
        let ratio = usage.disk_bytes as f64 / usage.kept_bytes as f64;
        Verdict::new(what, BOUND, ratio, ratio)
    });
    Ok(DiskReport { records, overwrites, usages, floors: floors.into_iter().collect() })
}

impl DiskReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let _ =
            writeln!(text, "{} records of 100 KiB, each overwritten {} times", self.records, self.overwrites);
        let mut lines = vec![["target", "disk MiB", "per head", "per kept byte"].map(str::to_owned)];
        lines.extend(self.usages.iter().map(|usage| {
            let per = |bytes: u64| format!("{:.2}", usage.disk_bytes as f64 / bytes as f64);
            let mib = format!("{:.1}", usage.disk_bytes as f64 / 1_048_576.0);
            [usage.target.text().to_owned(), mib, per(usage.head_bytes), per(usage.kept_bytes)]
        }));
        push_aligned(&mut text, &lines);
        push_floors(&mut text, &self.floors);
        text
    }
}

fn overwrite(target: &dyn Target, records: usize, overwrites: usize, halt: &Halt) -> anyhow::Result<u64> {
    block_on(write_all(target.connector(), records, overwrites, halt))?;
    target.tidy()?;
    settled_bytes(target, halt)
}

async fn write_all(
    connector: Arc<dyn Connector>,
    records: usize,
    overwrites: usize,
    halt: &Halt,
) -> anyhow::Result<()> {
    let writing = (0..records).map(|record| {
        let connector = Arc::clone(&connector);
        async move {
            let mut driver = connector.connect(record, VALUE_BYTES).await?;
            for _ in 0..overwrites {
                halt.check()?;
                if driver.put().await? != Outcome::Done {
                    bail!("somebody else writes record {record}");
                }
            }
            Ok(())
        }
    });
    futures_util::future::try_join_all(writing).await.map(|_| ())
}

fn settled_bytes(target: &dyn Target, halt: &Halt) -> anyhow::Result<u64> {
    let Some(folder) = target.folder() else { bail!("a target without a folder") };
    let start = clock::now();
    let (mut bytes, mut since) = (disk::allocated_bytes(folder), start);
    while since.elapsed() < STILL && start.elapsed() < SETTLE_MAX {
        halt.check()?;
        thread::sleep(Duration::from_millis(100));
        let seen = disk::allocated_bytes(folder);
        if seen != bytes {
            (bytes, since) = (seen, clock::now());
        }
    }
    Ok(bytes)
}
