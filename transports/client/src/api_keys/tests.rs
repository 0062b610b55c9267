//! A server that lies to a program: nothing of what it says is kept.

use bytes::Bytes;
use strongroom_primitives::id::{AccountId, ApiKeySecretId, SecretId, SessionId};
use strongroom_primitives::key_login::Statement;
use strongroom_wire::{ApiKeySignIn, ApiKeySignedIn, Attached, Base64Bytes, Boxed, Grant, TokenText};

use super::*;
use crate::error::ErrorKind;
use crate::testing::server;

fn boxed() -> Boxed {
    Boxed { text: Base64Bytes(Bytes::from_static(&[7; 16])), nonce: Base64Array([1; 24]) }
}

fn id(byte: u8) -> ApiKeyId {
    ApiKeyId::from_bytes([byte; 16])
}

fn grant(id: ApiKeyId) -> Grant {
    let key = ApiKey {
        id,
        title: "backup".to_owned(),
        read: true,
        write: false,
        restrict: false,
        insecure: false,
        active: true,
        created: Timestamp::from_ms(1),
        expires: None,
        public_key: Base64Array([9; 32]),
        private_key: boxed(),
        secret_key: boxed(),
    };
    Grant {
        token: TokenText::new("srt_granted".to_owned()),
        session: SessionId::from_bytes([2; 16]),
        account: AccountId::from_bytes([3; 16]),
        expires: None,
        key,
        owner: None,
    }
}

/// Answers a sign-in as an honest server with this identity would, had the client asked for a session called `label`.
fn answer(sign_in: &ApiKeySignIn, identity: &SigningKey, label: &str, grant: &Grant) -> Reply {
    let statement = Statement {
        api_key: sign_in.api_key,
        nonce: &sign_in.nonce.0,
        client_public: &sign_in.client_public.0,
        server: &sign_in.server_key.0,
        life_s: sign_in.life_s,
        label,
    };
    let grant = serde_json::to_vec(grant).unwrap();
    let accepted = statement.accepted(&sign_in.signature.0).unwrap();
    let answer = accepted.answer(&grant, [5; 32], [4; 12], |bytes| identity.sign(bytes)).unwrap();
    Reply::ApiKeySignedIn(ApiKeySignedIn {
        server_public: Base64Array(answer.server_public),
        grant: Base64Bytes(answer.grant.into()),
        signature: Base64Array(answer.signature),
    })
}

/// Signs in at a server with this identity, with a key that was made at the one of seed 2.
async fn sign_in(identity: u8, label: &'static str, granted: ApiKeyId) -> Result<KeySignedIn, ApiKeyError> {
    let (client, server) = server(move |operation| {
        let identity = SigningKey::from_seed(&[identity; 32]);
        Ok(match operation {
            Operation::ChallengeApiKey {} => Reply::ApiKeyChallenge(ApiKeyChallenge {
                nonce: Base64Array([8; 32]),
                expires: Timestamp::from_ms(1),
                server_key: Base64Array(*identity.verifying_key().as_bytes()),
                generation: 1,
            }),
            Operation::SignInWithApiKey(sign_in) => answer(sign_in, &identity, label, &grant(granted)),
            other => panic!("{other:?}"),
        })
    });
    let credential = ApiKeyCredential {
        id: id(1),
        seed: Zeroizing::new([1; 32]),
        server: SigningKey::from_seed(&[2; 32]).verifying_key(),
    };
    let options = KeySignInOptions { label: "cron".to_owned(), ..KeySignInOptions::default() };
    let signed_in = client.sign_in_with_key(&credential, options).await;
    assert_eq!(server.asked.lock().unwrap().len(), 2, "a refused answer leads to no further question");
    signed_in
}

#[tokio::test]
async fn an_answer_is_taken_only_from_the_server_that_the_key_was_made_at_and_only_to_this_sign_in() {
    let taken = sign_in(2, "cron", id(1)).await.unwrap();
    assert_eq!((taken.token.expose(), taken.key.id), ("srt_granted", id(1)));
    for (identity, label) in [(3, "cron"), (2, "another sign-in")] {
        let refused = sign_in(identity, label, id(1)).await.unwrap_err();
        assert!(matches!(refused, ApiKeyError::Answer(KeyLoginError::Signature)), "{refused}");
    }
    let Err(ApiKeyError::Client(refused)) = sign_in(2, "cron", id(2)).await else { panic!("another key") };
    assert_eq!(refused.kind(), ErrorKind::Untrusted);
}

/// A-LEAK-01.
#[test]
fn what_is_secret_prints_as_nothing() {
    let server = SigningKey::from_seed(&[2; 32]).verifying_key();
    let credential = ApiKeyCredential { id: id(1), seed: Zeroizing::new([0xca; 32]), server };
    let owner =
        OwnerKeys { private_key: Zeroizing::new([0xca; 32]), secret_key: BoxKey::from_bytes([0xca; 32]) };
    let printed = format!("{credential:?} {owner:?}");
    assert!(!printed.contains("202") && !printed.to_lowercase().contains("caca"), "{printed}");
}

/// The secret's key is for the API key, the title for its owner, and neither for the server.
#[tokio::test]
async fn an_attached_secret_is_sealed_for_the_api_key_and_its_title_for_the_owner() {
    let (client, server) = server(|operation| {
        assert!(matches!(operation, Operation::AttachSecret { .. }));
        Ok(Reply::Attached(Attached { attachment: ApiKeySecretId::from_bytes([4; 16]) }))
    });
    let owner = OwnerKeys { private_key: Zeroizing::new([1; 32]), secret_key: BoxKey::from_bytes([2; 32]) };
    let of_key = BoxKey::from_bytes([3; 32]);
    let sealed = client.seal_key(&owner.secret_key, &of_key).unwrap();
    let api_key = ApiKey { secret_key: sealed, ..grant(id(1)).key };
    let secret = SecretId::from_bytes([5; 16]);
    client.api_keys().attach(&api_key, secret, &[7; 32], "db", &owner).await.unwrap();

    let asked = server.asked.lock().unwrap().pop().unwrap();
    let Operation::AttachSecret { id: to, secret: which, secret_key, title } = asked else { panic!() };
    assert_eq!((to, which), (id(1), secret));
    let digits = of_key.open(&secret_key.nonce.0, &secret_key.text.0).unwrap();
    assert_eq!(*digits, "07".repeat(32).into_bytes());
    assert_eq!(*owner.secret_key.open(&title.nonce.0, &title.text.0).unwrap(), b"db");
    assert_ne!(secret_key.nonce, title.nonce);
}
