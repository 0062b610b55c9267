//! Expiry by the clock of the store, which may be another than that of the engine.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use strongroom_primitives::{
    id::{RealmId, Subject},
    time::Timestamp,
};
use strongroom_storage::{Key, Memory, Range, Storage};

use super::*;
use crate::{Credential, Engine, Rights, codec, domains::realms::PutRealm, ports::Clock};

/// A wall clock that is set by hand.
struct Settable(AtomicU64);

impl Clock for Settable {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A-TOK-04, F-11: a token whose time is over when the commit arrives is not spent, whatever the time was when that was
/// decided.
#[actix_rt::test]
async fn a_token_that_expires_before_the_commit_is_not_spent() {
    for late_ms in [0, 1] {
        let clock = Arc::new(Settable(AtomicU64::new(1_780_000_000_000)));
        let truth = Arc::new(Settable(AtomicU64::new(1_780_000_000_000)));
        let wall = truth.clone();
        let storage = Arc::new(Memory::new(Arc::new(move || wall.0.load(Ordering::Relaxed))));
        let engine = Engine::builder(storage.clone()).clock(clock.clone()).start().await.unwrap();
        let realm = RealmId::new("test").unwrap();
        let put = PutRealm { realm: realm.clone(), rights: Rights::ALL };
        engine.handle().ask(Credential::Operator, put).await.unwrap();
        let ann = Credential::Gateway { realm, subject: Subject::new("ann").unwrap() };
        let issued = engine.handle().ask(ann, IssueToken { audience: audience("vault") }).await.unwrap();

        // Within what a command may take, so that nothing but the token is too late.
        clock.0.store(issued.expires.as_ms() - 5_000, Ordering::Relaxed);
        truth.0.store(issued.expires.as_ms() + late_ms, Ordering::Relaxed);
        let spend = SpendToken { token: issued.token, audience: audience("vault") };
        let answer = engine.handle().ask(Credential::Anonymous, spend).await;
        assert_eq!(answer.is_ok(), late_ms == 0, "{answer:?}");
        let rows = storage.scan(Range::prefix(&Key::from_static(b"t"), 2)).await.unwrap().rows;
        let stored: StoredToken = codec::decode(&rows[0].1.value).unwrap();
        assert_eq!(stored.spent.is_some(), late_ms == 0);
    }
}
