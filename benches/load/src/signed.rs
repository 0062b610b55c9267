//! What a request that a key of a chain has signed costs the server beside one that nobody signs, and how many are
//! answered where each signature is remembered in the store.
//!
//! All parts of a round are measured in turns within one run, on two servers of the same program: one that remembers
//! signatures by itself, and one that writes each of them down durably before it answers, as nodes do that share a
//! store. The second is held against what it writes otherwise: native records, replaced under the tag last seen.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::part::Part;
use crate::plan::Repeated;
use crate::report::floors::{Bound, Verdict};
use crate::report::table::push_floors;
use crate::run::{Connector, Halt, Operation};
use crate::strongroom::{Key, NativeReads, NativeWrites, SignedReads, Strongroom, Taken, Unchanging};
use crate::target::{Site, block_on};

/// Processor time of a signed read of a key for each of an unsigned question after health.
const CPU_BOUND: Bound = Bound::AtMost(2.0);
/// The rate of signed reads where signatures are rows, for the rate of durable compare-and-sets.
const SHARED_BOUND: Bound = Bound::AtLeast(0.7);

/// One round.
#[derive(Debug, Clone, Serialize)]
struct Round {
    /// Asking after health, unsigned.
    health: Part,
    /// Asking who one is, with a token.
    session: Part,
    /// Reading a native record of 1 KiB, with a token.
    record: Part,
    /// Reading a key, signed by it.
    signed: Part,
    /// The same where signatures are rows.
    signed_shared: Part,
    /// Replacing a native record of 1 KiB there.
    puts_shared: Part,
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignedReport {
    clients: usize,
    rounds: Vec<Round>,
    floors: Vec<Verdict>,
}

/// Runs it.
///
/// # Errors
/// A server does not start or refuses somebody, or the end was asked for.
pub(crate) fn run(
    site: Site<'_>,
    strongroom: &Path,
    plan: Repeated,
    halt: &Arc<Halt>,
) -> anyhow::Result<SignedReport> {
    let node = Strongroom::start_with_chain(site, strongroom, "node", Taken::ByNode)?;
    let shared = Strongroom::start_with_chain(site, strongroom, "shared", Taken::InStore)?;
    let signed = |server: &Strongroom| -> anyhow::Result<Arc<dyn Connector>> {
        let keys = block_on(Key::make(server.http(), plan.clients))?;
        Ok(Arc::new(SignedReads::new(server.http(), keys)))
    };
    let (signed, signed_shared) = (signed(&node)?, signed(&shared)?);
    let health: Arc<dyn Connector> = Arc::new(Unchanging::health(node.http()));
    let session: Arc<dyn Connector> = Arc::new(Unchanging::session(node.http(), node.application()));
    let record: Arc<dyn Connector> = Arc::new(NativeReads::new(node.http(), node.application()));
    let puts: Arc<dyn Connector> = Arc::new(NativeWrites::new(shared.http(), shared.application()));
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        let part = |server: &Strongroom, connector, operation| {
            halt.check()?;
            Part::measure(server, connector, operation, plan, halt)
        };
        let round = Round {
            health: part(&node, &health, Operation::Get)?,
            signed: part(&node, &signed, Operation::Get)?,
            session: part(&node, &session, Operation::Get)?,
            record: part(&node, &record, Operation::Get)?,
            signed_shared: part(&shared, &signed_shared, Operation::Get)?,
            puts_shared: part(&shared, &puts, Operation::Put)?,
        };
        eprint!("round {number}:\n{}", lines(&round));
        rounds.push(round);
    }
    let floors = vec![
        Verdict::of_rounds("server CPU of a signed read / unsigned health", CPU_BOUND, &rounds, |round| {
            round.signed.server_cpu_us / round.health.server_cpu_us
        }),
        Verdict::of_rounds(
            "signed reads with signatures in the store / durable compare-and-sets",
            SHARED_BOUND,
            &rounds,
            |round| round.signed_shared.per_second / round.puts_shared.per_second,
        ),
    ];
    Ok(SignedReport { clients: plan.clients, rounds, floors })
}

impl SignedReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} clients, {} rounds; medians:", self.clients, self.rounds.len());
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
            health: part(|round| round.health)?,
            session: part(|round| round.session)?,
            record: part(|round| round.record)?,
            signed: part(|round| round.signed)?,
            signed_shared: part(|round| round.signed_shared)?,
            puts_shared: part(|round| round.puts_shared)?,
        })
    }
}

fn lines(round: &Round) -> String {
    let mut text = String::new();
    for (what, part) in [
        ("health", round.health),
        ("session, token", round.session),
        ("record of 1 KiB, token", round.record),
        ("key, signed", round.signed),
        ("key, signed, in the store", round.signed_shared),
        ("compare-and-set, there", round.puts_shared),
    ] {
        part.line(&mut text, what);
    }
    text
}
