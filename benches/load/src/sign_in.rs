//! What signing in costs the server beside the bare arithmetic, and what a flood of sign-ins does to readers.
//!
//! Both sides of the first figure are measured in turns within one run: processor time of the whole server for each
//! sign-in over HTTP (a challenge and a session, two durable commits), and of `srp::challenge` and `srp::answer` alone
//! in this process. The flood is of wrong proofs for names that nobody has: it costs the server what sign-ins cost, and
//! the generator next to nothing, which shares the cores.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use serde::Serialize;
use strongroom_primitives::srp::{
    Client, Ephemeral, Profile, Salt, Transcript, Verifier, answer, challenge, register,
};

use crate::measure::{clock, processes};
use crate::plan::Repeated;
use crate::report::floors::{Bound, Verdict};
use crate::report::table::push_floors;
use crate::run::{Halt, Operation, Pace, Window, measure};
use crate::strongroom::{Keystore, Mode, OverHttp, Strongroom};
use crate::target::{Site, Target, block_on};

/// Processor time of a sign-in over HTTP for each of the bare computation.
const CPU_BOUND: Bound = Bound::AtMost(1.4);
/// The readers' p99 in a flood of sign-ins for their p99 without.
const READERS_BOUND: Bound = Bound::AtMost(5.0);

const READERS: usize = 16;
const FLOODERS: usize = 32;
const BARE_HANDSHAKES: u32 = 300;
/// Users of each client, in turns: nobody signs in so often that the oldest session has to end for the newest.
const USERS_PER_CLIENT: usize = 64;

/// One round.
#[derive(Debug, Clone, Serialize)]
struct Round {
    sign_ins_per_second: f64,
    server_cpu_us: f64,
    bare_cpu_us: f64,
    readers_p99_us: f64,
    flooded_p99_us: f64,
    guesses_per_second: f64,
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignInReport {
    clients: usize,
    rounds: Vec<Round>,
    floors: Vec<Verdict>,
}

/// Runs it.
///
/// # Errors
/// The server does not start or refuses somebody, or the end was asked for.
pub(crate) fn run(
    site: Site<'_>,
    strongroom: &Path,
    plan: Repeated,
    halt: &Arc<Halt>,
) -> anyhow::Result<SignInReport> {
    let server = Rc::new(Strongroom::start(site, strongroom, Mode::Serve, "strongroom")?);
    let bare = Bare::prepare()?;
    eprintln!("signing up {} users", plan.clients * USERS_PER_CLIENT);
    let users = block_on(sign_up(server.http(), plan.clients))?;
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        halt.check()?;
        let bare_cpu_us = bare.cpu_us()?;
        let (sign_ins_per_second, server_cpu_us) = sign_ins(&server, &users, plan.length)?;
        let readers_p99_us = readers_p99(&server, plan.length, halt)?;
        let flood = Flood::begin(server.http(), number)?;
        let flooded_p99_us = readers_p99(&server, plan.length, halt)?;
        let guesses_per_second = flood.end()?;
        let round = Round {
            sign_ins_per_second,
            server_cpu_us,
            bare_cpu_us,
            readers_p99_us,
            flooded_p99_us,
            guesses_per_second,
        };
        eprintln!(
            "round {number}: {sign_ins_per_second:.0} sign-ins/s, {server_cpu_us:.0} us CPU, bare {bare_cpu_us:.0} us; \
             readers' p99 {readers_p99_us:.0} us, in a flood of {guesses_per_second:.0} guesses/s {flooded_p99_us:.0} us"
        );
        rounds.push(round);
    }
    let floors = vec![
        Verdict::of_rounds("server CPU of a sign-in over HTTP / bare", CPU_BOUND, &rounds, |round| {
            round.server_cpu_us / round.bare_cpu_us
        }),
        Verdict::of_rounds(
            "readers' p99 in a flood of sign-ins / without",
            READERS_BOUND,
            &rounds,
            |round| round.flooded_p99_us / round.readers_p99_us,
        ),
    ];
    Ok(SignInReport { clients: plan.clients, rounds, floors })
}

impl SignInReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} clients that sign in, {} rounds", self.clients, self.rounds.len());
        push_floors(&mut text, &self.floors);
        text
    }
}

/// The users of each client.
async fn sign_up(address: SocketAddr, clients: usize) -> anyhow::Result<Vec<Vec<String>>> {
    let users = (0..clients).map(async |number| {
        let mut keystore = Keystore::connect(address, number).await?;
        let mut users = Vec::with_capacity(USERS_PER_CLIENT);
        for _ in 0..USERS_PER_CLIENT {
            users.push(keystore.sign_up().await?);
        }
        Ok(users)
    });
    try_join_all(users).await
}

