//! A server that lies: what it says is held against what only the user can know.

use std::sync::Arc;

use strongroom_primitives::cryppo::WrappingKey;
use strongroom_primitives::id::{DekId, KeyPairId, SessionId};
use strongroom_primitives::rsa::{NewKeyBits, PrivateKey};
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::secret_key::SecretKey;
use strongroom_primitives::srp::{
    self, ClientPublic, Ephemeral, Profile, Proof, Salt, ServerPublic, Transcript,
};
use strongroom_primitives::time::Timestamp;
use strongroom_primitives::two_skd::{self, WorkError, WorkFactors};
use strongroom_wire::{
    Change, CryppoString, Dek, DekPage, Kek, KeyPair, NewKek, Operation, Reply, SessionOpened,
    SignedIn as Document, SrpChallenge,
};

use super::keys::encrypt;
use super::sign_up::base64;
use super::*;
use crate::error::ClientError;
use crate::testing::{Server, problem, server};

impl Server {
    fn has_seen_a_proof(&self) -> bool {
        self.asked.lock().unwrap().iter().any(|operation| matches!(operation, Operation::FinishSrp(_)))
    }
}

fn secret_key() -> SecretKey {
    SecretKey::new("M9znjHbD5Xi", &[7; 32]).unwrap()
}

fn passphrase() -> SecretText {
    SecretText::new("canary passphrase".to_owned())
}

/// How an honest server answers a sign-in, and what a dishonest one makes of it.
fn signing_in(spoil: impl Fn(&mut Reply) + Send + Sync + 'static) -> (Client, Arc<Server>) {
    let keys = two_skd::native(&passphrase(), &secret_key(), WorkFactors::FLOOR).unwrap();
    let salt = Salt::new(&[5; 32]).unwrap();
    let verifier = srp::register(Profile::NATIVE, "M9znjHbD5Xi", keys.srp.expose(), &salt).unwrap();
    let ephemeral = Ephemeral::new([9; 32]);
    let server_public = srp::challenge(Profile::NATIVE, &verifier, &ephemeral).unwrap();
    server(move |operation| {
        let mut reply = match operation {
            Operation::BeginSrp(_) => Reply::Challenge(SrpChallenge {
                salt: base64(salt.as_bytes()),
                server_public: base64(server_public.as_bytes()),
                derivation: WorkFactors::FLOOR.to_string(),
                expires: Timestamp::MAX,
            }),
            Operation::FinishSrp(proof) => {
                let client_public = ClientPublic::new(Profile::NATIVE, &proof.client_public.0).unwrap();
                let transcript = Transcript {
                    profile: Profile::NATIVE,
                    name: &proof.username,
                    salt: &salt,
                    client_public: &client_public,
                    server_public: &ServerPublic::new(Profile::NATIVE, server_public.as_bytes()).unwrap(),
                };
                let m1 = Proof::new(&proof.proof.0).unwrap();
                let Ok(accepted) = srp::answer(&transcript, &verifier, &ephemeral, &m1) else {
                    return Err(problem(401, "login-refused"));
                };
                Reply::SignedIn(Document {
                    session: SessionOpened {
                        session: SessionId::from_bytes([1; 16]),
                        token: "srt_canary".to_owned(),
                        expires: None,
                    },
                    server_proof: base64(accepted.m2.expose()),
                    failures: 3,
                })
            }
            _ => return Err(problem(404, "unknown-key")),
        };
        spoil(&mut reply);
        Ok(reply)
    })
}

async fn sign_in(client: &Client, passphrase: &SecretText) -> Result<SignedIn, UserError> {
    Users::new(client).sign_in(&secret_key(), passphrase, SignInOptions::default()).await
}

/// A-LEAK-01: who has signed in prints without what they hold.
#[tokio::test]
async fn a_server_that_proves_itself_is_believed() {
    let (client, _) = signing_in(|_| {});
    let signed_in = sign_in(&client, &passphrase()).await.unwrap();
    assert_eq!(signed_in.failures, 3);
    assert!(signed_in.token.matches("srt_canary"));
    let expected = two_skd::native(&passphrase(), &secret_key(), WorkFactors::FLOOR).unwrap().pdk;
    assert_eq!(signed_in.keystore.pdk().expose_bytes(), expected.expose_bytes());
    let printed = format!("{signed_in:?}");
    assert!(!printed.contains("canary") && !printed.contains(expected.expose_text().expose()), "{printed}");
    let wrong = sign_in(&client, &SecretText::new("another".to_owned())).await.unwrap_err();
    assert!(matches!(wrong, UserError::LoginRefused), "{wrong}");
}

