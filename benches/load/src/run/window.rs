//! One window of load: clients on generator threads, a warm-up that is not counted, then a span that is.
//!
//! *Closed loop*: each client sends its next operation when the last one is answered; latency counts from sending.
//! *Open loop*: operations begin by the clock at a fixed rate whether or not earlier ones were answered, and latency
//! counts from the instant an operation was **due**, so a server that stalls is charged for everyone who waited.
//!
//! Each generator thread is a single-threaded runtime with its share of the clients: no stealing, no locks on the way.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use tokio::sync::{Semaphore, watch};
use tokio::task::LocalSet;

use super::{Connector, Driver, Halt, Operation, Outcome};
use crate::measure::clock::{nanos, now};

/// Latencies are kept to three digits up to this; longer ones count as this.
const LATENCY_MAX_NS: u64 = 60_000_000_000;

/// How long all clients together may take to connect and lay their records.
const CONNECT_PATIENCE: Duration = Duration::from_secs(60);

/// How long operations may go on after the span; what is unanswered then counts as failed.
const GRACE: Duration = Duration::from_secs(15);

/// A pause after an error, so that a dead target is not hammered.
const ERROR_PAUSE: Duration = Duration::from_millis(20);

/// When the next operation begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pace {
    /// When the client's last one is answered.
    Closed,
    /// By the clock: this many per second from all clients together.
    Open { per_second: u32 },
}

/// How much load for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) operation: Operation,
    pub(crate) value_bytes: usize,
    pub(crate) clients: usize,
    /// Generator threads.
    pub(crate) threads: usize,
    /// The core that all generator threads are bound to; all cores when absent.
    pub(crate) core: Option<usize>,
    pub(crate) warm_up: Duration,
    pub(crate) length: Duration,
    pub(crate) pace: Pace,
}

/// What was counted within one span.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Nanoseconds per operation that ended well.
    pub(crate) latency: Histogram<u64>,
    /// Compare-and-sets refused for their head.
    pub(crate) refused: u64,
    /// Errors, lost connections, and operations that were never answered.
    pub(crate) failed: u64,
    pub(crate) first_error: Option<String>,
    /// The counted span as it really was.
    pub(crate) length: Duration,
}

impl Sample {
    fn new() -> anyhow::Result<Sample> {
        let latency = Histogram::new_with_bounds(1_000, LATENCY_MAX_NS, 3)?;
        Ok(Sample { latency, refused: 0, failed: 0, first_error: None, length: Duration::ZERO })
    }

    /// Operations per second that ended well.
    pub(crate) fn rate(&self) -> f64 {
        self.latency.len() as f64 / self.length.as_secs_f64()
    }

    fn fail(&mut self, error: &anyhow::Error) {
        self.failed += 1;
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }

    fn add(&mut self, other: Sample) -> anyhow::Result<()> {
        self.latency.add(other.latency)?;
        self.refused += other.refused;
        self.failed += other.failed;
        self.first_error = self.first_error.take().or(other.first_error);
        Ok(())
    }
}

/// The instants of a window that has begun.
#[derive(Debug, Clone, Copy)]
struct Span {
    begin: Instant,
    count_from: Instant,
    count_to: Instant,
}

/// How far a window has come, as the generators are told.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Connecting,
    Running(Span),
    /// The books at the end of the span have been read. Until then connections stay open and threads alive: what ends
    /// drops out of the kernel's running sums, a server's process for the connection included.
    Over,
}

impl Span {
    fn counts(&self, instant: Instant) -> bool {
        (self.count_from..=self.count_to).contains(&instant)
    }
}

/// Places in an open loop's schedule, handed to the clients in order.
struct Schedule {
    due: Semaphore,
    next: AtomicU64,
    places: u64,
    interval: Duration,
}

impl Schedule {
    fn new(per_second: u32, whole: Duration) -> Schedule {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let places = (whole.as_nanos() / interval.as_nanos()) as u64;
        Schedule { due: Semaphore::new(0), next: AtomicU64::new(0), places, interval }
    }

