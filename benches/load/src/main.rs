//! Load on whole processes: Strongroom beside etcd, PostgreSQL and two bare servers, in one interleaved run.
//!
//! The program starts every server itself, on loopback, with data folders of its own, drives them all with the same
//! work and reads their processor time, memory and disk off the kernel. What it does not do is judge: it prints ratios
//! beside the floors they are meant to reach, and the reader decides. Believe this: figures of two runs do not compare,
//! ratios within one run do.

mod api_key;
mod compare;
mod disk;
mod guess;
mod measure;
mod net;
mod part;
mod payload;
mod peers;
mod plan;
mod process;
mod report;
mod run;
mod sign_in;
mod signed;
mod start;
mod strongroom;
mod subscribers;
mod target;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};

use crate::plan::{Repeated, Selection, TargetName};
use crate::run::Halt;
use crate::target::Site;

/// Drives Strongroom, etcd and PostgreSQL with the same work and compares them.
#[derive(Debug, Parser)]
#[command(name = "strongroom-load", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Processor time of an API key's login beside its cryptography, and reads over sealed sessions beside plain ones.
    ApiKey(RoundsArguments),
    /// Rates, latencies, processor time and memory, all targets interleaved.
    Compare(CompareArguments),
    /// Disk use after overwriting the same records many times.
    Disk(DiskArguments),
    /// Processor time and rate of guesses at PINs beside durable compare-and-sets.
    Guess(GuessArguments),
    /// Processor time of a sign-in beside its arithmetic, and what a flood of them does to readers.
    SignIn(RoundsArguments),
    /// Processor time of a signed request beside an unsigned one, and its rate where signatures are rows.
    Signed(RoundsArguments),
    /// Time to ready on an empty store, and the size of the program.
    Start(StartArguments),
    /// Server memory for each of many idle authenticated subscribers.
    Subscribers(SubscribersArguments),
    /// Holds subscribers open (used by `subscribers`).
    #[command(hide = true)]
    Subscribe {
        #[arg(value_parser = loopback)]
        address: SocketAddr,
        first: usize,
        end: usize,
    },
    /// Runs the bare hello and echo server (used by `compare`).
    #[command(hide = true)]
    ServeBare {
        #[arg(value_parser = loopback)]
        address: SocketAddr,
    },
}

/// What all measuring commands share.
#[derive(Debug, Args)]
struct Common {
    /// The server's program; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    strongroom: Option<PathBuf>,
    /// Where data folders are made (a new folder within, removed at the end); must not lie in memory.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CompareArguments {
    #[command(flatten)]
    common: Common,
    /// Only these cases (put-1k, put-100k, open-put-1k, get-1k, get-100k, ws-get-1k).
    #[arg(long, value_delimiter = ',')]
    cases: Vec<String>,
    /// Only these numbers of clients.
    #[arg(long, value_delimiter = ',')]
    clients: Vec<usize>,
    /// Only these targets.
    #[arg(long, value_delimiter = ',')]
    targets: Vec<TargetName>,
    /// Rounds of each case, interleaved over the targets.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=25))]
    rounds: u64,
    /// Seconds counted in each round.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Generator threads.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    threads: u64,
    /// Bind the servers to core 0 and the generator to core 1.
    #[arg(long)]
    pin: bool,
    /// One etcd connection for all clients of a generator thread instead of one for each client.
    #[arg(long)]
    etcd_shared: bool,
}

#[derive(Debug, Args)]
struct DiskArguments {
    #[command(flatten)]
    common: Common,
    /// Records of 100 KiB.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=256))]
    records: u64,
    /// How often each is overwritten.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=200))]
    overwrites: u64,
    /// On which targets.
    #[arg(long, value_delimiter = ',', default_values = ["strongroom", "etcd", "postgres"])]
    targets: Vec<TargetName>,
}

#[derive(Debug, Args)]
struct StartArguments {
    #[command(flatten)]
    common: Common,
    /// Starts in each mode.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
}

#[derive(Debug, Args)]
struct RoundsArguments {
    #[command(flatten)]
    common: Common,
    /// Clients that sign in or ask over and over, each with users or keys of its own.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=256))]
    clients: u64,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=25))]
    rounds: u64,
    /// Seconds of each part of a round.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
}

impl RoundsArguments {
    fn plan(&self) -> anyhow::Result<Repeated> {
        Ok(Repeated {
            clients: usize::try_from(self.clients)?,
            rounds: usize::try_from(self.rounds)?,
            length: Duration::from_secs(self.seconds),
        })
    }
}

#[derive(Debug, Args)]
struct GuessArguments {
    #[command(flatten)]
    rounds: RoundsArguments,
    /// Users who are registered before anything is measured, with 20 guesses each.
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    users: u64,
}

#[derive(Debug, Args)]
struct SubscribersArguments {
    #[command(flatten)]
    common: Common,
    /// Subscribers.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=25_000))]
    count: u64,
    /// Processes that hold them.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    processes: u64,
}

