//! Another passphrase.

use super::*;

/// A-SRP-09, A-DEV-01: with a new passphrase the old one, its open challenges and all other sessions are refused, and
/// verifier and KEK have changed together.
#[actix_rt::test]
async fn a_new_passphrase_ends_what_the_old_one_opened() {
    const NEW: &[u8] = b"what the client derives from now on";
    let door = Door::open(SrpProfile::Meeco).await;
    let username = door.user().await;
    let session = door.sign_in(&username, 1).await;
    let other = door.sign_in(&username, 2).await;
    let (open, _) = door.begun(&username, 3).await;
    let kek = door.handle().ask(session.clone(), SetKek { wrapped: wrap(0, "old") }).await.unwrap();

    let salt = Salt::new(&[8; 32]).unwrap();
    let verifier = register(Profile::NATIVE, &username, NEW, &salt).unwrap();
    let change = async |password: &[u8], chance: u8, kek: Option<KekUnderNewPassphrase>| {
        let (finish, pending) = door.begun_with(&username, chance, password).await;
        let change = ChangePassphrase {
            profile: SrpProfile::Meeco,
            client_public: finish.client_public,
            proof: finish.proof,
            network: finish.network,
            new_profile: SrpProfile::Native,
            salt: salt.as_bytes().to_vec(),
            verifier: verifier.expose().to_vec(),
            derivation: "argon2id".into(),
            kek,
        };
        let changed = door.handle().ask(session.clone(), change).await?;
        assert!(pending.verify_server(&changed.server_proof).is_ok());
        Ok::<_, EngineError>(changed.ended)
    };
    let under_new = |generation| KekUnderNewPassphrase { generation, wrapped: wrap(0, "new"), target: None };
    let stale = EngineError::StaleKek { generation: kek.generation };
    assert_eq!(change(PASSWORD, 4, None).await.unwrap_err(), stale);
    assert_eq!(change(PASSWORD, 5, Some(under_new(2))).await.unwrap_err(), stale);
    let begin = BeginRotation { generation: kek.generation, wrapped: wrap(0, "next") };
    let target = door.handle().ask(session.clone(), begin).await.unwrap().target;
    let running = EngineError::RotationRunning { target };
    assert_eq!(change(PASSWORD, 6, Some(under_new(1))).await.unwrap_err(), running);
    let with_target =
        KekUnderNewPassphrase { target: Some((target, wrap(0, "next anew"))), ..under_new(kek.generation) };
    let refused = change(b"a guess", 7, Some(with_target.clone())).await.unwrap_err();
    assert_eq!(refused, EngineError::LoginRefused, "a session alone does not do it");
    assert_eq!(door.handle().ask(session.clone(), GetKek {}).await.unwrap().wrapped, kek.wrapped);
    assert_eq!(change(PASSWORD, 8, Some(with_target)).await, Ok(1), "the other session");

    let kek = door.handle().ask(session.clone(), GetKek {}).await.unwrap();
    assert_eq!((kek.wrapped, kek.rotation.unwrap().wrapped), (wrap(0, "new"), wrap(0, "next anew")));
    assert_eq!(door.handle().ask(other, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);
    assert_eq!(door.ask(open).await.unwrap_err(), EngineError::LoginRefused, "made with the old verifier");
    let (old, _) = door.begun(&username, 9).await;
    assert_eq!(door.ask(old).await.unwrap_err(), EngineError::LoginRefused);
    let native = Door { profile: SrpProfile::Native, ..door };
    let (new, _) = native.begun_with(&username, 10, NEW).await;
    assert!(native.ask(new).await.is_ok());
}
