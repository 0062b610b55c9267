//! One engine in memory, reached over one transport.

use std::{any::Any, net::SocketAddr, sync::Arc, time::Duration};

use strongroom_client::{Backoff, Client, ClientOptions, Credentials, Token};
use strongroom_engine::{
    Credential, Engine, Identity, Limits, Rights,
    domains::{
        realms::{ConfiguredRealm, PutRealm, SignUp, SyncConfiguredRealms},
        sessions::{BearerIssued, IssueBearer},
    },
    ports::{Clock, SystemClock},
};
use strongroom_primitives::{
    id::{RealmId, Subject},
    secret::SecretText,
};
use strongroom_storage::Memory;
use strongroom_transports::{EdgeLimits, Front, PeopleOptions, PeopleRates, Router, http, memory, ws};

use crate::cuts::{Cuts, Lane, Proxy};

/// How a client reaches the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Memory,
    Http,
    WebSocketBesideHttp,
    WebSocketAlone,
    SealedMemory,
    SealedWebSocket,
}

impl Transport {
    fn is_sealed(self) -> bool {
        matches!(self, Self::SealedMemory | Self::SealedWebSocket)
    }
}

/// Where clients dial.
enum Way {
    Memory(memory::Connector),
    Http(SocketAddr),
    WebSocket(SocketAddr),
}

/// A running engine with one way to it.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    way: Way,
    /// Whether clients seal what they say.
    sealed: bool,
    /// Whatever listens; dropping it ends it.
    _listener: Option<Box<dyn Any>>,
}

/// Events that a feed keeps on the stage.
pub(crate) const FEED_EVENTS: u64 = 4_000;

/// Rows on one page of a listing on the stage.
pub(crate) const PAGE_ROWS: usize = 8;

impl Stage {
    pub(crate) async fn open(transport: Transport) -> Self {
        Self::over(store(), transport).await
    }

    /// One of several engines over one store.
    pub(crate) async fn over(storage: Arc<Memory>, transport: Transport) -> Self {
        let clock = Arc::new(SystemClock::new());
        let limits = Limits {
            feed_events_max: FEED_EVENTS,
            page_rows_max: PAGE_ROWS,
            sweep_interval: Duration::from_millis(20),
            ..Limits::default()
        };
        let engine = Engine::builder(storage).clock(clock).limits(limits).start().await.unwrap();
        let realm = PutRealm { realm: realm(), rights: Rights::ALL };
        engine.handle().ask(Credential::Operator, realm).await.unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        let people = PeopleOptions { rates: PeopleRates::NONE, ..PeopleOptions::default() };
        let of = |realm: &RealmId, sign_up| ConfiguredRealm {
            realm: realm.clone(),
            rights: Rights::NONE,
            sign_up,
            keys: Vec::new(),
        };
        let realms = vec![of(&people.users_realm, SignUp::Reserved), of(&people.vault_realm, SignUp::Closed)];
        engine.handle().ask(Credential::Operator, SyncConfiguredRealms { realms }).await.unwrap();
        let front = front.with_people(people);
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let serve_http = |front: &Front| {
            let router = Router::builder().native("/v1").build().unwrap();
            let options = http::HttpOptions { bind: vec![any], ..http::HttpOptions::default() };
            http::Listener::start(options, front.clone(), Arc::new(router)).unwrap()
        };
        let (way, listener): (Way, Option<Box<dyn Any>>) = match transport {
            Transport::Memory | Transport::SealedMemory => (Way::Memory(memory::Connector::new(front)), None),
            Transport::Http => {
                let listener = serve_http(&front);
                (Way::Http(listener.addresses()[0]), Some(Box::new(listener)))
            }
            Transport::WebSocketBesideHttp | Transport::SealedWebSocket => {
                let listener = serve_http(&front);
                (Way::WebSocket(listener.addresses()[0]), Some(Box::new(listener)))
            }
            Transport::WebSocketAlone => {
                let listener = ws::Listener::start(ws::ListenerOptions::new(any), front).await.unwrap();
                (Way::WebSocket(listener.address()), Some(Box::new(listener)))
            }
        };
        Self { engine, way, sealed: transport.is_sealed(), _listener: listener }
    }

