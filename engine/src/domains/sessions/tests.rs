use std::{sync::Arc, time::Duration};

use strongroom_primitives::{
    hash,
    id::{RealmId, Subject},
    time::Timestamp,
};
use strongroom_storage::Memory;

use super::*;
use crate::{
    Engine, EngineHandle, Limits,
    credential::Credential,
    domains::{accounts::WhoAmI, realms::PutRealm},
    ports::Clock,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn identity(subject: &str) -> Identity {
    Identity { realm: RealmId::new("app").unwrap(), subject: Subject::new(subject).unwrap() }
}

async fn engine(sessions_max: u64) -> Engine {
    let storage = Arc::new(Memory::new(Arc::new(|| 1_780_000_000_000)));
    let limits = Limits { sessions_max, ..Limits::default() };
    let engine = Engine::builder(storage).limits(limits).start().await.unwrap();
    let put = PutRealm { realm: RealmId::new("app").unwrap(), rights: Rights::ALL };
    engine.handle().ask(Credential::Operator, put).await.unwrap();
    engine
}

fn held(issued: &BearerIssued) -> Credential {
    Credential::bearer(hash::sha256(issued.token.as_bytes()))
}

async fn issue(handle: &EngineHandle, subject: &str, life: Option<Duration>) -> (BearerIssued, Credential) {
    let rights = Rights::NONE.with(crate::credential::Right::Get);
    let issue = IssueBearer { identity: identity(subject), rights, life, label: "laptop".into() };
    let issued = handle.ask(Credential::Operator, issue).await.unwrap();
    let credential = held(&issued);
    (issued, credential)
}

async fn child(handle: &EngineHandle, parent: &Credential, life: Duration) -> (BearerIssued, Credential) {
    let open = OpenChild { life, label: "script".into() };
    let issued = handle.ask(parent.clone(), open).await.unwrap();
    let credential = held(&issued);
    (issued, credential)
}

async fn sessions(handle: &EngineHandle, credential: &Credential) -> Vec<SessionInfo> {
    handle.ask(credential.clone(), ListSessions { identity: None }).await.unwrap()
}

#[actix_rt::test]
async fn a_child_has_its_parents_rights_and_ends_no_later() {
    let engine = engine(64).await;
    let handle = engine.handle();
    let (parent, credential) = issue(handle, "ann", Some(HOUR)).await;
    let (short, short_credential) = child(handle, &credential, HOUR / 2).await;
    let (long, _) = child(handle, &credential, HOUR * 2).await;
    assert!(short.expires < parent.expires);
    assert_eq!(long.expires, parent.expires);
    let me = handle.ask(short_credential.clone(), WhoAmI).await.unwrap();
    assert_eq!(me.rights, Rights::NONE.with(crate::credential::Right::Get));
    let listed = sessions(handle, &short_credential).await;
    let of = |session| listed.iter().find(|info| info.session == session).unwrap();
    assert_eq!(of(parent.session).parent, None);
    assert_eq!((of(short.session).parent, &*of(short.session).label), (Some(parent.session), "script"));

    let open = OpenChild { life: HOUR, label: String::new() };
    assert_eq!(handle.ask(short_credential, open.clone()).await.unwrap_err(), EngineError::ChildSession);
    let gateway = Credential::Gateway { realm: identity("ann").realm, subject: identity("ann").subject };
    let sessionless = handle.ask(gateway, open).await.unwrap_err();
    assert_eq!(sessionless, EngineError::UnknownSession, "there is nothing to open it from");
}

#[actix_rt::test]
async fn a_child_goes_with_its_parent_at_once_and_counts_no_more() {
    let engine = engine(3).await;
    let handle = engine.handle();
    let (parent, credential) = issue(handle, "ann", None).await;
    let (_, other) = issue(handle, "ann", None).await;
    let (_, child_credential) = child(handle, &credential, HOUR).await;
    let open = OpenChild { life: HOUR, label: String::new() };
    assert_eq!(handle.ask(other.clone(), open).await.unwrap_err(), EngineError::TooManySessions { max: 3 });
    let (ended, ()) = tokio::join!(handle.until_refused(child_credential.clone()), async {
        let revoke = RevokeSession { identity: None, session: Some(parent.session) };
        handle.ask(other.clone(), revoke).await.unwrap();
    });
    assert_eq!(ended, EngineError::CredentialInvalid, "whoever waits on the child is told");
    for gone in [credential, child_credential] {
        assert_eq!(handle.ask(gone, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);
    }
    assert_eq!(sessions(handle, &other).await.len(), 1);
    for _ in 0..2 {
        child(handle, &other, HOUR).await;
    }
}

#[actix_rt::test]
async fn all_sessions_go_but_the_current_one_and_the_one_it_hangs_on() {
    let engine = engine(64).await;
    let handle = engine.handle();
    let (first, one) = issue(handle, "ann", None).await;
    let (_, two) = issue(handle, "ann", None).await;
    let (current, current_credential) = child(handle, &one, HOUR).await;
    let (_, sibling) = child(handle, &one, HOUR).await;
    let (_, bob) = issue(handle, "bob", None).await;

    let others = RevokeSessions { identity: None, keep_current: true };
    assert_eq!(handle.ask(current_credential.clone(), others.clone()).await.unwrap(), 2);
    for gone in [two, sibling] {
        assert_eq!(handle.ask(gone, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);
    }
    let left: Vec<_> = sessions(handle, &one).await.into_iter().map(|info| info.session).collect();
    assert!(left.len() == 2 && left.contains(&first.session) && left.contains(&current.session));
    assert_eq!(handle.ask(current_credential.clone(), others).await.unwrap(), 0);

    let all = RevokeSessions { identity: None, keep_current: false };
    assert_eq!(handle.ask(current_credential.clone(), all).await.unwrap(), 2);
    assert_eq!(handle.ask(one, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);
    assert!(handle.ask(bob.clone(), WhoAmI).await.is_ok(), "somebody else's stay");

    let of_bob = RevokeSessions { identity: Some(identity("bob")), keep_current: false };
    let refused = handle.ask(bob.clone(), of_bob.clone()).await.unwrap_err();
    assert_eq!(refused, EngineError::CredentialInvalid, "only the operator names somebody");
    assert_eq!(handle.ask(Credential::Operator, of_bob).await.unwrap(), 1);
    assert!(handle.ask(bob, WhoAmI).await.is_err());
}

/// The use of a session is written down, and shown to its owner; what is not used for too long ends.
#[actix_rt::test]
async fn a_session_says_when_it_was_used_and_ends_for_want_of_use() {
    let clock = Arc::new(Settable(1_780_000_000_000.into()));
    let store_clock = clock.clone();
    let storage = Arc::new(Memory::new(Arc::new(move || store_clock.wall().as_ms())));
    let limits = Limits { session_idle_max: Some(HOUR), ..Limits::default() };
    let engine = Engine::builder(storage).limits(limits).clock(clock.clone()).start().await.unwrap();
    let handle = engine.handle();
    let put = PutRealm { realm: RealmId::new("app").unwrap(), rights: Rights::ALL };
    handle.ask(Credential::Operator, put).await.unwrap();
    let (used, credential) = issue(handle, "ann", None).await;
    let (_, idle) = issue(handle, "ann", None).await;
    for _ in 0..3 {
        clock.wait(HOUR / 2);
        assert!(handle.ask(credential.clone(), WhoAmI).await.is_ok());
        // The mark is somebody else's work.
        for _ in 0..50 {
            actix_rt::task::yield_now().await;
        }
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
    let listed = sessions(handle, &credential).await;
    let last_used = listed.iter().find(|info| info.session == used.session).unwrap().last_used;
    assert_eq!(last_used, Some(clock.wall()));
    assert_eq!(handle.ask(idle, WhoAmI).await.unwrap_err(), EngineError::CredentialExpired);
    clock.wait(HOUR);
    assert!(handle.ask(credential.clone(), WhoAmI).await.is_ok(), "the last instant is good");
    actix_rt::time::sleep(Duration::from_millis(5)).await;
    clock.wait(HOUR + Duration::from_millis(1));
    assert_eq!(handle.ask(credential, WhoAmI).await.unwrap_err(), EngineError::CredentialExpired);
}

struct Settable(std::sync::atomic::AtomicU64);

impl Clock for Settable {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Settable {
    fn wait(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A-KEY-02 for sessions: another account's session is one that never was.
#[actix_rt::test]
async fn nobody_revokes_somebody_elses_session() {
    let engine = engine(64).await;
    let handle = engine.handle();
    let (_, ann) = issue(handle, "ann", None).await;
    let (issued, bob) = issue(handle, "bob", None).await;
    for session in [issued.session, SessionId::from_bytes([9; 16])] {
        let revoke = RevokeSession { identity: None, session: Some(session) };
        assert_eq!(handle.ask(ann.clone(), revoke).await.unwrap_err(), EngineError::UnknownSession);
    }
    assert!(handle.ask(bob, WhoAmI).await.is_ok());
}
