//! Metrics in the text format that Prometheus reads.
//!
//! Labels are names of domains, commands, outcomes and listeners, which the source code fixes; no account, record or
//! address ever becomes one (A-ADM-02). Counting happens on hot paths, so the counters of a command are found by where
//! its names lie in memory, and not by spelling them out.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use strongroom_engine::{Health, observe::Observer};

use crate::sockets::seats::Seats;

/// Bounds of the latency histograms, in seconds.
const SECONDS: &[f64] =
    &[0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Bounds of the batch sizes, in commands.
const COMMANDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Counts what the engine and the listeners do.
pub struct Metrics {
    registry: Registry,
    commands: IntCounterVec,
    seconds: HistogramVec,
    batch: Histogram,
    conflicts: IntCounter,
    swept: IntCounter,
    answers: [IntCounter; 5],
    connections: IntGaugeVec,
    turned_away: IntGaugeVec,
    engine: EngineGauges,
    process: ProcessGauges,
    known: RwLock<BTreeMap<[usize; 3], Series>>,
    listeners: Mutex<Vec<(&'static str, Arc<Seats>)>>,
}

#[derive(Clone)]
struct Series {
    count: IntCounter,
    seconds: Histogram,
}

struct EngineGauges {
    in_flight: IntGauge,
    busy_lanes: IntGauge,
    followed_topics: IntGauge,
    ready: IntGauge,
}

struct ProcessGauges {
    resident_bytes: IntGauge,
    open_files: IntGauge,
}

/// Makes metrics and puts them into the registry. Their names are ours and distinct, so neither step can fail.
struct Maker(Registry);

impl Maker {
    fn keep<M: prometheus::core::Collector + Clone + 'static>(&self, metric: prometheus::Result<M>) -> M {
        let metric = metric.expect("names of metrics and labels are well-formed");
        self.0.register(Box::new(metric.clone())).expect("names of metrics are distinct");
        metric
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels))
    }
}

impl Metrics {
    /// Metrics that stand at zero.
    pub fn new() -> Arc<Self> {
        let make = Maker(Registry::new());
        let answers =
            make.counters("strongroom_http_answers_total", "Answers by class of status.", &["class"]);
        let seconds = HistogramOpts::new(
            "strongroom_command_seconds",
            "Time from a command's arrival at the engine to its answer.",
        );
        let batch = HistogramOpts::new("strongroom_commit_batch_commands", "Commands committed together.");
        Arc::new(Self {
            commands: make.counters(
                "strongroom_commands_total",
                "Commands by outcome: ok, or the code of the refusal.",
                &["domain", "command", "outcome"],
            ),
            seconds: make.keep(HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["domain", "command"])),
            batch: make.keep(Histogram::with_opts(batch.buckets(COMMANDS.to_vec()))),
            conflicts: make.counter("strongroom_commit_conflicts_total", "Commits that lost a race."),
            swept: make.counter("strongroom_swept_rows_total", "Rows that the sweeper removed."),
            answers: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| answers.with_label_values(&[class])),
            connections: make.gauges("strongroom_connections", "Connections that are open.", &["listener"]),
            turned_away: make.gauges(
                "strongroom_connections_turned_away",
                "Connections refused since the start because there were too many.",
                &["listener"],
            ),
            engine: EngineGauges {
                in_flight: make.gauge("strongroom_commands_in_flight", "Permits of the engine in use."),
                busy_lanes: make.gauge("strongroom_busy_lanes", "Lanes in which somebody waits."),
                followed_topics: make.gauge("strongroom_followed_topics", "Feeds that somebody follows."),
                ready: make.gauge("strongroom_ready", "1 if writes can be expected to succeed."),
            },
            process: ProcessGauges {
                resident_bytes: make.gauge("process_resident_memory_bytes", "Resident memory."),
                open_files: make.gauge("process_open_fds", "Open file descriptors."),
            },
            known: RwLock::default(),
            listeners: Mutex::default(),
            registry: make.0,
        })
    }

    /// Everything, as of now.
    pub fn render(&self, health: &Health) -> String {
        self.engine.in_flight.set(whole(health.in_flight));
        self.engine.busy_lanes.set(whole(health.busy_lanes));
        self.engine.followed_topics.set(whole(health.followed_topics));
        self.engine.ready.set(i64::from(health.is_ready()));
        for (name, seats) in self.listeners.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.connections.with_label_values(&[name]).set(whole(seats.taken()));
            self.turned_away.with_label_values(&[name]).set(whole(seats.refused()));
        }
        if let Some(bytes) = resident_bytes() {
            self.process.resident_bytes.set(bytes);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.process.open_files.set(whole(files.count()));
        }
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8(text).unwrap_or_default()
    }

    /// Counts an answer by its status.
    pub(super) fn answered(&self, status: u16) {
        if let Some(class) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            class.inc();
        }
    }

    /// Counts the connections of a listener from now on.
    pub(super) fn listens(&self, name: &'static str, seats: Arc<Seats>) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push((name, seats));
    }

    fn series(&self, domain: &'static str, command: &'static str, outcome: &'static str) -> Series {
        let key = [domain, command, outcome].map(|name| name.as_ptr() as usize);
        if let Some(series) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return series.clone();
        }
        let series = Series {
            count: self.commands.with_label_values(&[domain, command, outcome]),
            seconds: self.seconds.with_label_values(&[domain, command]),
        };
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key, series.clone());
        series
    }
}

