//! What a run found: rounds, their best and median, and the floors that they are held against.
//!
//! Figures only; nothing here measures. Believe this: a floor is a ratio of two targets within one interleaved run.
//! Absolute figures belong to the machine that made them and are shown for orientation.

pub(crate) mod floors;
pub(crate) mod table;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::plan::{Case, TargetName};
use crate::run::{Operation, Pace};

/// One window of one target.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    /// Operations per second that ended well.
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
    /// Processor time of the server's whole process tree for each operation.
    pub(crate) server_cpu_us: f64,
    /// What the generator spent on each operation, on the same cores.
    pub(crate) generator_cpu_us: f64,
    /// Resident memory of the tree at the end, shared pages counted once.
    pub(crate) resident_bytes: u64,
    /// Allocated blocks of the data folder at the end.
    pub(crate) disk_bytes: Option<u64>,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<String>,
}

/// All rounds of one target in one case at one number of clients.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) case: &'static str,
    pub(crate) operation: Operation,
    pub(crate) value_bytes: usize,
    pub(crate) pace: Pace,
    pub(crate) clients: usize,
    pub(crate) target: TargetName,
    pub(crate) rounds: Vec<Round>,
}

/// What can be compared between two targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    Rate,
    P50,
    P99,
    P999,
    ServerCpu,
    GeneratorCpu,
}

/// The machine and the manner of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Setting {
    pub(crate) cores: usize,
    pub(crate) load_average: String,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) generator_threads: usize,
    pub(crate) pinned: bool,
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) setting: Setting,
    pub(crate) cells: Vec<Cell>,
    pub(crate) floors: Vec<floors::Verdict>,
}

impl Cell {
    /// An empty row for `target` in `case`.
    pub(crate) fn new(case: &Case, clients: usize, target: TargetName) -> Cell {
        Cell {
            case: case.name,
            operation: case.operation,
            value_bytes: case.value_bytes,
            pace: case.pace,
            clients,
            target,
            rounds: Vec::new(),
        }
    }

    /// The best round's figure: the highest rate, the lowest of everything else.
    pub(crate) fn best(&self, figure: Figure) -> Option<f64> {
        let values = self.values(figure);
        if figure == Figure::Rate { values.last().copied() } else { values.first().copied() }
    }

    /// The median over the rounds; of an even number, the mean of the middle two.
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        let values = self.values(figure);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            even if even % 2 == 0 => Some((values[middle - 1] + values[middle]) / 2.0),
            _ => Some(values[middle]),
        }
    }

    /// The rounds' figures in ascending order.
    fn values(&self, figure: Figure) -> Vec<f64> {
        let of = |round: &Round| match figure {
            Figure::Rate => round.rate,
            Figure::P50 => round.p50_us,
            Figure::P99 => round.p99_us,
            Figure::P999 => round.p999_us,
            Figure::ServerCpu => round.server_cpu_us,
            Figure::GeneratorCpu => round.generator_cpu_us,
        };
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

/// A quantile of a histogram of nanoseconds, in microseconds.
pub(crate) fn quantile_us(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CASES;

    pub(super) fn round(rate: f64, p99_us: f64, server_cpu_us: f64) -> Round {
        Round {
            rate,
            p50_us: p99_us / 2.0,
            p99_us,
            p999_us: p99_us * 2.0,
            max_us: p99_us * 3.0,
            server_cpu_us,
            generator_cpu_us: 9.0,
            resident_bytes: 8 << 20,
            disk_bytes: None,
            done: rate as u64,
            refused: 0,
            failed: 0,
            first_error: None,
        }
    }

    pub(super) fn cell(target: TargetName, rounds: Vec<Round>) -> Cell {
        Cell { rounds, ..Cell::new(&CASES[0], 16, target) }
    }

    #[test]
    fn the_best_rate_is_the_highest_and_the_best_latency_the_lowest() {
        let cell =
            cell(TargetName::Etcd, vec![round(10.0, 5.0, 1.0), round(30.0, 9.0, 2.0), round(20.0, 7.0, 3.0)]);
        assert_eq!((cell.best(Figure::Rate), cell.median(Figure::Rate)), (Some(30.0), Some(20.0)));
        assert_eq!((cell.best(Figure::P99), cell.median(Figure::P99)), (Some(5.0), Some(7.0)));
    }

    #[test]
    fn an_even_number_of_rounds_has_a_median_between_the_middle_two() {
        let cell = cell(TargetName::Etcd, vec![round(10.0, 1.0, 1.0), round(20.0, 1.0, 1.0)]);
        assert_eq!(cell.median(Figure::Rate), Some(15.0));
        assert_eq!(Cell { rounds: Vec::new(), ..cell }.median(Figure::Rate), None);
    }
}