    /// A session of `subject` with every right.
    pub(crate) async fn session(&self, subject: &str) -> BearerIssued {
        self.session_in(realm(), subject).await
    }

    /// A session in another realm.
    pub(crate) async fn session_in(&self, realm: RealmId, subject: &str) -> BearerIssued {
        let identity = Identity { realm, subject: self::subject(subject) };
        let issue = IssueBearer { identity, rights: Rights::ALL, life: None, label: "story".to_owned() };
        self.engine.handle().ask(Credential::Operator, issue).await.unwrap()
    }

    /// A client of `subject`.
    pub(crate) async fn client(&self, subject: &str) -> Client {
        let session = self.session(subject).await;
        self.client_of(&session)
    }

    /// A client that comes with a session.
    pub(crate) fn client_of(&self, session: &BearerIssued) -> Client {
        self.client_with(credentials(&session.token))
    }

    /// A client that has not signed in.
    pub(crate) fn nobody(&self) -> Client {
        self.client_with(Credentials::nobody())
    }

    pub(crate) fn client_with(&self, credentials: Credentials) -> Client {
        let options = self.options();
        match &self.way {
            Way::Memory(connector) => {
                let (connector, tongue) = (connector.clone(), self.tongue());
                let dial = move || {
                    let connector = connector.clone();
                    async move { connector.connect(None, tongue).await }
                };
                Client::frames(dial, credentials, options)
            }
            Way::Http(at) => Client::http(&format!("http://{at}"), credentials, options).unwrap(),
            Way::WebSocket(at) => Client::ws(&format!("ws://{at}"), credentials, options).unwrap(),
        }
    }

    fn options(&self) -> ClientOptions {
        ClientOptions { sealed_to: self.sealed.then(|| self.engine.handle().channel_key()), ..options() }
    }

    fn tongue(&self) -> ws::Tongue {
        if self.sealed { ws::Tongue::SEALED } else { options().encoding.into() }
    }

    /// A client whose connections can be broken at will.
    pub(crate) async fn breakable_client(&self, subject: &str) -> (Client, Cuts) {
        let (credentials, options) = (credentials(&self.session(subject).await.token), self.options());
        let cuts = Cuts::new();
        let client = match &self.way {
            Way::Memory(connector) => {
                let (connector, cuts, tongue) = (connector.clone(), cuts.clone(), self.tongue());
                let dial = move || {
                    let (connector, cuts) = (connector.clone(), cuts.clone());
                    async move { connector.connect(None, tongue).await.map(|link| Lane::new(link, &cuts)) }
                };
                Client::frames(dial, credentials, options)
            }
            Way::Http(at) => {
                let proxy = Proxy::start(*at, &cuts).await;
                Client::http(&format!("http://{proxy}"), credentials, options).unwrap()
            }
            Way::WebSocket(at) => {
                let proxy = Proxy::start(*at, &cuts).await;
                Client::ws(&format!("ws://{proxy}"), credentials, options).unwrap()
            }
        };
        (client, cuts)
    }
}

/// An empty store.
pub(crate) fn store() -> Arc<Memory> {
    let wall = SystemClock::new();
    Arc::new(Memory::new(Arc::new(move || wall.wall().as_ms())))
}

pub(crate) fn credentials(token: &str) -> Credentials {
    Credentials::given(Token::read(&SecretText::new(token.to_owned())).unwrap())
}

/// A client that does not wait long before it tries again.
fn options() -> ClientOptions {
    let backoff = Backoff { first: Duration::from_millis(1), max: Duration::from_millis(5) };
    ClientOptions { backoff, ..ClientOptions::default() }
}

fn realm() -> RealmId {
    RealmId::new("story").unwrap()
}

pub(crate) fn subject(text: &str) -> Subject {
    Subject::new(text).unwrap()
}
