//! The log: structured lines on standard error, written by a thread of its own.
//!
//! The one thing to believe: **logging never makes anybody wait** (THREATS F-24). Lines go into a bounded queue; when
//! whoever reads them stands still and the queue is full, lines are dropped and counted, and the count is written
//! when reading goes on.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::config::LogFormat;

/// Lines that wait to be written.
const QUEUE_LINES: usize = 8_192;

/// How long the process waits for the last lines to be written before it ends.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// How long it waits between two looks at a full queue.
const FLUSH_TRY_EVERY: Duration = Duration::from_millis(10);

enum Entry {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// Puts lines into the queue.
#[derive(Clone)]
struct Queue {
    entries: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Write for Queue {
    /// Takes one whole line; the formatter writes each event at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.entries.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Writes what is still waiting when it is dropped, as far as that goes quickly.
pub(crate) struct LogGuard(SyncSender<Entry>);

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        // A full queue may be one whose reader has just gone on.
        for _ in 0..FLUSH_WITHIN.as_millis() / FLUSH_TRY_EVERY.as_millis() {
            match self.0.try_send(entry) {
                Ok(()) => {
                    let _ = written.recv_timeout(FLUSH_WITHIN);
                    return;
                }
                Err(TrySendError::Full(back)) => entry = back,
                Err(TrySendError::Disconnected(_)) => return,
            }
            std::thread::sleep(FLUSH_TRY_EVERY);
        }
    }
}

/// Starts the log.
///
/// # Errors
/// If its thread cannot be started.
pub(crate) fn start(format: LogFormat, level: &str) -> io::Result<LogGuard> {
    let pretty = match format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let (queue, guard) = queue(io::stderr(), pretty, QUEUE_LINES)?;
    let lines = fmt::layer().with_writer(queue);
    let lines = if pretty {
        lines.with_ansi(io::stderr().is_terminal()).with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    };
    tracing_subscriber::registry()
        .with(filter_fn(may_be_logged))
        .with(EnvFilter::new(level))
        .with(lines)
        .init();
    log_panics();
    Ok(guard)
}

/// Libraries are heard from warnings up, whatever level is asked for: below, they tell of the bytes that they carry,
/// and those are tokens and what records hold (THREATS A-LEAK-01).
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("strongroom") || *metadata.level() <= Level::WARN
}

fn queue(sink: impl Write + Send + 'static, pretty: bool, lines: usize) -> io::Result<(Queue, LogGuard)> {
    let (entries, waiting) = sync_channel(lines);
    let lost = Arc::new(AtomicU64::new(0));
    let counter = lost.clone();
    std::thread::Builder::new()
        .name("strongroom-log".to_owned())
        .spawn(move || write_lines(sink, &waiting, &counter, pretty))?;
    Ok((Queue { entries: entries.clone(), lost }, LogGuard(entries)))
}

fn write_lines(mut sink: impl Write, waiting: &Receiver<Entry>, lost: &AtomicU64, pretty: bool) {
    // A log that cannot be written has nobody to tell.
    while let Ok(entry) = waiting.recv() {
        match entry {
            Entry::Line(line) => drop(sink.write_all(&line)),
            Entry::Flush(done) => {
                let _ = sink.flush();
                let _ = done.try_send(());
            }
        }
        let lines = lost.swap(0, Ordering::Relaxed);
        if lines > 0 {
            let _ = if pretty {
                writeln!(sink, "WARN the log could not keep up: {lines} lines were lost")
            } else {
                writeln!(
                    sink,
                    "{{\"level\":\"WARN\",\"message\":\"the log could not keep up\",\"lines_lost\":{lines}}}"
                )
            };
        }
    }
}

/// Panics are logged by their place. Their text may repeat what must not be seen.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a thread panicked");
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc::channel};

    use super::*;

    /// A sink that stands still until it is told to go on.
    struct Stuck {
        go_on: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.go_on.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// F-24: a sink that blocks holds nobody up, and what was lost meanwhile is counted.
    #[test]
    fn a_log_that_nobody_reads_drops_lines_and_says_how_many() {
        let (release, go_on) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut queue, guard) = queue(Stuck { go_on, written: written.clone() }, false, 4).unwrap();
        for n in 0..100 {
            queue.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        drop(release);
        drop(guard);
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let lost = text.split("\"lines_lost\":").nth(1).and_then(|rest| rest.split('}').next());
        let lost: usize = lost.unwrap_or_else(|| panic!("no count in {text:?}")).parse().unwrap();
        let kept = text.lines().filter(|line| line.starts_with("line ")).count();
        assert_eq!(kept + lost, 100, "{text}");
        assert!(lost >= 90, "{lost} lost");
    }
}
