//! Signing up and in. The protocol is the engine's; here are sizes of time, rates and names for things.

use std::time::Duration;

use strongroom_engine::domains::sessions::{
    TokenForm,
    srp::{
        BeginSrp, ChangePassphrase, FinishSrp, KekUnderNewPassphrase, RegisterUser, ReserveUsername,
        SignInAttempts, SrpProfile,
    },
};
use strongroom_wire::{
    Base64Bytes, KekRewrapped, PassphraseChange, PassphraseChanged, Problem, Registration, Reply,
    SignInFailures, SignedIn, SrpChallenge, SrpProof, SrpStart, UserRegistered, UsernameReserved,
};

use super::{Desk, SESSION_LIFE_S_MAX, convert};
use crate::{problem::bad_request, rates::Counted};

/// The protocol that the native interface speaks.
const PROFILE: SrpProfile = SrpProfile::Native;

/// How long a session is wanted.
pub(super) fn life_of(life_s: Option<u64>) -> Result<Option<Duration>, Box<Problem>> {
    match life_s {
        None => Ok(None),
        Some(life_s @ 1..=SESSION_LIFE_S_MAX) => Ok(Some(Duration::from_secs(life_s))),
        Some(_) => Err(bad_request(format!("life_s is 1 to {SESSION_LIFE_S_MAX} seconds"))),
    }
}

fn bytes_of(bytes: Vec<u8>) -> Base64Bytes {
    Base64Bytes(bytes.into())
}

pub(super) async fn reserve(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::SignUp)?;
    let realm = desk.people().users_realm.clone();
    let reserved = desk.ask(ReserveUsername { realm }).await?;
    Ok(Reply::Reserved(UsernameReserved { username: reserved.username, expires: reserved.expires }))
}

pub(super) async fn register(desk: Desk<'_>, new: Registration) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::SignUp)?;
    let Registration { username, salt, verifier, derivation } = new;
    let register = RegisterUser {
        realm: desk.people().users_realm.clone(),
        username,
        profile: PROFILE,
        salt: salt.0.into(),
        verifier: verifier.0.into(),
        derivation,
    };
    Ok(Reply::Registered(UserRegistered { account: desk.ask(register).await?.account }))
}

pub(super) async fn challenge(desk: Desk<'_>, start: SrpStart) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::Challenge)?;
    let SrpStart { username, client_public } = start;
    let realm = desk.people().users_realm.clone();
    let begin = BeginSrp { realm, username, profile: PROFILE, client_public: client_public.0.into() };
    let challenge = desk.ask(begin).await?;
    Ok(Reply::Challenge(SrpChallenge {
        salt: bytes_of(challenge.salt),
        server_public: bytes_of(challenge.server_public),
        derivation: challenge.derivation,
        expires: challenge.expires,
    }))
}

pub(super) async fn sign_in(desk: Desk<'_>, proof: SrpProof) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::SignIn)?;
    let SrpProof { username, client_public, proof, life_s, label } = proof;
    let finish = FinishSrp {
        realm: desk.people().users_realm.clone(),
        username,
        profile: PROFILE,
        client_public: client_public.0.into(),
        proof: proof.0.into(),
        life: life_of(life_s)?,
        label: desk.label(label),
        form: TokenForm::Bearer,
        network: desk.network(),
    };
    let signed_in = desk.ask(finish).await?;
    Ok(Reply::SignedIn(SignedIn {
        session: convert::opened(signed_in.session),
        server_proof: bytes_of(signed_in.server_proof),
        failures: signed_in.failures,
    }))
}

/// Counts as an attempt to sign in, because it takes the same proof.
pub(super) async fn change_passphrase(
    desk: Desk<'_>,
    change: PassphraseChange,
) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::SignIn)?;
    let PassphraseChange { client_public, proof, salt, verifier, derivation, kek } = change;
    let change = ChangePassphrase {
        profile: PROFILE,
        client_public: client_public.0.into(),
        proof: proof.0.into(),
        network: desk.network(),
        new_profile: PROFILE,
        salt: salt.0.into(),
        verifier: verifier.0.into(),
        derivation,
        kek: kek.map(|KekRewrapped { generation, wrapped, target }| KekUnderNewPassphrase {
            generation,
            wrapped: wrapped.0.into(),
            target: target.map(|target| (target.generation, target.wrapped.0.into())),
        }),
    };
    let changed = desk.ask(change).await?;
    let server_proof = bytes_of(changed.server_proof);
    Ok(Reply::PassphraseChanged(PassphraseChanged { server_proof, ended: changed.ended }))
}

pub(super) async fn attempts(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    let failures = desk.ask(SignInAttempts {}).await?;
    Ok(Reply::Attempts(SignInFailures { count: failures.count, last: failures.last }))
}
