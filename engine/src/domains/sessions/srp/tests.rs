mod floods;
mod passphrase;
mod signing_up;

use std::{sync::Arc, time::Duration};

use strongroom_primitives::{
    hash,
    id::{RealmId, Subject},
    srp::{Client, Ephemeral, Profile, Salt, ServerPublic, SrpError, register},
    two_skd::WorkFactors,
};
use strongroom_storage::Memory;

use super::*;
use crate::{
    Credential, Engine, EngineError, EngineHandle, Limits, Rights,
    domains::{
        accounts::{SetAccountPolicy, WhoAmI},
        key_hierarchy::{BeginRotation, GetKek, SetKek},
        realms::{PutRealm, SetSignUp, SignUp},
        sessions::{IssueBearer, TokenForm},
    },
    ports::{Clock, SeededEntropy},
    testing::keys::wrap,
};

const PASSWORD: &[u8] = b"what the client derived";

/// A clock that stands still until told otherwise.
struct Hand(std::sync::atomic::AtomicU64);

impl Clock for Hand {
    fn wall(&self) -> strongroom_primitives::time::Timestamp {
        strongroom_primitives::time::Timestamp::from_ms(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Hand {
    fn wait(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
    }
}

struct Door {
    engine: Engine,
    storage: Arc<Memory>,
    clock: Arc<Hand>,
    profile: SrpProfile,
}

fn realm() -> RealmId {
    RealmId::new("people").unwrap()
}

impl Door {
    async fn open(profile: SrpProfile) -> Self {
        Self::with(profile, Limits::default()).await
    }

    async fn with(profile: SrpProfile, limits: Limits) -> Self {
        let clock = Arc::new(Hand(1_780_000_000_000.into()));
        let store_clock = clock.clone();
        let storage = Arc::new(Memory::new(Arc::new(move || store_clock.wall().as_ms())));
        let door = Self::over(storage, clock, profile, limits, 1).await;
        let rights = Rights::ALL;
        door.handle().ask(Credential::Operator, PutRealm { realm: realm(), rights }).await.unwrap();
        let open = SetSignUp { realm: realm(), sign_up: SignUp::Reserved };
        door.handle().ask(Credential::Operator, open).await.unwrap();
        door
    }

    async fn over(
        storage: Arc<Memory>,
        clock: Arc<Hand>,
        profile: SrpProfile,
        limits: Limits,
        seed: u64,
    ) -> Self {
        let engine = Engine::builder(storage.clone())
            .clock(clock.clone())
            .limits(limits)
            .entropy(Arc::new(SeededEntropy::new(seed)))
            .start()
            .await
            .unwrap();
        Self { engine, storage, clock, profile }
    }

    fn handle(&self) -> &EngineHandle {
        self.engine.handle()
    }

    async fn reserve(&self) -> String {
        self.handle().ask(Credential::Anonymous, ReserveUsername { realm: realm() }).await.unwrap().username
    }

    fn registration(&self, username: &str) -> RegisterUser {
        let salt = Salt::new(&[7; 32]).unwrap();
        let verifier = register(self.profile.profile(), username, PASSWORD, &salt).unwrap();
        RegisterUser {
            realm: realm(),
            username: username.to_owned(),
            profile: self.profile,
            salt: salt.as_bytes().to_vec(),
            verifier: verifier.expose().to_vec(),
            derivation: "pbkdf2".into(),
        }
    }

    async fn user(&self) -> String {
        let username = self.reserve().await;
        self.handle().ask(Credential::Anonymous, self.registration(&username)).await.unwrap();
        username
    }

    async fn begin(&self, username: &str, client_public: &[u8]) -> Result<SrpChallenge, EngineError> {
        let begin = BeginSrp {
            realm: realm(),
            username: username.to_owned(),
            profile: self.profile,
            client_public: client_public.to_vec(),
        };
        self.handle().ask(Credential::Anonymous, begin).await
    }

    fn finish(&self, username: &str, client_public: &[u8], proof: &[u8]) -> FinishSrp {
        FinishSrp {
            realm: realm(),
            username: username.to_owned(),
            profile: self.profile,
            client_public: client_public.to_vec(),
            proof: proof.to_vec(),
            life: None,
            label: "laptop".into(),
            form: TokenForm::Bearer,
            network: b"192.0.2.0/24".to_vec(),
        }
    }

    /// Begins with a good password and stops before the proof is sent.
    async fn begun(&self, username: &str, chance: u8) -> (FinishSrp, strongroom_primitives::srp::Pending) {
        self.begun_with(username, chance, PASSWORD).await
    }

    async fn begun_with(
        &self,
        username: &str,
        chance: u8,
        password: &[u8],
    ) -> (FinishSrp, strongroom_primitives::srp::Pending) {
        let client = Client::start(self.profile.profile(), Ephemeral::new([chance; 32])).unwrap();
        let public = client.public().as_bytes().to_vec();
        let challenge = self.begin(username, &public).await.unwrap();
        let salt = Salt::new(&challenge.salt).unwrap();
        let server_public = ServerPublic::new(self.profile.profile(), &challenge.server_public).unwrap();
        let pending = client.prove(username, password, &salt, &server_public).unwrap();
        (self.finish(username, &public, pending.m1().expose()), pending)
    }

    async fn ask(&self, finish: FinishSrp) -> Result<SignedIn, EngineError> {
        self.handle().ask(Credential::Anonymous, finish).await
    }

    async fn sign_in(&self, username: &str, chance: u8) -> Credential {
        let (finish, _) = self.begun(username, chance).await;
        held(&self.ask(finish).await.unwrap())
    }

    async fn guess(&self, username: &str, chance: u8, network: &[u8]) -> EngineError {
        let (finish, _) = self.begun_with(username, chance, b"a guess").await;
        self.ask(FinishSrp { network: network.to_vec(), ..finish }).await.unwrap_err()
    }
}

fn held(signed_in: &SignedIn) -> Credential {
    Credential::bearer(hash::sha256(signed_in.session.token.as_bytes()))
}

/// Both profiles, from a reserved name to a session, and the server proves itself.
#[actix_rt::test]
async fn whoever_knows_the_password_is_signed_in_and_sees_that_the_server_knew_the_verifier() {
    for profile in [SrpProfile::Meeco, SrpProfile::Native] {
        let door = Door::open(profile).await;
        let username = door.user().await;
        let (finish, pending) = door.begun(&username, 1).await;
        let signed_in = door.ask(FinishSrp { form: TokenForm::Pair, ..finish }).await.unwrap();
        assert!(pending.verify_server(&signed_in.server_proof).is_ok());
        assert_eq!(signed_in.session.token.len(), 89);
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        assert_eq!(signed_in.session.expires, Some(signed_in.session.opened.saturating_add(month)));
        let me = door.handle().ask(held(&signed_in), WhoAmI).await.unwrap();
        assert_eq!(me.identity.subject, Subject::new(&*username).unwrap());
        assert_eq!(me.rights, Rights::ALL);

        let digest = hash::sha256(signed_in.session.token.as_bytes());
        let elsewhere = Credential::Bearer { digest, realm: Some(RealmId::new("vault").unwrap()) };
        let refused = door.handle().ask(elsewhere, WhoAmI).await.unwrap_err();
        assert_eq!(refused, EngineError::CredentialInvalid, "a session of another realm is none here");
        let here = Credential::Bearer { digest, realm: Some(realm()) };
        assert!(door.handle().ask(here, WhoAmI).await.is_ok());
    }
}

/// A-SRP-01, A-SRP-02, A-SRP-03: a value that is zero in the group, or is none of it, is refused before any secret is
/// touched, and leaves no row.
#[actix_rt::test]
async fn a_client_value_that_is_none_of_the_group_begins_nothing() {
    for profile in [SrpProfile::Meeco, SrpProfile::Native] {
        let door = Door::open(profile).await;
        let username = door.user().await;
        let bytes = profile.profile().group_bytes();
        let n = modulus(profile.profile());
        let mut above = n.clone();
        *above.iter_mut().find(|byte| **byte != 0xff).unwrap() = 0xff;
        let rows = door.storage.len();
        for bad in [vec![], vec![0], vec![0; bytes], n.clone(), above, vec![0xff; bytes], vec![1; bytes + 1]]
        {
            let refused = door.begin(&username, &bad).await.unwrap_err();
            assert_eq!(refused, EngineError::SrpInvalid(SrpError::ClientPublic), "{} bytes", bad.len());
            let refused = door.ask(door.finish(&username, &bad, &[1; 32])).await.unwrap_err();
            assert_eq!(refused, EngineError::SrpInvalid(SrpError::ClientPublic));
        }
        assert_eq!(door.storage.len(), rows);
        // A leading zero changes nothing: both spellings are one value and one challenge.
        let short = door.begin(&username, &[9]).await.unwrap();
        let rows = door.storage.len();
        let padded = door.begin(&username, &[&vec![0; bytes - 1][..], &[9]].concat()).await.unwrap();
        assert_eq!(short.salt, padded.salt);
        assert_eq!(door.storage.len(), rows, "it took the other's place");
    }
}

/// N, out of the library: the largest value that is refused where the one below is taken.
fn modulus(profile: Profile) -> Vec<u8> {
    use strongroom_primitives::srp::ClientPublic;
    let mut n = vec![0; profile.group_bytes()];
    for bit in 0..profile.group_bytes() * 8 {
        let mask = 0x80 >> (bit % 8);
        n[bit / 8] |= mask;
        if ClientPublic::new(profile, &n).is_err() {
            n[bit / 8] &= !mask;
        }
    }
    // Greatest value below N; N is odd, so the next one is N.
    *n.last_mut().unwrap() |= 1;
    n
}

/// A-SRP-04, A-SRP-05: a name without an account gets a challenge of the usual shape, the same salt on every try, on
/// every node and after a restart, and in the end the usual refusal.
#[actix_rt::test]
async fn a_name_without_an_account_looks_like_one_that_has_one() {
    let door = Door::open(SrpProfile::Meeco).await;
    let known = door.user().await;
    let unknown = "M9znjHbD5Xi";
    let first = door.begin(unknown, &[9]).await.unwrap();
    let again = door.begin(unknown, &[10]).await.unwrap();
    assert_eq!(first.salt, again.salt);
    assert_ne!(first.server_public, again.server_public);
    let real = door.begin(&known, &[9]).await.unwrap();
    assert_eq!((first.salt.len(), first.server_public.len()), (real.salt.len(), real.server_public.len()));
    let other =
        Door::over(door.storage.clone(), door.clock.clone(), SrpProfile::Meeco, Limits::default(), 2).await;
    assert_eq!(other.begin(unknown, &[9]).await.unwrap().salt, first.salt);

    let rows = door.storage.len();
    let (finish, _) = door.begun(unknown, 3).await;
    assert_eq!(door.storage.len(), rows + 1, "a challenge is kept for it, too");
    assert_eq!(door.ask(finish).await.unwrap_err(), EngineError::LoginRefused);
    assert_eq!(door.guess(&known, 4, b"net").await, EngineError::LoginRefused);

    // A name of one profile is unknown in the other.
    let native = Door { profile: SrpProfile::Native, ..other };
    let derivation = native.begin(unknown, &[9]).await.unwrap().derivation;
    assert_eq!(derivation, WorkFactors::DEFAULT.to_string(), "what most people's clients say");
    let (finish, _) = native.begun(&known, 5).await;
    assert_eq!(native.ask(finish).await.unwrap_err(), EngineError::LoginRefused);
}

/// A-SRP-06, A-SRP-07: a proof that is wrong in one bit is refused wherever the bit is, and a challenge answers once,
/// to the right proof and after a wrong one.
#[actix_rt::test]
async fn a_challenge_is_answered_once() {
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    let (finish, _) = door.begun(&username, 1).await;
    door.ask(finish.clone()).await.unwrap();
    assert_eq!(door.ask(finish).await.unwrap_err(), EngineError::LoginRefused, "replayed");
    for (chance, byte) in [(2, 0), (3, 15), (4, 31)] {
        let (finish, _) = door.begun(&username, chance).await;
        let mut wrong = finish.clone();
        wrong.proof[byte] ^= 1;
        assert_eq!(door.ask(wrong).await.unwrap_err(), EngineError::LoginRefused);
        assert_eq!(door.ask(finish).await.unwrap_err(), EngineError::LoginRefused, "it was answered");
    }
    let short = door.finish(&username, &[9], &[1; 31]);
    assert_eq!(door.ask(short).await.unwrap_err(), EngineError::SrpInvalid(SrpError::Proof));
    let unasked = door.finish(&username, &[77], &[1; 32]);
    assert_eq!(door.ask(unasked).await.unwrap_err(), EngineError::LoginRefused);
}

/// A-SRP-08: of two answers to one challenge on two nodes exactly one signs in.
#[actix_rt::test]
async fn two_answers_on_two_nodes_make_one_session() {
    let door = Door::open(SrpProfile::Meeco).await;
    let limits = Limits::default();
    let other = Door::over(door.storage.clone(), door.clock.clone(), door.profile, limits, 2).await;
    let username = door.user().await;
    for chance in 1..6 {
        let (finish, _) = door.begun(&username, chance).await;
        let (one, two) = tokio::join!(door.ask(finish.clone()), other.ask(finish));
        assert_eq!(one.is_ok() as u8 + two.is_ok() as u8, 1, "{one:?} {two:?}");
    }
}

/// A-SRP-09: a challenge whose time is over is not answered.
#[actix_rt::test]
async fn a_challenge_expires() {
    for (profile, seconds) in [(SrpProfile::Meeco, 300), (SrpProfile::Native, 60)] {
        let door = Door::open(profile).await;
        let username = door.user().await;
        let (in_time, _) = door.begun(&username, 1).await;
        let (late, _) = door.begun(&username, 2).await;
        door.clock.wait(Duration::from_secs(seconds));
        door.ask(in_time).await.unwrap();
        door.clock.wait(Duration::from_millis(1));
        assert_eq!(door.ask(late).await.unwrap_err(), EngineError::LoginRefused);
    }
}

/// A-SRP-10: a challenge of one account says nothing about another, though both have the same password.
#[actix_rt::test]
async fn a_proof_is_good_for_its_own_account_only() {
    let door = Door::open(SrpProfile::Meeco).await;
    let (ann, bob) = (door.user().await, door.user().await);
    let (finish, _) = door.begun(&ann, 1).await;
    let stolen = FinishSrp { username: bob, ..finish.clone() };
    assert_eq!(door.ask(stolen).await.unwrap_err(), EngineError::LoginRefused);
    assert!(door.ask(finish).await.is_ok(), "and ann's challenge is not spent by it");
}

/// A-SRP-14: there is one way to write a name, so one counter.
#[actix_rt::test]
async fn a_name_in_another_dress_is_another_name_or_none() {
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    let accent = format!("{username}\u{301}");
    let full_width: String = username.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
    for no_name in [
        format!("{username}\0"),
        format!("{username} "),
        format!(" {username}"),
        format!("{username}."),
        accent,
        full_width,
        String::new(),
        "x".repeat(129),
    ] {
        assert_eq!(
            door.begin(&no_name, &[9]).await.unwrap_err(),
            EngineError::UsernameInvalid,
            "{no_name:?}"
        );
        let finish = door.finish(&no_name, &[9], &[1; 32]);
        assert_eq!(door.ask(finish).await.unwrap_err(), EngineError::UsernameInvalid);
    }
    let other_case = username.to_ascii_uppercase();
    let (finish, _) = door.begun(&other_case, 1).await;
    assert_eq!(door.ask(finish).await.unwrap_err(), EngineError::LoginRefused);
}

/// Who signs in more often than an account has sessions is let in, and the oldest session ends; a suspended account
/// is refused like one that is not there.
#[actix_rt::test]
async fn signing_in_makes_room_for_itself() {
    let door = Door::with(SrpProfile::Meeco, Limits { sessions_max: 3, ..Limits::default() }).await;
    let username = door.user().await;
    let mut sessions = Vec::new();
    for chance in 1..6 {
        sessions.push(door.sign_in(&username, chance).await);
        door.clock.wait(Duration::from_secs(1));
    }
    for (at, session) in sessions.into_iter().enumerate() {
        assert_eq!(door.handle().ask(session, WhoAmI).await.is_ok(), at >= 2, "{at}");
    }
    let identity = Identity { realm: realm(), subject: Subject::new(&*username).unwrap() };
    let suspend = SetAccountPolicy { identity, suspended: Some(true), rights: None };
    door.handle().ask(Credential::Operator, suspend).await.unwrap();
    let (finish, _) = door.begun(&username, 9).await;
    assert_eq!(door.ask(finish).await.unwrap_err(), EngineError::LoginRefused);
}

/// A-LEAK-01: neither a registration, nor an answer, nor what comes of them prints its secrets.
#[actix_rt::test]
async fn what_is_secret_does_not_print() {
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    let registration = door.registration(&username);
    assert!(!format!("{registration:?}").contains("verifier"));
    let (finish, _) = door.begun(&username, 1).await;
    let proof = format!("{:?}", finish.proof);
    assert!(!format!("{finish:?}").contains(&proof));
    let signed_in = door.ask(finish).await.unwrap();
    assert!(!format!("{signed_in:?}").contains(&signed_in.session.token));
}
