//! What an API key's login costs the server beside its bare cryptography, and what sealing costs a read.
//!
//! Both sides of the first figure are measured in turns within one run: processor time of the whole server for each
//! login over HTTP, which is durable and gives a session; and of the same curve operations and the same box alone, in
//! this process. The login is that of Psono's protocol, whose own server's figures are known.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Serialize;
use strongroom_primitives::nacl::{BoxPublic, BoxSecret};
use strongroom_primitives::psono::login::LoginAnswer;
use strongroom_primitives::sign::{SigningKey, VerifyingKey};

use crate::measure::{clock, processes};
use crate::plan::Repeated;
use crate::report::floors::{Bound, Verdict};
use crate::report::table::push_floors;
use crate::run::{Connector, Halt, Operation, Pace, Window, measure};
use crate::strongroom::{ApiKey, Mode, NativeReads, PsonoClient, SealedReads, Strongroom};
use crate::target::{Site, block_on};

/// Processor time of a login over HTTP for each of its bare cryptography.
const CPU_BOUND: Bound = Bound::AtMost(1.6);
/// Processor time of a login for each of psono-server's.
const PEER_BOUND: Bound = Bound::AtMost(0.05);
/// The rate of sealed reads for the rate of plain ones.
const SEALED_BOUND: Bound = Bound::AtLeast(0.5);

/// What psono-server spends on one login with its database kept open, app and database together, in microseconds: the
/// lower end of what was measured for 16 clients (BASELINES.md, section 9).
const PEER_CPU_US: f64 = 8_600.0;

const READERS: usize = 16;
const READ_BYTES: usize = 1024;
const BARE_LOGINS: u32 = 2_000;
/// API keys of each client, in turns: none signs in so often that its oldest session has to end for the newest.
const KEYS_PER_CLIENT: usize = 96;
/// About as long as what a login is signed over and what it is answered with, in bytes.
const INFO_BYTES: usize = 170;
const GRANT_BYTES: usize = 1_200;

/// One round.
#[derive(Debug, Clone, Serialize)]
struct Round {
    logins_per_second: f64,
    server_cpu_us: f64,
    bare_cpu_us: f64,
    plain_reads_per_second: f64,
    sealed_reads_per_second: f64,
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ApiKeyReport {
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
) -> anyhow::Result<ApiKeyReport> {
    let server = Rc::new(Strongroom::start(site, strongroom, Mode::Serve, "strongroom")?);
    let bare = Bare::prepare()?;
    eprintln!("making {} API keys", plan.clients * KEYS_PER_CLIENT);
    let keys = block_on(make_keys(server.http(), plan.clients))?;
    let sealed: Arc<dyn Connector> =
        Arc::new(block_on(SealedReads::prepare(server.http(), READERS, READ_BYTES))?);
    let plain: Arc<dyn Connector> = Arc::new(NativeReads::new(server.http(), server.application()));
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        halt.check()?;
        let bare_cpu_us = bare.cpu_us()?;
        let (logins_per_second, server_cpu_us) = logins(&server, &keys, number, plan.length)?;
        let plain_reads_per_second = reads(&plain, plan.length, halt)?;
        let sealed_reads_per_second = reads(&sealed, plan.length, halt)?;
        let round = Round {
            logins_per_second,
            server_cpu_us,
            bare_cpu_us,
            plain_reads_per_second,
            sealed_reads_per_second,
        };
        eprintln!(
            "round {number}: {logins_per_second:.0} logins/s, {server_cpu_us:.0} us CPU, bare {bare_cpu_us:.0} us; \
             {plain_reads_per_second:.0} plain reads/s, {sealed_reads_per_second:.0} sealed"
        );
        rounds.push(round);
    }
    let floors = vec![
        Verdict::of_rounds("server CPU of an API key's login / bare", CPU_BOUND, &rounds, |round| {
            round.server_cpu_us / round.bare_cpu_us
        }),
        Verdict::of_rounds(
            "server CPU of an API key's login / psono-server's",
            PEER_BOUND,
            &rounds,
            |round| round.server_cpu_us / PEER_CPU_US,
        ),
        Verdict::of_rounds("sealed reads of 1 KiB / plain native ones", SEALED_BOUND, &rounds, |round| {
            round.sealed_reads_per_second / round.plain_reads_per_second
        }),
    ];
    Ok(ApiKeyReport { clients: plan.clients, rounds, floors })
}