/// A-SRP-16: without a good proof of the server's there is no session, whatever else it sent.
#[tokio::test]
async fn a_server_that_does_not_prove_itself_gets_no_session() {
    for bytes in [Vec::new(), vec![0; 31], vec![0; 32], vec![0; 33]] {
        let (client, _) = signing_in(move |reply| {
            if let Reply::SignedIn(signed_in) = reply {
                signed_in.server_proof = base64(&bytes);
            }
        });
        let error = sign_in(&client, &passphrase()).await.unwrap_err();
        assert!(matches!(error, UserError::ServerUnproved), "{error}");
    }
    let (client, _) = signing_in(|reply| {
        if let Reply::SignedIn(signed_in) = reply {
            let mut proof = signed_in.server_proof.0.to_vec();
            proof[31] ^= 1;
            signed_in.server_proof = base64(&proof);
        }
    });
    assert!(matches!(sign_in(&client, &passphrase()).await.unwrap_err(), UserError::ServerUnproved));
}

/// A-SRP-15: a server's value that is zero, or none of the group, gets no proof.
#[tokio::test]
async fn a_server_value_of_zero_gets_no_proof() {
    for bytes in [vec![], vec![0], vec![0; 384], vec![0xff; 384], vec![1; 385]] {
        let (client, server) = signing_in(move |reply| {
            if let Reply::Challenge(challenge) = reply {
                challenge.server_public = base64(&bytes);
            }
        });
        let error = sign_in(&client, &passphrase()).await.unwrap_err();
        assert!(matches!(error, UserError::Handshake(_)), "{error}");
        assert!(!server.has_seen_a_proof());
    }
}

/// A-SRV-01: work below the floor would make the passphrase cheap to guess, work above the ceiling would burn the
/// machine; neither is done, and nothing is proved.
#[tokio::test]
async fn work_outside_the_bounds_gets_no_proof() {
    for (text, expected) in [
        ("argon2id$m=19455,t=2,p=1", WorkError::TooLittle),
        ("argon2id$m=19456,t=1,p=1", WorkError::TooLittle),
        ("argon2id$m=1,t=1,p=1", WorkError::TooLittle),
        ("argon2id$m=1048577,t=2,p=1", WorkError::TooMuch),
        ("argon2id$m=19456,t=17,p=1", WorkError::TooMuch),
        ("argon2id$m=99999999999,t=2,p=1", WorkError::TooMuch),
        ("pbkdf2$i=1", WorkError::Malformed),
        (" ", WorkError::Malformed),
    ] {
        let (client, server) = signing_in(move |reply| {
            if let Reply::Challenge(challenge) = reply {
                challenge.derivation = text.to_owned();
            }
        });
        let error = sign_in(&client, &passphrase()).await.unwrap_err();
        assert!(matches!(error, UserError::Work(found) if found == expected), "{text}: {error}");
        assert!(!server.has_seen_a_proof());
    }
}

/// A name that nobody has comes without a word on its derivation, and is refused like a wrong passphrase.
#[tokio::test]
async fn a_name_that_nobody_has_is_refused_like_a_wrong_passphrase() {
    let (client, server) = signing_in(|reply| {
        if let Reply::Challenge(challenge) = reply {
            challenge.derivation.clear();
        }
    });
    // Derived with other work than the verifier was, the proof cannot fit.
    assert!(matches!(sign_in(&client, &passphrase()).await.unwrap_err(), UserError::LoginRefused));
    assert!(server.has_seen_a_proof());
}

fn key(byte: u8) -> WrappingKey {
    WrappingKey::from_bytes(&[byte; 32])
}

fn wrapped(by: &WrappingKey, key: &WrappingKey) -> CryppoString {
    CryppoString(by.wrap_key([1; 12], key, strongroom_primitives::cryppo::Form::Bson).into_string())
}

fn kek(generation: u32, wrapped: CryppoString) -> Reply {
    Reply::Kek(Kek { generation, wrapped, since: Timestamp::from_ms(1), keys: 1, rotation: None })
}

/// A-SRV-04: a KEK that the server made itself does not open, and neither does a key under another.
#[tokio::test]
async fn keys_that_the_server_swapped_do_not_open() {
    let id = DekId::from_bytes([2; 16]);
    let of = |kek_text: CryppoString, dek_text: CryppoString, generation| {
        server(move |operation| match operation {
            Operation::GetKek {} => Ok(kek(1, kek_text.clone())),
            Operation::GetDek { id } => {
                let wrapped = dek_text.clone();
                Ok(Reply::Dek(Dek { id: *id, generation, wrapped, created: Timestamp::from_ms(1) }))
            }
            _ => Err(problem(404, "unknown-key")),
        })
        .0
    };
    let (pdk, kek, dek) = (key(1), key(2), key(3));
    let good = of(wrapped(&pdk, &kek), wrapped(&kek, &dek), 1);
    let opened = Keystore::new(good, pdk.clone()).dek(id).await.unwrap();
    assert_eq!(opened.expose_bytes(), dek.expose_bytes());
    for (client, what) in [
        (of(wrapped(&key(9), &key(9)), wrapped(&key(9), &dek), 1), Kept::Kek),
        (of(CryppoString("Aes256Gcm".to_owned()), wrapped(&kek, &dek), 1), Kept::Kek),
        (of(wrapped(&pdk, &kek), wrapped(&key(9), &dek), 1), Kept::Dek),
        (of(wrapped(&pdk, &kek), wrapped(&pdk, &dek), 1), Kept::Dek),
    ] {
        let error = Keystore::new(client, pdk.clone()).dek(id).await.unwrap_err();
        assert!(matches!(error, UserError::DoesNotOpen { what: found, .. } if found == what), "{error}");
    }
    // A key that never is of the present generation is not waited for without end.
    let error = Keystore::new(of(wrapped(&pdk, &kek), wrapped(&kek, &dek), 2), pdk.clone()).dek(id).await;
    assert!(matches!(error.unwrap_err(), UserError::Client(ClientError::Protocol { .. })));
}

