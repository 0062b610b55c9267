//! What a guess at a PIN costs the server beside a durable compare-and-set, and how many are evaluated.
//!
//! All parts of a round are measured in turns within one run, on one server over an encrypted store with a file of
//! marks, as operators run it: a guess is counted, marked outside the store, and then evaluated. It is held against a
//! native record of 1 KiB that is replaced under the tag last seen, and against its arithmetic, computed here.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::part::Part;
use crate::plan::Repeated;
use crate::report::floors::{Bound, Verdict};
use crate::report::table::push_floors;
use crate::run::{Connector, Halt, Operation};
use crate::strongroom::{Guesses, Kept, NativeWrites, Strongroom};
use crate::target::{Site, block_on};

/// Processor time of a guess beyond a durable compare-and-set, for that of its arithmetic.
const CPU_BOUND: Bound = Bound::AtMost(1.5);
/// The rate of guesses, for that of durable compare-and-sets.
const RATE_BOUND: Bound = Bound::AtLeast(0.7);

/// One round.
#[derive(Debug, Clone, Serialize)]
struct Round {
    /// One client that replaces a record.
    put_alone: Part,
    /// One client that guesses.
    guess_alone: Part,
    /// All clients replace records.
    puts: Part,
    /// All clients guess.
    guesses: Part,
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GuessReport {
    clients: usize,
    arithmetic_us: f64,
    rounds: Vec<Round>,
    floors: Vec<Verdict>,
}

/// Runs it, with `users` who have 20 guesses each.
///
/// # Errors
/// A server does not start or refuses somebody, there are too few users, or the end was asked for.
pub(crate) fn run(
    site: Site<'_>,
    strongroom: &Path,
    plan: Repeated,
    users: usize,
    halt: &Arc<Halt>,
) -> anyhow::Result<GuessReport> {
    let server = Strongroom::start_with_realm(site, strongroom, "realm")?;
    let kept = Kept::make()?;
    let arithmetic_us = kept.arithmetic()?.as_secs_f64() * 1e6;
    let puts: Arc<dyn Connector> = Arc::new(NativeWrites::new(server.http(), server.application()));
    let guesses: Arc<dyn Connector> = Arc::new(block_on(Guesses::register(server.http(), &kept, users))?);
    let alone = Repeated { clients: 1, ..plan };
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        let part = |connector, plan| {
            halt.check()?;
            Part::measure(&server, connector, Operation::Put, plan, halt)
        };
        let round = Round {
            put_alone: part(&puts, alone)?,
            guess_alone: part(&guesses, alone)?,
            puts: part(&puts, plan)?,
            guesses: part(&guesses, plan)?,
        };
        eprint!("round {number}:\n{}", lines(&round));
        rounds.push(round);
    }
    let floors = vec![
        Verdict::of_rounds("server CPU of a guess beyond a put / arithmetic", CPU_BOUND, &rounds, |round| {
            (round.guesses.server_cpu_us - round.puts.server_cpu_us) / arithmetic_us
        }),
        Verdict::of_rounds("guesses / durable compare-and-sets, one client", RATE_BOUND, &rounds, |round| {
            round.guess_alone.per_second / round.put_alone.per_second
        }),
        Verdict::of_rounds("guesses / durable compare-and-sets", RATE_BOUND, &rounds, |round| {
            round.guesses.per_second / round.puts.per_second
        }),
    ];
    Ok(GuessReport { clients: plan.clients, arithmetic_us, rounds, floors })
}

impl GuessReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} clients, {} rounds; medians:", self.clients, self.rounds.len());
        let _ = writeln!(text, "  the arithmetic of a guess: {:.1} us", self.arithmetic_us);
        if let Some(median) = self.median() {
            text.push_str(&lines(&median));
        }
        push_floors(&mut text, &self.floors);
        text
    }

    /// The median of each figure by itself.
    fn median(&self) -> Option<Round> {
        let part = |of: fn(&Round) -> Part| Part::median(&self.rounds, of);
        Some(Round {
            put_alone: part(|round| round.put_alone)?,
            guess_alone: part(|round| round.guess_alone)?,
            puts: part(|round| round.puts)?,
            guesses: part(|round| round.guesses)?,
        })
    }
}

fn lines(round: &Round) -> String {
    let mut text = String::new();
    for (what, part) in [
        ("compare-and-set, 1 client", round.put_alone),
        ("guess, 1 client", round.guess_alone),
        ("compare-and-set", round.puts),
        ("guess", round.guesses),
    ] {
        part.line(&mut text, what);
    }
    text
}
