//! What an idle subscriber costs the server in memory: many authenticated connections that follow their own feeds.
//!
//! The subscribers live in processes of their own, so that their memory is not the server's and their file handles do
//! not meet one process's limit. Memory is read when all are connected and the server has had time to settle.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde::Serialize;

use crate::measure::processes;
use crate::process::{Launch, ServerProcess};
use crate::report::floors::{Bound, Verdict};
use crate::report::table::push_floors;
use crate::run::Halt;
use crate::strongroom::{Link, Mode, Strongroom, application};
use crate::target::{Site, block_on};

/// KiB of the server's memory for each subscriber, at most.
const BOUND: Bound = Bound::AtMost(32.0);
/// Subscribers before the first reading, so that what the server makes once is not divided among the many.
const WARM_UP: usize = 50;
/// Handshakes in flight from one process.
const AT_ONCE: usize = 32;
const CONNECT_PATIENCE: Duration = Duration::from_secs(180);
const SETTLE: Duration = Duration::from_secs(5);
/// What a process of subscribers prints when all of them are connected.
const ALL_CONNECTED: &str = "all connected";
/// What it prints for each connection that ends.
const LOST: &str = "lost a subscriber";

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscribersReport {
    count: usize,
    processes: usize,
    resident_before_bytes: u64,
    resident_after_bytes: u64,
    /// Growth divided by the number of subscribers.
    bytes_each: f64,
    /// Connections that the server ended while they were idle.
    lost: usize,
    floors: Vec<Verdict>,
}

/// Opens `count` subscribers from `processes` processes against a fresh server and reads its memory.
///
/// # Errors
/// The server does not start or does not take a subscriber, or the end was asked for.
pub(crate) fn run(
    site: Site<'_>,
    strongroom: &Path,
    count: usize,
    processes: usize,
    halt: &Halt,
) -> anyhow::Result<SubscribersReport> {
    let server = Strongroom::start(site, strongroom, Mode::Serve, "strongroom")?;
    let warm_up = open_from_a_process(site, server.http(), 0, 0, WARM_UP)?;
    let mut groups = vec![warm_up];
    wait_for_all(&mut groups, halt)?;
    thread::sleep(SETTLE);
    let resident_before_bytes = processes::resident_bytes(server.pid());

    for number in 0..processes {
        let first = WARM_UP + count * number / processes;
        let end = WARM_UP + count * (number + 1) / processes;
        groups.push(open_from_a_process(site, server.http(), number + 1, first, end)?);
    }
    wait_for_all(&mut groups, halt)?;
    thread::sleep(SETTLE);
    let resident_after_bytes = processes::resident_bytes(server.pid());

    let lost = groups.iter().map(|group| group.log_text().matches(LOST).count()).sum();
    let growth_bytes = resident_after_bytes.saturating_sub(resident_before_bytes);
    let bytes_each = growth_bytes as f64 / count as f64;
    let kib = bytes_each / 1024.0;
    let what = format!("KiB of server memory for each of {count} idle subscribers");
    let floors = vec![Verdict::new(what, BOUND, kib, kib)];
    Ok(SubscribersReport {
        count,
        processes,
        resident_before_bytes,
        resident_after_bytes,
        bytes_each,
        lost,
        floors,
    })
}

impl SubscribersReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        let _ = writeln!(
            text,
            "{} subscribers in {} processes: server memory from {:.1} to {:.1} MiB, {} connections lost",
            self.count,
            self.processes,
            mib(self.resident_before_bytes),
            mib(self.resident_after_bytes),
            self.lost
        );
        push_floors(&mut text, &self.floors);
        text
    }
}

fn open_from_a_process(
    site: Site<'_>,
    address: SocketAddr,
    number: usize,
    first: usize,
    end: usize,
) -> anyhow::Result<ServerProcess> {
    let launch = Launch {
        name: "subscribers",
        program: &std::env::current_exe()?,
        arguments: vec!["subscribe".to_owned(), address.to_string(), first.to_string(), end.to_string()],
        environment: Vec::new(),
        user: None,
        core: None,
        log: site.folder.join(format!("subscribers-{number}.log")),
        stop_with: Signal::TERM,
    };
    launch.start()
}

fn wait_for_all(groups: &mut [ServerProcess], halt: &Halt) -> anyhow::Result<()> {
    for group in groups {
        let log = group.log_path().to_owned();
        let connected = || {
            halt.is_asked() || std::fs::read_to_string(&log).is_ok_and(|text| text.contains(ALL_CONNECTED))
        };
        group.wait_until(CONNECT_PATIENCE, Duration::from_millis(50), connected)?;
        halt.check()?;
    }
    Ok(())
}

/// The other side: opens subscribers `first..end`, says so, and holds them until the process is ended.
///
/// # Errors
/// A subscriber is not taken.
pub(crate) fn hold(address: SocketAddr, first: usize, end: usize) -> anyhow::Result<()> {
    raise_file_limit(end - first)?;
    let application = application();
    block_on(async move {
        let opening = (first..end).map(|number| {
            let application = &application;
            async move {
                let mut link = Link::open(address, application, &format!("subscriber-{number}")).await?;
                link.subscribe().await?;
                anyhow::Ok(link)
            }
        });
        let opened: Vec<_> = futures_util::stream::iter(opening).buffer_unordered(AT_ONCE).collect().await;
        let mut idle = futures_util::stream::FuturesUnordered::new();
        for link in opened {
            idle.push(link?.idle());
        }
        println!("{ALL_CONNECTED}");
        while let Some(error) = idle.next().await {
            println!("{LOST}: {error:#}");
        }
        bail!("the server ended every connection")
    })
}

/// A socket each, and a few files of the process's own.
fn raise_file_limit(sockets: usize) -> anyhow::Result<()> {
    let needed = sockets as u64 + 64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised)
            .with_context(|| format!("{sockets} sockets exceed the limit of open files"))?;
    }
    Ok(())
}
