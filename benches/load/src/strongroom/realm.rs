//! A realm of PIN recovery, and guesses at what its users keep.
//!
//! Every user keeps the same registration, which binds the realm and nobody else, so one guess is good for all. A user
//! takes as many guesses as one may have and is then left alone: what is measured is a guess and never a refusal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use strongroom_primitives::hash::derive_key;
use strongroom_primitives::pin_recovery::RecoveryRealmId;
use strongroom_primitives::pin_recovery::configuration::Configuration;
use strongroom_primitives::pin_recovery::messages::{
    Answer, Policy, Recover1Answer, Recover2Answer, Recover2Request, Registration, Request,
};
use strongroom_primitives::pin_recovery::pin::PinHashing;
use strongroom_primitives::pin_recovery::tenant_key::TenantSigningKey;
use strongroom_primitives::pin_recovery::tenant_token::{Scope, TokenGenerator};
use strongroom_primitives::secret::Secret;

use crate::measure::{clock::unix_ms, processes};
use crate::net::http1::{Http1, request};
use crate::run::{Connector, Driver, Outcome};

/// Where realms are served.
pub(super) const MOUNT: &str = "/juicebox";
/// The load's own realm and tenant. They open nothing but servers that this program made a moment ago.
pub(super) const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([0x30; 16]);
pub(super) const TENANT: &str = "load";
pub(super) const TENANT_KEY: &str = "loadloadloadloadloadloadloadload";

/// The most guesses that a registration may allow.
const GUESSES: u16 = 20;
const PIN: &[u8] = b"1234";

/// What everybody keeps, and the guess at it.
pub(crate) struct Kept {
    registration: Registration,
    guess: Recover2Request,
}

impl Kept {
    /// Makes a registration and a guess.
    ///
    /// # Errors
    /// Never, unless the protocol changes.
    pub(crate) fn make() -> anyhow::Result<Self> {
        let configuration = Configuration::new([REALM], 1, 1, PinHashing::FastInsecure)?;
        let mut drawn = 0_u64;
        let mut draw = |bytes: &mut [u8]| {
            for piece in bytes.chunks_mut(32) {
                drawn += 1;
                piece.copy_from_slice(
                    &derive_key("strongroom load chance", &drawn.to_be_bytes())[..piece.len()],
                );
            }
        };
        let policy = Policy { num_guesses: GUESSES };
        let secret = Secret::new(b"secret".to_vec());
        let mut kept = configuration.register(PIN, b"", &secret, policy, &mut draw)?;
        let registration = kept.remove(&REALM).context("a registration for no realm")?;
        let version = registration.version;
        let answers = [(REALM, Recover1Answer::Ok { version })].into();
        let mut chance = [0; 64];
        draw(&mut chance);
        let agreed = configuration.agree(&answers).context("a version that is none")?;
        let guess = agreed.blind(PIN, b"", chance)?.request();
        Ok(Self { registration, guess })
    }

    /// Processor time of this program for the arithmetic of one guess: the evaluation with its proof.
    ///
    /// # Errors
    /// Never, unless the protocol changes.
    pub(crate) fn arithmetic(&self) -> anyhow::Result<Duration> {
        const TIMES: u32 = 10_000;
        let own = std::process::id();
        let before = processes::cpu(own);
        for n in 0..TIMES {
            let halves = [n, n + TIMES].map(|n| derive_key("strongroom load nonce", &n.to_be_bytes()));
            let chance: [u8; 64] = halves.concat().try_into().ok().context("64 bytes")?;
            std::hint::black_box(self.registration.evaluate(&self.guess.oprf_blinded_input, chance)?);
        }
        Ok(processes::cpu(own).saturating_sub(before) / TIMES)
    }
}

/// Opens clients that guess.
pub(crate) struct Guesses {
    address: SocketAddr,
    tokens: Arc<Vec<String>>,
    taken: Arc<AtomicUsize>,
    guess: Vec<u8>,
}

impl Guesses {
    /// Registers `users` at the server at `address`, of which each is good for 20 guesses.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub(crate) async fn register(address: SocketAddr, kept: &Kept, users: usize) -> anyhow::Result<Self> {
        let key = TenantSigningKey::HmacSha256(Secret::new(TENANT_KEY.as_bytes().to_vec()));
        let generator = TokenGenerator::new(TENANT, 1, key)?;
        let (now_s, mut tokens) = (unix_ms() / 1_000, Vec::with_capacity(users));
        for user in 0..users {
            let token = generator.issue(&REALM, &format!("user-{user}"), Scope::User, now_s)?;
            tokens.push(format!("Authorization: Bearer {}", token.expose()));
        }
        let registration = Request::Register2(Box::new(kept.registration.clone())).to_cbor();
        let mut connection = Http1::connect(address).await?;
        for token in &tokens {
            let answer = connection.ask(&question(address, token, &registration), "").await?;
            ensure!(answer.status == 200, "nobody was registered: status {}", answer.status);
        }
        let guess = Request::Recover2(kept.guess).to_cbor().to_vec();
        Ok(Self { address, tokens: Arc::new(tokens), taken: Arc::default(), guess })
    }
}

fn question(address: SocketAddr, token: &str, message: &[u8]) -> Vec<u8> {
    let headers = [token, "X-Juicebox-Version: 0.3.7"];
    request("POST", &format!("{MOUNT}/{REALM}/req"), address, &headers, Some(message))
}

impl Connector for Guesses {
    fn connect(&self, _: usize, _: usize) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let guesser = Guesser {
                connection: Http1::connect(self.address).await?,
                address: self.address,
                tokens: self.tokens.clone(),
                taken: self.taken.clone(),
                guess: self.guess.clone(),
                question: Vec::new(),
                left: 0,
            };
            Ok(Box::new(guesser) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

struct Guesser {
    connection: Http1,
    address: SocketAddr,
    tokens: Arc<Vec<String>>,
    /// How many users are taken, by all clients.
    taken: Arc<AtomicUsize>,
    guess: Vec<u8>,
    question: Vec<u8>,
    /// Guesses that the client's present user has left.
    left: u16,
}

impl Driver for Guesser {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            if self.left == 0 {
                let user = self.taken.fetch_add(1, Ordering::Relaxed);
                let token = self.tokens.get(user).context("all users have guessed; say --users with more")?;
                self.question = question(self.address, token, &self.guess);
                self.left = GUESSES;
            }
            self.left -= 1;
            let answer = self.connection.ask(&self.question, "").await?;
            ensure!(answer.status == 200, "status {}", answer.status);
            match Answer::from_cbor(answer.body)? {
                Answer::Recover2(Recover2Answer::Ok(_)) => Ok(Outcome::Done),
                other => bail!("not evaluated: {other:?}"),
            }
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async { bail!("a guess is written") }.boxed_local()
    }
}
