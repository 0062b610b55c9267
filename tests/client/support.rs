//! A deployment in one process, with its listener on a port, and clients of it over every link.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use strongroom_client::{
    Backoff, Client, ClientOptions, Credentials,
    keyknox::{ports::Ports, token::ApplicationKey},
    wire::Encoding,
};
use strongroom_engine::{
    Credential, Engine, Limits, Rights,
    domains::realms::{PutRealm, PutRealmKey, RealmKey, SetSignUp, SignUp},
    ports::{Clock, SystemClock},
};
use strongroom_primitives::{id::RealmId, sign::SigningKey};
use strongroom_storage::Memory;
use strongroom_transports::{
    EdgeLimits, Front, Router,
    http::{HttpLimits, HttpOptions, Listener},
    memory,
};

/// What a client speaks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    Memory,
    MemoryCbor,
    Http,
    Ws,
    WsCbor,
}

/// All of them.
pub(crate) const EVERY_LINK: [Via; 5] = [Via::Memory, Via::MemoryCbor, Via::Http, Via::Ws, Via::WsCbor];

/// An engine in memory, a router, a listener.
pub(crate) struct Deployment {
    engine: Engine,
    front: Front,
    listener: Listener,
}

fn application() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

/// Runs `test` on a deployment.
pub(crate) fn deployed(test: impl AsyncFnOnce(&Deployment)) {
    deployed_with(Limits::default(), test);
}

/// Runs `test` on a deployment with these limits.
pub(crate) fn deployed_with(limits: Limits, test: impl AsyncFnOnce(&Deployment)) {
    actix_rt::System::new().block_on(async {
        let clock = Arc::new(SystemClock::new());
        let store_clock = clock.clone();
        let store = Arc::new(Memory::new(Arc::new(move || store_clock.wall().as_ms())));
        let engine =
            Engine::builder(store).clock(clock).limits(limits).start().await.expect("an engine starts");
        let public_key = *application().verifying_key().as_bytes();
        let key = RealmKey { key_id: "k1".to_owned(), public_key, rights: Rights::ALL };
        let put = PutRealmKey { realm: RealmId::new("app").expect("a good realm"), key };
        engine.handle().ask(Credential::Operator, put).await.expect("the operator may");
        for (realm, sign_up) in [("users", SignUp::Reserved), ("users-vault", SignUp::Closed)] {
            let realm = RealmId::new(realm).expect("a good realm");
            let put = PutRealm { realm: realm.clone(), rights: Rights::NONE };
            engine.handle().ask(Credential::Operator, put).await.expect("the operator may");
            let set = SetSignUp { realm, sign_up };
            engine.handle().ask(Credential::Operator, set).await.expect("the operator may");
        }
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        let router = Router::builder().native("/v1").build().expect("a good prefix");
        let options = HttpOptions {
            bind: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            limits: HttpLimits { connections_per_source_max: 0, ..HttpLimits::default() },
            ..HttpOptions::default()
        };
        let listener = Listener::start(options, front.clone(), Arc::new(router)).expect("a port is free");
        let deployment = Deployment { engine, front, listener };
        test(&deployment).await;
    });
}

/// Quick to come back, as a test wants it.
pub(crate) fn options() -> ClientOptions {
    let backoff = Backoff { first: Duration::from_millis(1), max: Duration::from_millis(4) };
    ClientOptions { backoff, tries_max: 200, within: Duration::from_secs(5), ..ClientOptions::default() }
}

/// Tokens of `identity`, made as they are needed.
pub(crate) fn credentials(identity: &str) -> Credentials {
    let realm = RealmId::new("app").expect("a good realm");
    let key = ApplicationKey::new(realm, "k1", application()).expect("a good key id");
    Credentials::minted(key, identity.parse().expect("a good subject"), 1_200, Ports::system().clock)
}

impl Deployment {
    /// The engine behind it all.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What links in memory lead to.
    pub(crate) fn front(&self) -> &Front {
        &self.front
    }

    /// Where the listener is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.addresses()[0]
    }

    /// A client of `identity`.
    pub(crate) fn client(&self, via: Via, identity: &str) -> Client {
        self.client_of(via, credentials(identity))
    }

    /// A client of nobody.
    pub(crate) fn nobody(&self, via: Via) -> Client {
        self.client_of(via, Credentials::nobody())
    }

    fn client_of(&self, via: Via, credentials: Credentials) -> Client {
        let url = format!("http://{}", self.address());
        let cbor = || ClientOptions { encoding: Encoding::Cbor, ..options() };
        match via {
            Via::Memory => self.in_memory(credentials, options()),
            Via::MemoryCbor => self.in_memory(credentials, cbor()),
            Via::Http => Client::http(&url, credentials, options()).expect("a good address"),
            Via::Ws => Client::ws(&url, credentials, options()).expect("a good address"),
            Via::WsCbor => Client::ws(&url, credentials, cbor()).expect("a good address"),
        }
    }

    fn in_memory(&self, credentials: Credentials, options: ClientOptions) -> Client {
        let (front, encoding) = (self.front.clone(), options.encoding);
        let dial =
            move || std::future::ready(Ok::<_, std::io::Error>(memory::connect(&front, None, encoding)));
        Client::frames(dial, credentials, options)
    }
}