impl ApiKeyReport {
    /// As text, ending in a newline.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{} clients that sign in, {} rounds", self.clients, self.rounds.len());
        push_floors(&mut text, &self.floors);
        text
    }
}

/// The API keys of each client.
async fn make_keys(address: SocketAddr, clients: usize) -> anyhow::Result<Vec<Vec<ApiKey>>> {
    let keys = (0..clients).map(async |number| {
        let mut client = PsonoClient::connect(address, number).await?;
        Ok(client.person(&format!("person-{number}"), KEYS_PER_CLIENT, b"").await?.keys)
    });
    try_join_all(keys).await
}

/// Logins per second, and the server's processor time for each in microseconds.
fn logins(
    server: &Strongroom,
    keys: &[Vec<ApiKey>],
    round: usize,
    length: Duration,
) -> anyhow::Result<(f64, f64)> {
    block_on(async {
        let done = AtomicU64::new(0);
        let begun = clock::now();
        let before = processes::cpu(server.pid());
        let clients = keys.iter().enumerate().map(async |(number, keys)| {
            // A session key signs in once, so nobody draws what was drawn in another round.
            let mut client = PsonoClient::connect(server.http(), round << 16 | number).await?;
            for key in keys.iter().cycle().take_while(|_| begun.elapsed() < length) {
                client.sign_in(key).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, anyhow::Error>(client)
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

fn reads(connector: &Arc<dyn Connector>, length: Duration, halt: &Arc<Halt>) -> anyhow::Result<f64> {
    let window = Window {
        operation: Operation::Get,
        value_bytes: READ_BYTES,
        clients: READERS,
        threads: 1,
        core: None,
        warm_up: Duration::from_secs(1),
        length,
        pace: Pace::Closed,
    };
    let (sample, (), ()) = measure(connector, &window, halt, || ())?;
    anyhow::ensure!(sample.failed == 0, "reads failed: {:?}", sample.first_error);
    Ok(sample.rate())
}

/// The server's cryptography for one login and nothing else: it verifies, draws a key pair, agrees, boxes and signs.
struct Bare {
    info: Vec<u8>,
    signature: [u8; 64],
    verify_key: [u8; 32],
    client: [u8; 32],
    grant: Vec<u8>,
    identity: SigningKey,
}

impl Bare {
    fn prepare() -> anyhow::Result<Bare> {
        let key = SigningKey::from_seed(&[1; 32]);
        let info = vec![b'i'; INFO_BYTES];
        Ok(Bare {
            signature: key.sign(&info),
            info,
            verify_key: *key.verifying_key().as_bytes(),
            client: *BoxSecret::from_seed([2; 32]).public().as_bytes(),
            grant: vec![b'g'; GRANT_BYTES],
            identity: SigningKey::from_seed(&[3; 32]),
        })
    }

    fn login(&self, drawn: u32) -> anyhow::Result<LoginAnswer> {
        VerifyingKey::from_bytes(&self.verify_key)?.verify(&self.info, &self.signature)?;
        let mut seed = [4; 32];
        seed[..4].copy_from_slice(&drawn.to_be_bytes());
        let server = BoxSecret::from_seed(seed);
        let key = server.agree(&BoxPublic::from_bytes(self.client)?)?;
        Ok(LoginAnswer::new(&key, &server.public(), [5; 24], &self.grant, |text| self.identity.sign(text)))
    }

    /// Processor time of one login, in microseconds.
    fn cpu_us(&self) -> anyhow::Result<f64> {
        let own = std::process::id();
        let before = processes::cpu_alone(own);
        for drawn in 0..BARE_LOGINS {
            std::hint::black_box(self.login(drawn)?);
        }
        let spent = processes::cpu_alone(own).saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / f64::from(BARE_LOGINS))
    }
}
