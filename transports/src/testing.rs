//! An engine in memory to test transports against.

#[cfg(any(
    feature = "dialect-dragonchain",
    feature = "dialect-keyknox",
    feature = "dialect-meeco",
    feature = "dialect-misakey",
    feature = "dialect-psono"
))]
pub(crate) mod clock;

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use strongroom_engine::{
    Credential, Engine, Identity, Limits, Rights,
    domains::{
        realms::PutRealm,
        sessions::{BearerIssued, IssueBearer},
    },
    ports::{Clock, Entropy, SeededEntropy, SystemClock},
};
use strongroom_primitives::id::{RealmId, Subject};
use strongroom_storage::{Encrypted, Memory, RootKey, Storage};

use crate::{
    EdgeLimits, Front,
    exchange::{Peer, Request},
};

/// A running engine and the front of a transport.
pub(crate) struct Bench {
    /// Kept alive as long as the front is used.
    pub(crate) engine: Engine,
    pub(crate) front: Front,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), EdgeLimits::default()).await
    }

    /// An engine whose store is encrypted, as service keys will have it.
    pub(crate) async fn encrypted() -> Self {
        let root = RootKey::new([7; 32].into());
        let entropy = SeededEntropy::new(8);
        let store = Encrypted::open(memory(), &root, Arc::new(move |bytes| entropy.fill(bytes))).await;
        let store = store.expect("an empty store becomes an encrypted one");
        Self::over(Arc::new(store), Limits::default(), EdgeLimits::default()).await
    }

    pub(crate) async fn with(limits: Limits, edge: EdgeLimits) -> Self {
        Self::over(Arc::new(memory()), limits, edge).await
    }

    async fn over(storage: Arc<dyn Storage>, limits: Limits, edge: EdgeLimits) -> Self {
        let engine = Engine::builder(storage)
            .clock(Arc::new(SystemClock::new()))
            .entropy(Arc::new(SeededEntropy::new(7)))
            .limits(limits)
            .start()
            .await
            .expect("an empty store starts");
        let realm = PutRealm { realm: realm(), rights: Rights::ALL };
        engine.handle().ask(Credential::Operator, realm).await.expect("a realm");
        let front = Front::new(engine.handle().clone(), edge);
        Self { engine, front }
    }

    /// A bearer session of `subject` with every right.
    pub(crate) async fn bearer(&self, subject: &str) -> BearerIssued {
        let identity = Identity { realm: realm(), subject: subject_of(subject) };
        let issue = IssueBearer { identity, rights: Rights::ALL, life: None, label: "test".to_owned() };
        self.engine.handle().ask(Credential::Operator, issue).await.expect("a session")
    }
}

fn memory() -> Memory {
    let wall = SystemClock::new();
    Memory::new(Arc::new(move || wall.wall().as_ms()))
}

fn realm() -> RealmId {
    RealmId::new("test").expect("a good realm")
}

pub(crate) fn subject_of(text: &str) -> Subject {
    Subject::new(text).expect("a good subject")
}

/// Runs a test on one thread whose time stands still until everybody waits, and then jumps.
pub(crate) fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime of one thread")
    };
    actix_rt::System::with_tokio_rt(runtime).block_on(test)
}

/// A request as a transport would hand it over. `target` may carry a query; headers are `name: value`.
pub(crate) fn request(method: Method, target: &str, headers: &[&str], body: &str) -> Request {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut map = HeaderMap::new();
    for line in headers {
        let (name, value) = line.split_once(": ").expect("name: value");
        let name: HeaderName = name.parse().expect("a header's name");
        map.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    Request {
        method,
        path: path.into(),
        query: query.map(Into::into),
        headers: map,
        body: Bytes::copy_from_slice(body.as_bytes()),
        peer: Peer::default(),
        request_id: "r1".into(),
    }
}