    /// Hands places out by the clock. A thread of its own, because the runtime's timer only knows milliseconds.
    fn run(&self, begin: Instant, halt: &Halt) {
        for place in 0..self.places {
            let due = begin + self.interval.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
            thread::sleep(due.saturating_duration_since(now()));
            if halt.is_asked() {
                break;
            }
            self.due.add_permits(1);
        }
        // No further place will come due; whoever waits shall wake and see that.
        self.due.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// The next place's due instant, once it has come; `None` when the schedule is through.
    async fn place(&self, begin: Instant) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        (place < self.places)
            .then(|| begin + self.interval.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX)))
    }
}

/// Runs one window against `connector`. `at_edge` is called at both ends of the counted span and reads the server's
/// books; its two answers come back beside the sample.
///
/// # Errors
/// A client cannot connect, or the end was asked for. Failing operations are no error: they are counted.
pub(crate) fn measure<T>(
    connector: &Arc<dyn Connector>,
    window: &Window,
    halt: &Arc<Halt>,
    mut at_edge: impl FnMut() -> T,
) -> anyhow::Result<(Sample, T, T)> {
    let threads = window.threads.clamp(1, window.clients.max(1));
    let (tell, stage) = watch::channel(Stage::Connecting);
    let (report_ready, ready) = mpsc::channel();
    let schedule = match window.pace {
        Pace::Closed => None,
        Pace::Open { per_second } => {
            Some(Arc::new(Schedule::new(per_second, window.warm_up + window.length)))
        }
    };
    let mut generators = Vec::new();
    for thread_number in 0..threads {
        let generator = Generator {
            connector: Arc::clone(connector),
            window: *window,
            schedule: schedule.clone(),
            clients: (thread_number..window.clients).step_by(threads).collect(),
            halt: Arc::clone(halt),
        };
        let (stage, report_ready) = (stage.clone(), report_ready.clone());
        let name = format!("generator-{thread_number}");
        generators.push(thread::Builder::new().name(name).spawn(move || generator.run(stage, report_ready))?);
    }
    drop(report_ready);
    for _ in 0..threads {
        ready.recv_timeout(CONNECT_PATIENCE).map_err(|_| anyhow!("the clients did not connect"))??;
    }

    let begin = now();
    let span =
        Span { begin, count_from: begin + window.warm_up, count_to: begin + window.warm_up + window.length };
    tell.send(Stage::Running(span)).map_err(|_| anyhow!("every generator ended"))?;
    let pacer = schedule.map(|schedule| {
        let halt = Arc::clone(halt);
        thread::spawn(move || schedule.run(begin, &halt))
    });
    sleep_until(span.count_from, halt);
    let before = at_edge();
    sleep_until(span.count_to, halt);
    let after = at_edge();
    tell.send_replace(Stage::Over);

    let mut sample = Sample::new()?;
    sample.length = window.length;
    for generator in generators {
        sample.add(generator.join().map_err(|_| anyhow!("a generator panicked"))??)?;
    }
    if let Some(pacer) = pacer {
        pacer.join().map_err(|_| anyhow!("the pacer panicked"))?;
    }
    halt.check()?;
    Ok((sample, before, after))
}

/// Sleeps in slices, so that a wish to end is heard.
fn sleep_until(instant: Instant, halt: &Halt) {
    loop {
        let left = instant.saturating_duration_since(now());
        if left.is_zero() || halt.is_asked() {
            return;
        }
        thread::sleep(left.min(Duration::from_millis(50)));
    }
}

/// One thread's share of the clients.
struct Generator {
    connector: Arc<dyn Connector>,
    window: Window,
    schedule: Option<Arc<Schedule>>,
    clients: Vec<usize>,
    halt: Arc<Halt>,
}

type Ready = mpsc::Sender<anyhow::Result<()>>;

