//! One admission token, several engines over one store, every transport at once.

use futures_util::future::join_all;
use strongroom_client::{
    Client, ClientError,
    wire::{Operation, Reply, TokenRequest, TokenShown, TokenText, VaultEnrolment},
};
use strongroom_engine::testing::keys::rsa_pem;
use strongroom_primitives::id::{Audience, RealmId};

use crate::stage::{Stage, Transport, store};

const TRIES: usize = 64;

/// An engine for each transport, all over one store, and a token for a user of its keystore.
async fn stages() -> ([Stage; 3], TokenText, Audience) {
    let store = store().await;
    let stages = [
        Stage::over(store.clone(), Transport::Memory).await,
        Stage::over(store.clone(), Transport::Http).await,
        Stage::over(store, Transport::WebSocketBesideHttp).await,
    ];
    let audience = Audience::new("users-vault").unwrap();
    let session = stages[0].session_in(RealmId::new("users").unwrap(), "ann").await;
    let issue = Operation::IssueToken(TokenRequest { audience: audience.clone() });
    let Reply::AdmissionToken(issued) = stages[0].client_of(&session).ask(issue).await.unwrap() else {
        panic!("another answer")
    };
    (stages, issued.token, audience)
}

/// Asks everywhere at once. Returns how often it was done, having seen to it that the others were refused so.
async fn race(stages: &[Stage; 3], operation: impl Fn(usize) -> Operation, refusal: &[&str]) -> usize {
    let clients: Vec<Client> = (0..TRIES).map(|at| stages[at % stages.len()].nobody()).collect();
    let tries = clients.iter().enumerate().map(|(at, client)| client.ask(operation(at)));
    let answers: Vec<Result<Reply, ClientError>> = join_all(tries).await;
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(refusal.iter().any(|code| refused.is_problem(code)), "{refused}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

/// A-TOK-02.
#[actix_rt::test]
async fn of_64_parallel_spends_of_one_token_over_every_transport_one_admits() {
    let (stages, token, audience) = stages().await;
    let spend = |_| Operation::SpendToken(TokenShown { token: token.clone(), audience: audience.clone() });
    assert_eq!(race(&stages, spend, &["token-spent"]).await, 1);
}

/// A-TOK-02, with keys that differ, so that it is the token that lets only one in.
#[actix_rt::test]
async fn of_64_parallel_enrolments_with_one_token_one_makes_a_user() {
    let (stages, token, _) = stages().await;
    let enrol = |at: usize| {
        let public_key = rsa_pem(at as u64);
        let (admission_token, label) = (token.clone(), String::new());
        Operation::CreateVaultUser(VaultEnrolment { admission_token, public_key, label })
    };
    assert_eq!(race(&stages, enrol, &["token-spent", "vault-user-exists"]).await, 1);
}
