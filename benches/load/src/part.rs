//! One part of a round: some clients that do one thing at one server for a while.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::measure::processes;
use crate::plan::Repeated;
use crate::run::{Connector, Halt, Operation, Pace, Window, measure};
use crate::strongroom::Strongroom;

/// Of records.
const VALUE_BYTES: usize = 1024;

/// What was measured of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Part {
    pub(crate) per_second: f64,
    /// Processor time of the server for each answer.
    pub(crate) server_cpu_us: f64,
    pub(crate) p99_us: f64,
}

impl Part {
    /// Measures it, after a second that is not counted.
    ///
    /// # Errors
    /// Something failed, or was written by somebody else.
    pub(crate) fn measure(
        server: &Strongroom,
        connector: &Arc<dyn Connector>,
        operation: Operation,
        plan: Repeated,
        halt: &Arc<Halt>,
    ) -> anyhow::Result<Self> {
        let window = Window {
            operation,
            value_bytes: VALUE_BYTES,
            clients: plan.clients,
            threads: 1,
            core: None,
            warm_up: Duration::from_secs(1),
            length: plan.length,
            pace: Pace::Closed,
        };
        let (sample, before, after) = measure(connector, &window, halt, || processes::cpu(server.pid()))?;
        anyhow::ensure!(sample.failed == 0, "{} failed: {:?}", sample.failed, sample.first_error);
        anyhow::ensure!(sample.refused == 0, "somebody else writes what the clients write");
        let done = sample.latency.len().max(1) as f64;
        Ok(Self {
            per_second: sample.rate(),
            server_cpu_us: after.saturating_sub(before).as_secs_f64() * 1e6 / done,
            p99_us: sample.latency.value_at_quantile(0.99) as f64 / 1_000.0,
        })
    }

    /// The median of each figure by itself.
    pub(crate) fn median<R>(rounds: &[R], of: impl Fn(&R) -> Self) -> Option<Self> {
        let middle = |figure: fn(Self) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(|round| figure(of(round))).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied()
        };
        Some(Self {
            per_second: middle(|part| part.per_second)?,
            server_cpu_us: middle(|part| part.server_cpu_us)?,
            p99_us: middle(|part| part.p99_us)?,
        })
    }

    /// Adds a line of a report.
    pub(crate) fn line(self, text: &mut String, what: &str) {
        let Self { per_second, server_cpu_us, p99_us } = self;
        let _ = writeln!(
            text,
            "  {what:<26} {per_second:>8.0}/s {server_cpu_us:>7.1} us CPU, p99 {p99_us:>7.0} us"
        );
    }
}