/// A-SRV-02: a public key that is not the private one's half is not used.
#[tokio::test]
async fn a_public_key_that_was_swapped_is_refused() {
    let (own, other) = (
        PrivateKey::generate(NewKeyBits::Bits2048).unwrap(),
        PrivateKey::generate(NewKeyBits::Bits2048).unwrap(),
    );
    let (pdk, kek_key) = (key(1), key(2));
    let kek_text = wrapped(&pdk, &kek_key);
    let pem = own.expose_pem();
    for (public, good) in [(own.public_key().to_pem(), true), (other.public_key().to_pem(), false)] {
        let (kek_text, kek_key, pem) = (kek_text.clone(), kek_key.clone(), pem.clone());
        let (client, _) = server(move |operation| match operation {
            Operation::GetKek {} => Ok(kek(1, kek_text.clone())),
            Operation::FindKeyPair { .. } => {
                let (client, _) = server(|_| Err(problem(404, "x")));
                Ok(Reply::KeyPair(KeyPair {
                    id: KeyPairId::from_bytes([4; 16]),
                    public_key: public.clone(),
                    fingerprint: base64(&[0; 32]),
                    generation: 1,
                    wrapped_private_key: encrypt(
                        &client,
                        &kek_key,
                        pem.expose().as_bytes(),
                        Kept::PrivateKey,
                    )
                    .unwrap(),
                    external_identifiers: vec![VAULT_KEY.to_owned()],
                    metadata: None,
                    created: Timestamp::from_ms(1),
                }))
            }
            _ => Err(problem(404, "unknown-key")),
        });
        let found = Keystore::new(client, pdk.clone()).key_pair(VAULT_KEY).await;
        match found {
            Ok(Some(pair)) => assert!(good && !format!("{pair:?}").contains("PRIVATE")),
            Err(UserError::KeyPair) => assert!(!good),
            other => panic!("{other:?}"),
        }
    }
}

/// A KEK is set once: whoever is second takes the first one's.
#[tokio::test]
async fn a_kek_that_another_device_was_faster_to_set_is_taken() {
    let (pdk, theirs) = (key(1), key(2));
    let text = wrapped(&pdk, &theirs);
    let (client, _) = server(move |operation| match operation {
        Operation::SetKek(NewKek { .. }) => Err(problem(409, "kek-exists")),
        Operation::GetKek {} => Ok(kek(1, text.clone())),
        _ => Err(problem(404, "unknown-key")),
    });
    let kek = Keystore::new(client, pdk).set_kek().await.unwrap();
    assert_eq!(kek.key.expose_bytes(), theirs.expose_bytes());
}

/// Devices that enrol at the same time each find the other's DEK beside their own: both name the oldest, in whatever order
/// they are listed.
#[tokio::test]
async fn of_several_deks_the_oldest_is_named_and_none_is_made() {
    let dek = |id: u8, ms| {
        let (id, wrapped) = (DekId::from_bytes([id; 16]), CryppoString(String::new()));
        Dek { id, generation: 1, wrapped, created: Timestamp::from_ms(ms) }
    };
    let (client, server) = server(move |operation| match operation {
        Operation::ListDeks { .. } => {
            Ok(Reply::Deks(DekPage { deks: vec![dek(1, 30), dek(2, 10), dek(3, 20)], next: None }))
        }
        _ => Err(problem(404, "unknown-vault-user")),
    });
    Keystore::new(client.clone(), key(1)).name_private_dek(&client).await.unwrap_err();
    let asked = server.asked.lock().unwrap();
    let named = asked.iter().find_map(|operation| match operation {
        Operation::UpdateVaultUser(change) => Some(change.private_dek.clone()),
        Operation::CreateDek(_) => panic!("there was one already"),
        _ => None,
    });
    assert_eq!(named, Some(Change::Set(DekId::from_bytes([2; 16]).to_string())));
}