/// Load before the counted span of each window.
const WARM_UP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::ServeBare { address } => peers::bare::serve(address),
        Command::ApiKey(arguments) => api_key(&arguments),
        Command::Compare(arguments) => compare(&arguments),
        Command::Disk(arguments) => overwrite(&arguments),
        Command::Guess(arguments) => guess(&arguments),
        Command::SignIn(arguments) => sign_in(&arguments),
        Command::Signed(arguments) => signed(&arguments),
        Command::Start(arguments) => start(&arguments),
        Command::Subscribers(arguments) => subscribe(&arguments),
        Command::Subscribe { address, first, end } => subscribers::hold(address, first, end),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strongroom-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn api_key(arguments: &RoundsArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let report = api_key::run(ground.site(), &ground.strongroom, arguments.plan()?, &halt)?;
    print(&arguments.common, &report, api_key::ApiKeyReport::render)
}

fn compare(arguments: &CompareArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let comparison = compare::Comparison {
        selection: Selection {
            cases: arguments.cases.clone(),
            clients: arguments.clients.clone(),
            targets: arguments.targets.clone(),
        },
        rounds: usize::try_from(arguments.rounds)?,
        warm_up: WARM_UP,
        length: Duration::from_secs(arguments.seconds),
        threads: usize::try_from(arguments.threads)?,
        pinned: arguments.pin,
        etcd_shared: arguments.etcd_shared,
        strongroom: ground.strongroom.clone(),
    };
    let site = Site { folder: ground.folder.path(), core: arguments.pin.then_some(0) };
    let report = compare::run(&comparison, site, &halt)?;
    print(&arguments.common, &report, report::table::render)
}

fn overwrite(arguments: &DiskArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let (records, overwrites) = (usize::try_from(arguments.records)?, usize::try_from(arguments.overwrites)?);
    let report =
        disk::run(ground.site(), &ground.strongroom, &arguments.targets, records, overwrites, &halt)?;
    print(&arguments.common, &report, disk::DiskReport::render)
}

fn guess(GuessArguments { rounds, users }: &GuessArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&rounds.common)?;
    let users = usize::try_from(*users)?;
    let report = guess::run(ground.site(), &ground.strongroom, rounds.plan()?, users, &halt)?;
    print(&rounds.common, &report, guess::GuessReport::render)
}

fn sign_in(arguments: &RoundsArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let report = sign_in::run(ground.site(), &ground.strongroom, arguments.plan()?, &halt)?;
    print(&arguments.common, &report, sign_in::SignInReport::render)
}

fn signed(arguments: &RoundsArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let report = signed::run(ground.site(), &ground.strongroom, arguments.plan()?, &halt)?;
    print(&arguments.common, &report, signed::SignedReport::render)
}

fn start(arguments: &StartArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let report = start::run(ground.site(), &ground.strongroom, usize::try_from(arguments.rounds)?, &halt)?;
    print(&arguments.common, &report, start::StartReport::render)
}

fn subscribe(arguments: &SubscribersArguments) -> anyhow::Result<()> {
    let halt = watch_signals()?;
    let ground = Ground::prepare(&arguments.common)?;
    let (count, processes) = (usize::try_from(arguments.count)?, usize::try_from(arguments.processes)?);
    let report = subscribers::run(ground.site(), &ground.strongroom, count, processes, &halt)?;
    print(&arguments.common, &report, subscribers::SubscribersReport::render)
}

/// The report on standard output, as text or as JSON and nothing else.
fn print<R: serde::Serialize>(common: &Common, report: &R, render: fn(&R) -> String) -> anyhow::Result<()> {
    if common.json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{}", render(report));
    }
    Ok(())
}

/// The folder of a run and the program under test.
struct Ground {
    folder: tempfile::TempDir,
    strongroom: PathBuf,
}

impl Ground {
    /// Servers on all cores.
    fn site(&self) -> Site<'_> {
        Site { folder: self.folder.path(), core: None }
    }

    fn prepare(common: &Common) -> anyhow::Result<Ground> {
        use std::os::unix::fs::PermissionsExt;

        let within = common.folder.clone().unwrap_or_else(std::env::temp_dir);
        if measure::disk::is_in_memory(&within) {
            bail!("{} lies in memory, where a sync costs nothing: give --folder on a disk", within.display());
        }
        let folder = tempfile::Builder::new().prefix("strongroom-load-").tempdir_in(&within)?;
        // PostgreSQL runs under an account of its own, which has to pass through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let strongroom = match &common.strongroom {
            Some(given) => given.clone(),
            None => {
                std::env::current_exe()?.parent().context("this program lies nowhere")?.join("strongroom")
            }
        };
        Ok(Ground { folder, strongroom })
    }
}

/// An address of this machine's loopback: the program neither serves nor loads anything else.
fn loopback(text: &str) -> anyhow::Result<SocketAddr> {
    let address: SocketAddr = text.parse()?;
    if !address.ip().is_loopback() {
        bail!("{address} is not a loopback address");
    }
    Ok(address)
}

/// Turns the first interrupt or termination signal into a wish to end; servers are then ended in good order.
fn watch_signals() -> anyhow::Result<Arc<Halt>> {
    use tokio::signal::unix::{SignalKind, signal};

    let halt = Arc::new(Halt::default());
    let asked = Arc::clone(&halt);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _within = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        eprintln!("ending");
        asked.ask();
    });
    Ok(halt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_but_loopback_is_served_or_loaded() {
        assert!(loopback("127.0.0.1:80").is_ok());
        assert!(loopback("[::1]:80").is_ok());
        assert!(loopback("192.0.2.1:80").is_err());
        assert!(loopback("0.0.0.0:80").is_err());
    }
}