impl Generator {
    fn run(self, mut stage: watch::Receiver<Stage>, ready: Ready) -> anyhow::Result<Sample> {
        if let Some(core) = self.window.core {
            crate::process::bind_thread(core)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let generator = Rc::new(self);
        let sample = Rc::new(RefCell::new(Sample::new()?));
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            let connected = generator.connect_all().await;
            let drivers = match connected {
                Ok(drivers) => drivers,
                Err(error) => return ready.send(Err(error)).context("nobody waits for the generator"),
            };
            ready.send(Ok(())).context("nobody waits for the generator")?;
            let Stage::Running(span) = *stage.wait_for(|stage| !matches!(stage, Stage::Connecting)).await?
            else {
                bail!("the window was over before it began");
            };
            let drivers = generator.drive_all(drivers, span, &sample).await;
            stage.wait_for(|stage| matches!(stage, Stage::Over)).await?;
            drop(drivers);
            Ok(())
        })?;
        Ok(sample.borrow().clone())
    }

    async fn connect_all(&self) -> anyhow::Result<Vec<Box<dyn Driver>>> {
        let connecting =
            self.clients.iter().map(|client| self.connector.connect(*client, self.window.value_bytes));
        futures_util::future::try_join_all(connecting).await
    }

    /// Drives all clients to the end of the window and hands back what is still connected.
    async fn drive_all(
        self: &Rc<Generator>,
        drivers: Vec<Box<dyn Driver>>,
        span: Span,
        sample: &Rc<RefCell<Sample>>,
    ) -> Vec<Box<dyn Driver>> {
        let mut driving = FuturesUnordered::new();
        for (client, driver) in self.clients.iter().zip(drivers) {
            let (generator, sample, client) = (Rc::clone(self), Rc::clone(sample), *client);
            driving.push(tokio::task::spawn_local(async move {
                generator.drive(client, driver, span, &sample).await
            }));
        }
        let patience = span.count_to.saturating_duration_since(now()) + GRACE;
        let mut deadline = pin!(tokio::time::sleep(patience));
        let mut held = Vec::new();
        loop {
            tokio::select! {
                biased;
                ended = driving.next() => match ended {
                    Some(driver) => held.extend(driver.ok().flatten()),
                    None => return held,
                },
                () = &mut deadline => break,
            }
        }
        for client in &driving {
            client.abort();
            sample.borrow_mut().fail(&anyhow!("no answer within {GRACE:?} of the end"));
        }
        held
    }

    /// Drives one client to the end of the window and hands its driver back, if it still has one.
    async fn drive(
        &self,
        client: usize,
        driver: Box<dyn Driver>,
        span: Span,
        sample: &RefCell<Sample>,
    ) -> Option<Box<dyn Driver>> {
        let mut driver = Some(driver);
        while !self.halt.is_asked() {
            let begun = match &self.schedule {
                None if now() >= span.count_to => break,
                None => now(),
                Some(schedule) => match schedule.place(span.begin).await {
                    Some(due) => due,
                    None => break,
                },
            };
            let outcome = self.operate(client, &mut driver).await;
            let ended = now();
            // A closed loop counts what ends within the span, which is what the rate means. An open loop counts what
            // was due within it, however late it ends: leaving the late ones out would flatter a stalled server.
            if !span.counts(if self.schedule.is_some() { begun } else { ended }) {
                continue;
            }
            let mut sample = sample.borrow_mut();
            match outcome {
                Ok(Outcome::Done) => sample.latency.saturating_record(nanos(ended - begun)),
                Ok(Outcome::Refused) => sample.refused += 1,
                Err(error) => sample.fail(&error),
            }
        }
        driver
    }

    async fn operate(&self, client: usize, slot: &mut Option<Box<dyn Driver>>) -> anyhow::Result<Outcome> {
        let outcome = self.attempt(client, slot).await;
        if outcome.is_err() {
            *slot = None;
            tokio::time::sleep(ERROR_PAUSE).await;
        }
        outcome
    }

    async fn attempt(&self, client: usize, slot: &mut Option<Box<dyn Driver>>) -> anyhow::Result<Outcome> {
        let driver = match slot {
            Some(driver) => driver,
            None => slot.insert(self.connector.connect(client, self.window.value_bytes).await?),
        };
        match self.window.operation {
            Operation::Put => driver.put().await,
            Operation::Get => driver.get().await,
        }
    }
}

#[cfg(test)]
mod tests;
