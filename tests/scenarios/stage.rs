//! One engine in memory, reached over one transport.

use std::{any::Any, net::SocketAddr, sync::Arc, time::Duration};

use strongroom_client::{Backoff, Client, ClientOptions, Credentials, Token};
use strongroom_engine::{
    Credential, Engine, Identity, Limits, Rights,
    domains::{
        realms::{ConfiguredRealm, PutRealm, SignUp, SyncConfiguredRealms},
        sessions::{BearerIssued, IssueBearer},
    },
    ports::{Clock, Entropy, SeededEntropy, SystemClock},
    testing::recovery,
};
use strongroom_primitives::{
    id::{RealmId, Subject},
    secret::{Secret, SecretText},
};
use strongroom_storage::{Encrypted, Memory, RootKey, Storage};
use strongroom_transports::{
    EdgeLimits, Front, PeopleOptions, PeopleRates, PublicUrl, PublicUrls, Router,
    dialects::Answering,
    exchange::{Request, Response, StatusCode},
    http, memory, ws,
};

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
    /// Where the operator dials: over HTTP if that is the way of everybody, else in memory.
    operator: Way,
    /// Whether clients seal what they say.
    sealed: bool,
    /// Whatever listens; dropping it ends it.
    _listener: Option<Box<dyn Any>>,
}

/// The operator's token where one is asked for.
const OPERATOR: &str = "operator-token-of-the-stories";

/// What the operator may ask beyond the native interface: nothing.
struct Nothing;

impl http::AdminApi for Nothing {
    fn answer<'a>(&'a self, _: &'a Front, _: &'a Request) -> Answering<'a> {
        Box::pin(async { Response::empty(StatusCode::NOT_FOUND) })
    }
}

/// Events that a feed keeps on the stage.
pub(crate) const FEED_EVENTS: u64 = 4_000;

/// Rows on one page of a listing on the stage.
pub(crate) const PAGE_ROWS: usize = 8;

/// What signed requests are for.
fn urls(addresses: &[SocketAddr]) -> PublicUrls {
    PublicUrls::new(addresses.iter().map(|at| PublicUrl::of_listener(*at, false)))
}

impl Stage {
    /// Whether requests pass as HTTP messages, which a service key can sign.
    pub(crate) fn has_messages(&self) -> bool {
        !self.sealed && !matches!(self.way, Way::Memory(_))
    }

    pub(crate) async fn open(transport: Transport) -> Self {
        Self::over(store().await, transport).await
    }

    /// One of several engines over one store.
    pub(crate) async fn over(storage: Arc<dyn Storage>, transport: Transport) -> Self {
        let clock = Arc::new(SystemClock::new());
        let limits = Limits {
            feed_events_max: FEED_EVENTS,
            page_rows_max: PAGE_ROWS,
            sweep_interval: Duration::from_millis(20),
            ..Limits::default()
        };
        let engine = Engine::builder(storage)
            .clock(clock)
            .limits(limits)
            .recovery_realm(recovery::realm_of_accounts(7, recovery::at_once(), realm().as_str()))
            .start()
            .await
            .unwrap();
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
            let listener = http::Listener::start(options, front.clone(), Arc::new(router)).unwrap();
            front.reached_by(urls(listener.addresses()));
            listener
        };
        let serve_operator = |front: &Front| {
            let options =
                http::HttpOptions { bind: vec![any], name: "admin", ..http::HttpOptions::default() };
            let token = Arc::new(Secret::new(OPERATOR.as_bytes().to_vec()));
            let (metrics, api) = (http::Metrics::new(), Arc::new(Nothing));
            let administration = http::Administration { token, metrics, api };
            http::Listener::start_admin(options, front.clone(), administration).unwrap()
        };
        let mut operator = Way::Memory(memory::Connector::new(front.clone()));
        let (way, listener): (Way, Option<Box<dyn Any>>) = match transport {
            Transport::Memory | Transport::SealedMemory => (Way::Memory(memory::Connector::new(front)), None),
            Transport::Http => {
                let (listener, admin) = (serve_http(&front), serve_operator(&front));
                operator = Way::Http(admin.addresses()[0]);
                (Way::Http(listener.addresses()[0]), Some(Box::new((listener, admin))))
            }
            Transport::WebSocketBesideHttp | Transport::SealedWebSocket => {
                let listener = serve_http(&front);
                (Way::WebSocket(listener.addresses()[0]), Some(Box::new(listener)))
            }
            Transport::WebSocketAlone => {
                let listener =
                    ws::Listener::start(ws::ListenerOptions::new(any), front.clone()).await.unwrap();
                front.reached_by(urls(&[listener.address()]));
                (Way::WebSocket(listener.address()), Some(Box::new(listener)))
            }
        };
        Self { engine, way, operator, sealed: transport.is_sealed(), _listener: listener }
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

    /// The operator, who has no account.
    pub(crate) fn operator(&self) -> Client {
        match &self.operator {
            Way::Memory(connector) => {
                self.over_memory(connector, Some(Credential::Operator), Credentials::nobody())
            }
            Way::Http(at) => {
                let token = Token::operator(&SecretText::new(OPERATOR.to_owned())).unwrap();
                Client::http(&format!("http://{at}"), Credentials::given(token), self.options()).unwrap()
            }
            Way::WebSocket(_) => unreachable!("no WebSocket is opened for the operator"),
        }
    }

    /// `accepted`: who the link is opened for, if that is known without a word.
    fn over_memory(
        &self,
        connector: &memory::Connector,
        accepted: Option<Credential>,
        credentials: Credentials,
    ) -> Client {
        let (connector, tongue) = (connector.clone(), self.tongue());
        let dial = move || {
            let (connector, accepted) = (connector.clone(), accepted.clone());
            async move { connector.connect(accepted, tongue).await }
        };
        Client::frames(dial, credentials, self.options())
    }

    pub(crate) fn client_with(&self, credentials: Credentials) -> Client {
        let options = self.options();
        match &self.way {
            Way::Memory(connector) => self.over_memory(connector, None, credentials),
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

/// An empty store, encrypted.
pub(crate) async fn store() -> Arc<dyn Storage> {
    let wall = SystemClock::new();
    let memory = Memory::new(Arc::new(move || wall.wall().as_ms()));
    let entropy = SeededEntropy::new(7);
    let chance = Arc::new(move |bytes: &mut [u8]| entropy.fill(bytes));
    Arc::new(Encrypted::open(memory, &RootKey::new([7; 32].into()), chance).await.unwrap())
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