/// Sign-ins per second, and the server's processor time for each in microseconds.
fn sign_ins(server: &Strongroom, users: &[Vec<String>], length: Duration) -> anyhow::Result<(f64, f64)> {
    block_on(async {
        let done = AtomicU64::new(0);
        let begun = clock::now();
        let before = processes::cpu(server.pid());
        let clients = users.iter().enumerate().map(async |(number, users)| {
            let mut keystore = Keystore::connect(server.http(), number + 1).await?;
            for username in users.iter().cycle().take_while(|_| begun.elapsed() < length) {
                keystore.sign_in(username).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, anyhow::Error>(keystore)
        });
        // Kept open until the books are read: what ends drops out of the kernel's running sums.
        let open = try_join_all(clients).await?;
        let spent = processes::cpu(server.pid()).saturating_sub(before);
        let elapsed = begun.elapsed();
        drop(open);
        let done = done.into_inner().max(1) as f64;
        Ok((done / elapsed.as_secs_f64(), spent.as_secs_f64() * 1e6 / done))
    })
}

fn readers_p99(server: &Rc<Strongroom>, length: Duration, halt: &Arc<Halt>) -> anyhow::Result<f64> {
    let window = Window {
        operation: Operation::Get,
        value_bytes: 1024,
        clients: READERS,
        threads: 1,
        core: None,
        warm_up: Duration::from_secs(1),
        length,
        pace: Pace::Closed,
    };
    let (sample, (), ()) = measure(&OverHttp(server.clone()).connector(), &window, halt, || ())?;
    Ok(sample.latency.value_at_quantile(0.99) as f64 / 1_000.0)
}

/// Guesses for names that nobody has, as fast as they are refused.
struct Flood {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<anyhow::Result<f64>>,
}

impl Flood {
    fn begin(address: SocketAddr, round: usize) -> anyhow::Result<Flood> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::Builder::new().name("flood".to_owned()).spawn(move || {
            block_on(async {
                let begun = clock::now();
                let flooders = (0..FLOODERS).map(async |number| {
                    let mut keystore = Keystore::connect(address, number).await?;
                    let mut guesses = 0_u64;
                    while !asked.load(Ordering::Relaxed) {
                        keystore.guess(&format!("nobody-{round}-{number}-{guesses}")).await?;
                        guesses += 1;
                    }
                    Ok::<_, anyhow::Error>(guesses)
                });
                let guesses: u64 = try_join_all(flooders).await?.into_iter().sum();
                Ok(guesses as f64 / begun.elapsed().as_secs_f64())
            })
        })?;
        Ok(Flood { stop, thread })
    }

    /// Guesses per second.
    fn end(self) -> anyhow::Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the flood broke down"))?
    }
}

/// The server's arithmetic for one sign-in and nothing else.
struct Bare {
    salt: Salt,
    verifier: Verifier,
    client_public: strongroom_primitives::srp::ClientPublic,
    proof: strongroom_primitives::srp::Proof,
}

impl Bare {
    const PROFILE: Profile = Profile::MEECO;
    const SECRET: [u8; 32] = [0xb6; 32];

    fn prepare() -> anyhow::Result<Bare> {
        let salt = Salt::new(&[7; 32])?;
        let verifier = register(Self::PROFILE, "bare", b"password", &salt)?;
        let client = Client::start(Self::PROFILE, Ephemeral::new([0xa5; 32]))?;
        let client_public = client.public().clone();
        let server_public = challenge(Self::PROFILE, &verifier, &Ephemeral::new(Self::SECRET))?;
        let proof = client.prove("bare", b"password", &salt, &server_public)?.m1().clone();
        Ok(Bare { salt, verifier, client_public, proof })
    }

    /// Processor time of one handshake, in microseconds.
    fn cpu_us(&self) -> anyhow::Result<f64> {
        let own = std::process::id();
        let before = processes::cpu_alone(own);
        for _ in 0..BARE_HANDSHAKES {
            let ephemeral = Ephemeral::new(Self::SECRET);
            let server_public = challenge(Self::PROFILE, &self.verifier, &ephemeral)?;
            let transcript = Transcript {
                profile: Self::PROFILE,
                name: "bare",
                salt: &self.salt,
                client_public: &self.client_public,
                server_public: &server_public,
            };
            answer(&transcript, &self.verifier, &ephemeral, &self.proof).context("a good proof")?;
        }
        let spent = processes::cpu_alone(own).saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / f64::from(BARE_HANDSHAKES))
    }
}