impl Observer for Metrics {
    fn command(&self, domain: &'static str, command: &'static str, outcome: &'static str, took: Duration) {
        let series = self.series(domain, command, outcome);
        series.count.inc();
        series.seconds.observe(took.as_secs_f64());
    }

    fn batch(&self, commands: usize) {
        self.batch.observe(commands as f64);
    }

    fn conflict(&self) {
        self.conflicts.inc();
    }

    fn swept(&self, rows: usize) {
        self.swept.inc_by(rows as u64);
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Resident memory of this process, where the system tells.
fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health {
            storage_answers: true,
            storage: strongroom_storage::Info {
                backend: "memory",
                durable: false,
                encrypted: false,
                high_water_ms: 0,
                refusing_writes: None,
            },
            draining: false,
            in_flight: 3,
            busy_lanes: 2,
            followed_topics: 1,
        }
    }

    #[test]
    fn what_was_observed_can_be_read() {
        let metrics = Metrics::new();
        metrics.command("records", "get_record", "ok", Duration::from_micros(20));
        metrics.command("records", "get_record", "ok", Duration::from_micros(40));
        metrics.command("records", "put_record", "stale-record", Duration::from_millis(2));
        metrics.batch(5);
        metrics.conflict();
        metrics.swept(7);
        metrics.answered(200);
        metrics.answered(412);
        metrics.answered(999);
        let text = metrics.render(&health());
        for line in [
            r#"strongroom_commands_total{command="get_record",domain="records",outcome="ok"} 2"#,
            r#"strongroom_commands_total{command="put_record",domain="records",outcome="stale-record"} 1"#,
            r#"strongroom_command_seconds_bucket{command="get_record",domain="records",le="0.00003"} 1"#,
            "strongroom_commit_batch_commands_sum 5",
            "strongroom_commit_conflicts_total 1",
            "strongroom_swept_rows_total 7",
            r#"strongroom_http_answers_total{class="4xx"} 1"#,
            "strongroom_commands_in_flight 3",
            "strongroom_busy_lanes 2",
            "strongroom_followed_topics 1",
            "strongroom_ready 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes"));
    }

    /// Two copies of one name, as code generation may leave them, are still one series.
    #[test]
    fn a_name_that_lies_in_two_places_is_one_series() {
        let metrics = Metrics::new();
        let other: &'static str = Box::leak("records".to_owned().into_boxed_str());
        metrics.command("records", "get_record", "ok", Duration::ZERO);
        metrics.command(other, "get_record", "ok", Duration::ZERO);
        let line = r#"strongroom_commands_total{command="get_record",domain="records",outcome="ok"} 2"#;
        assert!(metrics.render(&health()).contains(line));
    }
}
