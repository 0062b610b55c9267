//! How soon the server is ready on an empty store, and how large its program is.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::report::floors::{Bound, Verdict};
use crate::report::table::push_floors;
use crate::run::Halt;
use crate::strongroom::{Mode, Strongroom};
use crate::target::Site;

const READY_BOUND: Bound = Bound::AtMost(0.3);
/// Decimal megabytes.
const PROGRAM_BOUND: Bound = Bound::AtMost(25.0);

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StartReport {
    /// Seconds from starting the process to its first answer to a signed read, in the order of the rounds.
    serve_s: Vec<f64>,
    dev_s: Vec<f64>,
    program_bytes: u64,
    floors: Vec<Verdict>,
}

/// Starts the server `rounds` times in each mode, interleaved, each time on nothing.
///
/// # Errors
/// The server does not start, or the end was asked for.
pub(crate) fn run(
    site: Site<'_>,
    strongroom: &Path,
    rounds: usize,
    halt: &Halt,
) -> anyhow::Result<StartReport> {
    let program_bytes =
        strongroom.metadata().with_context(|| format!("there is no {}", strongroom.display()))?.len();
    let (mut serve_s, mut dev_s) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for (mode, seconds) in [(Mode::Serve, &mut serve_s), (Mode::Dev, &mut dev_s)] {
            halt.check()?;
            let server = Strongroom::start(site, strongroom, mode, &format!("{}-{round}", mode.text()))?;
            seconds.push(server.ready_after().as_secs_f64());
        }
    }
    let mut floors: Vec<Verdict> = [(Mode::Serve, &serve_s), (Mode::Dev, &dev_s)]
        .into_iter()
        .map(|(mode, seconds)| {
            let (median, best) = median_and_best(seconds);
            Verdict::new(format!("seconds until {} is ready", mode.text()), READY_BOUND, median, best)
        })
        .collect();
    let megabytes = program_bytes as f64 / 1e6;
    floors.push(Verdict::new("size of the program in MB".to_owned(), PROGRAM_BOUND, megabytes, megabytes));
    Ok(StartReport { serve_s, dev_s, program_bytes, floors })
}

impl StartReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} starts in each mode on an empty store", self.serve_s.len());
        push_floors(&mut text, &self.floors);
        text
    }
}

fn median_and_best(seconds: &[f64]) -> (f64, f64) {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    (at(sorted.len() / 2), at(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_best_do_not_depend_on_the_order() {
        assert_eq!(median_and_best(&[0.3, 0.1, 0.2]), (0.2, 0.1));
        assert!(median_and_best(&[]).0.is_nan());
    }
}
