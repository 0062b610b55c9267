//! A secret is shared among holders, asked for, approved, vetoed, dealt anew and recovered.

use strongroom_client::{
    ClientError,
    recovery::{NewHolder, RecoveryError, SplitPlan, from_words, to_words},
    wire::{Base64Array, HolderKind, Operation, RecoveryState, ReleasePolicy, Reply, What},
};
use strongroom_primitives::{hpke::HolderSecret, sharing::SharingError, sign::SigningKey};

use crate::stage::{Stage, subject};

const SECRET: &[u8] = b"the root key of everything";

fn key(number: u8) -> HolderSecret {
    HolderSecret::derive([number; 32])
}

fn holder(kind: HolderKind, number: u8) -> NewHolder {
    NewHolder { kind, public_key: Some(*key(number).public().as_bytes()) }
}

fn bob_and_paper() -> SplitPlan {
    let paper = NewHolder { kind: HolderKind::Paper {}, public_key: None };
    let device = HolderKind::Device { signer: Base64Array(*signer().verifying_key().as_bytes()) };
    let holders = vec![holder(HolderKind::Account(subject("bob")), 1), holder(device, 2), paper];
    let policy = ReleasePolicy {
        quorum: 1,
        delay_s: 0,
        window_s: 600,
        collect_s: 600,
        cooldown_s: 0,
        open_requests_max: 4,
        activity_vetoes: false,
    };
    SplitPlan { label: "root key".to_owned(), threshold: 2, holders, policy }
}

fn signer() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn code<T>(result: Result<T, ClientError>) -> String {
    let error = result.err().expect("a refusal");
    error.problem().expect("a problem").code.as_str().to_owned()
}

fn code_of<T>(result: Result<T, RecoveryError>) -> String {
    match result.err().expect("a refusal") {
        RecoveryError::Client(error) => code::<()>(Err(error)),
        other => other.to_string(),
    }
}

/// A holder's share and a paper give the secret back; strangers see nothing, and nobody approves for another key than
/// the requester's own.
pub(crate) async fn a_secret_is_shared_among_holders_and_recovered(stage: &Stage) {
    let (ann, bob, eve) = (stage.client("ann").await, stage.client("bob").await, stage.client("eve").await);
    let split = ann.recovery().split(bob_and_paper(), SECRET).await.unwrap();
    let id = split.escrow.id;
    let words = to_words(&split.plain[0], [1, 2]).unwrap();
    assert_eq!(ann.recovery().page(None, None).await.unwrap().escrows, std::slice::from_ref(&split.escrow));
    assert_eq!(bob.recovery().held(None, None).await.unwrap().escrows, [split.escrow]);
    assert_eq!(code(eve.recovery().get(id).await), "unknown-escrow");
    assert_eq!(bob.recovery().get(id).await.unwrap().payload, None);

    let requester = key(9);
    let request = ann.recovery().open(id, &requester, "phone lost").await.unwrap();
    assert_eq!(request.state, RecoveryState::Open {});
    assert_eq!(code(ann.recovery().collect(id, request.id).await), "not-released");
    let wrong = bob.recovery().approve(id, request.id, &key(1), key(8).public().as_bytes(), None).await;
    assert!(matches!(wrong, Err(RecoveryError::OtherRequester)));
    let public = *requester.public().as_bytes();
    let stolen = bob.recovery().approve(id, request.id, &key(2), &public, None).await;
    assert!(matches!(stolen, Err(RecoveryError::NoShare)), "the device's share is not shown to bob");
    bob.recovery().approve(id, request.id, &key(1), &public, None).await.unwrap();
    let again = bob.recovery().approve(id, request.id, &key(1), &public, None).await;
    assert_eq!(code_of(again), "already-approved");

    let few = ann.recovery().recover(id, request.id, &requester, &[]).await;
    assert!(matches!(few, Err(RecoveryError::Sharing(SharingError::TooFew { given: 1, threshold: 2 }))));
    let paper = from_words(3, &words).unwrap();
    let recovered = ann.recovery().recover(id, request.id, &requester, &[paper]).await.unwrap();
    assert_eq!(*recovered, SECRET);
    let other = from_words(2, &words).unwrap();
    let bad = ann.recovery().recover(id, request.id, &requester, &[other]).await;
    assert!(matches!(bad, Err(RecoveryError::Sharing(SharingError::BadShare { index: 2 }))));
    assert_eq!(code(ann.recovery().veto(id, request.id).await), "request-closed");

    let page = Operation::FeedPage { owner: None, record: None, after: Some(0), wait_s: None, limit: None };
    let Reply::Feed(page) = bob.ask(page).await.unwrap() else { panic!("a page") };
    let steps = page.events.into_iter().filter_map(|event| match event.what {
        What::RecoveryChanged { state, approvals, .. } => Some((state, approvals)),
        _ => None,
    });
    let steps: Vec<_> = steps.collect();
    assert!(matches!(
        steps[..],
        [
            (RecoveryState::Open {}, 0),
            (RecoveryState::Waiting { .. }, 1),
            (RecoveryState::Released { .. }, 1)
        ]
    ));
}

/// A veto ends a request, a refresh the epoch; a device approves by its signature.
pub(crate) async fn a_recovery_is_vetoed_and_an_escrow_dealt_anew(stage: &Stage) {
    let (ann, bob) = (stage.client("ann").await, stage.client("bob").await);
    let split = ann.recovery().split(bob_and_paper(), SECRET).await.unwrap();
    let id = split.escrow.id;
    let requester = key(9);
    let public = *requester.public().as_bytes();
    let thief = ann.recovery().open(id, &requester, "").await.unwrap();
    assert_eq!(code(bob.recovery().veto(id, thief.id).await), "unknown-escrow");
    ann.recovery().veto(id, thief.id).await.unwrap();
    let vetoed = bob.recovery().approve(id, thief.id, &key(1), &public, None).await;
    assert_eq!(code_of(vetoed), "request-closed");

    let before = ann.recovery().open(id, &requester, "").await.unwrap();
    let plan = bob_and_paper();
    let next = ann.recovery().refresh(id, 1, 2, &plan.holders, b"another secret").await.unwrap();
    assert_eq!(next.escrow.epoch, 2);
    assert_eq!(code_of(ann.recovery().refresh(id, 1, 2, &plan.holders, b"late").await), "stale-epoch");
    assert_eq!(ann.recovery().request(id, before.id).await.unwrap().state, RecoveryState::Lapsed {});

    let request = ann.recovery().open(id, &requester, "").await.unwrap();
    let unsigned = ann.recovery().approve(id, request.id, &key(2), &public, None).await;
    assert_eq!(code_of(unsigned), "not-your-share");
    ann.recovery().approve(id, request.id, &key(2), &public, Some(&signer())).await.unwrap();
    let old = ann.recovery().recover(id, request.id, &requester, &split.plain).await;
    assert!(matches!(old, Err(RecoveryError::Sharing(SharingError::BadShare { index: 3 }))));
    let recovered = ann.recovery().recover(id, request.id, &requester, &next.plain).await.unwrap();
    assert_eq!(*recovered, b"another secret");
    assert_eq!(ann.recovery().requests(id).await.unwrap().len(), 3);
    ann.recovery().delete(id).await.unwrap();
    assert_eq!(code(ann.recovery().get(id).await), "unknown-escrow");
}
