//! Every kind of session there is, on two nodes over one store: how the account and the operator see it, and its end. It
//! is opened at one node, used at the other, over requests and, where that kind can open one, over a real WebSocket; it
//! ends at the first.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_rt::System;
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture};
use serde_json::{Value, json};
use strongroom_client::{
    Client, ClientOptions, Credentials, Token,
    api_keys::{ApiKeyOptions, KeySignInOptions, OwnerKeys},
    users::{SignInOptions, Users},
    wire::{Operation, Reply, TokenRequest, VaultEnrolment},
};
use strongroom_engine::{
    Credential, Engine, EngineHandle, Identity, Rights,
    domains::{
        realms::{ConfiguredRealm, PutRealm, RevokeRealmKey, SignUp, SyncConfiguredRealms},
        sessions::{IssueBearer, ListSessions, RevokeSession},
    },
};
use strongroom_primitives::{
    id::{RealmId, Subject},
    nacl::BoxKey,
    secret::SecretText,
    two_skd::WorkFactors,
};
use strongroom_transports::{
    EdgeLimits, Front, PeopleOptions, PeopleRates, Router,
    exchange::Method,
    http::{HttpOptions, Listener},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use crate::{
    meeco::world::{Caller, World as Meeco},
    psono::world::{Client as PsonoClient, Person, World as Psono},
    support::{Deployment, HandClock, engines},
};

/// How soon a socket closes after its session has ended.
const WITHIN: Duration = Duration::from_secs(1);

/// The node where sessions are opened and ended, and the one where they are used.
const HERE: usize = 0;
const THERE: usize = 1;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Both nodes, with everything that opens sessions on each.
struct Nodes {
    engines: Vec<Engine>,
    listeners: Vec<Listener>,
    meeco: Meeco,
    psono: Psono,
    keyknox: Deployment,
}

/// A session that is open, and the ways to use and to end it.
struct Held<'n> {
    /// What it goes by in listings: what its client said of the device.
    label: &'static str,
    /// Whose it is; `None` if it is a token that vouches for itself, which no listing shows.
    identity: Option<Identity>,
    /// What opens a WebSocket with it.
    authorization: String,
    /// Whether that is possible at all.
    opens_sockets: bool,
    /// A request at the other node: the status of the answer.
    ask: Box<dyn Fn() -> LocalBoxFuture<'n, u16> + 'n>,
    /// What ends it.
    end: End,
}

/// How a session comes to its end.
enum End {
    /// It is revoked.
    Session,
    /// The session that goes by this label is revoked, from which it was opened.
    Parent(&'static str),
    /// The key of the application that signs its tokens is revoked.
    ApplicationKey,
}

fn realm(name: &str) -> RealmId {
    RealmId::new(name).expect("a good realm")
}

fn identity(realm_name: &str, subject: &str) -> Identity {
    Identity { realm: realm(realm_name), subject: Subject::new(subject).expect("a good subject") }
}

impl Nodes {
    async fn start() -> Self {
        let clock = Arc::new(HandClock::new());
        let engines = engines(2, clock.clone()).await;
        let people =
            || PeopleOptions { rates: PeopleRates::NONE, clock: clock.clone(), ..PeopleOptions::default() };
        let of = |realm, sign_up| ConfiguredRealm { realm, rights: Rights::NONE, sign_up, keys: Vec::new() };
        let realms =
            vec![of(people().users_realm, SignUp::Reserved), of(people().vault_realm, SignUp::Closed)];
        let operator = engines[HERE].handle();
        operator.ask(Credential::Operator, SyncConfiguredRealms { realms }).await.expect("they are good");
        let put = PutRealm { realm: realm("story"), rights: Rights::ALL };
        operator.ask(Credential::Operator, put).await.expect("it is good");
        let listen = |engine: &Engine| {
            let front = Front::new(engine.handle().clone(), EdgeLimits::default()).with_people(people());
            let router = Router::builder().native("/v1").build().expect("a good prefix");
            let options =
                HttpOptions { bind: vec![SocketAddr::from(([127, 0, 0, 1], 0))], ..HttpOptions::default() };
            Listener::start(options, front, Arc::new(router)).expect("a free port")
        };
        Self {
            listeners: engines.iter().map(listen).collect(),
            meeco: Meeco::over(&engines, clock.clone()).await,
            psono: Psono::over(&engines, clock.clone()).await,
            keyknox: Deployment::over(&engines, 1_780_000_000).await,
            engines,
        }
    }

    fn operator(&self) -> &EngineHandle {
        self.engines[HERE].handle()
    }

    fn native(&self, node: usize) -> Client {
        let url = format!("http://{}", self.listeners[node].addresses()[0]);
        Client::http(&url, Credentials::nobody(), ClientOptions::default()).expect("a good address")
    }

    /// A session of the native interface, by its token.
    fn bearer(&self, label: &'static str, identity: Identity, token: &str) -> Held<'_> {
        let there = self.native(THERE).of(credentials(token));
        Held {
            label,
            identity: Some(identity),
            authorization: format!("Bearer {token}"),
            opens_sockets: true,
            ask: Box::new(move || {
                let there = there.clone();
                async move {
                    match there.whoami().await {
                        Ok(_) => 200,
                        Err(error) => error.problem().expect("in the server's words").status,
                    }
                }
                .boxed_local()
            }),
            end: End::Session,
        }
    }

    /// Somebody who signs in natively: their own session, one that was opened from another one, one of an API key, and one of
    /// their vault.
    async fn native_sessions(&self) -> Vec<Held<'_>> {
        let users = Users::new(&self.native(HERE));
        let sign_up = users.sign_up().await.expect("sign-ups are open");
        let passphrase = SecretText::new("a passphrase of a test".to_owned());
        sign_up.register(&passphrase, WorkFactors::FLOOR).await.expect("the name is reserved");
        let secret_key = sign_up.secret_key();
        let me = identity("users", secret_key.username());
        let mut signed_in = Vec::new();
        for label in ["laptop", "desktop"] {
            let options = SignInOptions { life_s: None, label: label.to_owned() };
            signed_in.push(users.sign_in(secret_key, &passphrase, options).await.expect("it is the one"));
        }
        let [laptop, desktop] = &signed_in[..] else { panic!("two of them") };
        let child = desktop.keystore.client().open_child(600, "script").await.expect("it may");

        let owner = OwnerKeys { private_key: [1; 32].into(), secret_key: BoxKey::from_bytes([2; 32]) };
        let keys = laptop.keystore.client().api_keys();
        let wanted = ApiKeyOptions { title: "cron".to_owned(), read: true, ..ApiKeyOptions::default() };
        let made = keys.create(wanted, &owner).await.expect("a person may");
        let options = KeySignInOptions { life_s: None, label: "cron".to_owned() };
        let keyed = self.native(HERE).sign_in_with_key(&made.credential, options).await.expect("it may");

        let audience = "users-vault".parse().expect("an audience");
        let ticket = laptop.keystore.client().ask(Operation::IssueToken(TokenRequest { audience })).await;
        let Ok(Reply::AdmissionToken(ticket)) = ticket else { panic!("a token: {ticket:?}") };
        let enrolment = VaultEnrolment {
            admission_token: ticket.token,
            public_key: self.meeco.public_key.clone(),
            label: "vault".to_owned(),
        };
        let enrolled = self.native(HERE).ask(Operation::CreateVaultUser(enrolment)).await;
        let Ok(Reply::VaultEnrolled(enrolled)) = enrolled else { panic!("a user: {enrolled:?}") };
        let token = self.meeco.unseal(&Value::String(enrolled.session.sealed_token.0));
        let vault_user = identity("users-vault", secret_key.username());

        vec![
            self.bearer("laptop", me.clone(), laptop.token.expose()),
            Held { end: End::Parent("desktop"), ..self.bearer("script", me.clone(), &child.token) },
            self.bearer("cron", me, keyed.token.expose()),
            self.bearer("vault", vault_user, &token),
        ]
    }

    /// A token that the operator hands out.
    async fn issued(&self) -> Held<'_> {
        let whose = identity("story", "ann");
        let issue = IssueBearer {
            identity: whose.clone(),
            rights: Rights::ALL,
            life: None,
            label: "handed out".to_owned(),
        };
        let issued = self.operator().ask(Credential::Operator, issue).await.expect("the operator may");
        self.bearer("handed out", whose, &issued.token)
    }

    /// A user of Meeco's, at the keystore and at the vault.
    async fn meeco_sessions(&self) -> Vec<Held<'_>> {
        let username = self.meeco.user().await;
        let attempt = self.meeco.attempt(&username).await;
        let phone = self.meeco.keystore(HERE).and("user-agent", "a phone");
        let body = phone.post("/srp/session", attempt).await.json();
        let session =
            body["session"]["session_authentication_string"].as_str().expect("a session").to_owned();
        let token = self.meeco.admission_token(&phone.with(&session)).await;
        let tablet = self.meeco.vault(HERE).and("user-agent", "a tablet");
        let body = json!({ "public_key": self.meeco.public_key, "admission_token": token });
        let enrolled = tablet.post("/me", body).await.json();
        let of_vault = self.meeco.unseal(&enrolled["encrypted_session_authentication_string"]);
        vec![
            Held::of_meeco(
                "a phone",
                identity("keystore", &username),
                self.meeco.keystore(THERE).with(&session),
            ),
            Held::of_meeco("a tablet", identity("vault", &username), self.meeco.vault(THERE).with(&of_vault)),
        ]
    }

    /// A person of Psono's, a program with an API key of theirs, and a device that they let in.
    async fn psono_sessions(&self) -> Vec<Held<'_>> {
        let ann = Person::new(&self.psono, "ann@example.com", 20);
        ann.register().await;
        let person = ann.session().await;
        let api_key = ann.api_key(&person, 40, json!({})).await;
        let (_, server) = self.psono.server(HERE).await;
        let program = api_key.session(HERE, &server).await.expect("the server is itself");
        let device = person.let_in().await;
        vec![
            Held::of_psono("a browser", person),
            Held::of_psono("a program", program),
            Held::of_psono("a box", device),
        ]
    }

    /// Somebody with a signed token of an application, who has no session.
    fn keyknox_token(&self) -> Held<'_> {
        let device = self.keyknox.device("alice", THERE);
        Held {
            label: "a signed token",
            identity: None,
            authorization: device.header("authorization").to_owned(),
            opens_sockets: true,
            ask: Box::new(move || {
                let device = device.clone();
                async move { device.send(Method::GET, "/keyknox/v1", "").await.status() }.boxed_local()
            }),
            end: End::ApplicationKey,
        }
    }

    /// Ends the session of this account that goes by this label, as the operator does.
    async fn revoke(&self, identity: &Identity, label: &str) {
        let list = ListSessions { identity: Some(identity.clone()) };
        let listed = self.operator().ask(Credential::Operator, list).await.expect("the operator may");
        let labelled: Vec<_> = listed.iter().filter(|one| one.label == label).collect();
        let [found] = labelled[..] else { panic!("one goes by {label}: {listed:?}") };
        let revoke = RevokeSession { identity: Some(identity.clone()), session: Some(found.session) };
        self.operator().ask(Credential::Operator, revoke).await.expect("it is there");
    }

    async fn end(&self, held: &Held<'_>) {
        match (&held.end, &held.identity) {
            (End::Session, Some(identity)) => self.revoke(identity, held.label).await,
            (End::Parent(parent), Some(identity)) => self.revoke(identity, parent).await,
            (End::ApplicationKey, _) => {
                let revoke = RevokeRealmKey { realm: realm("app"), key_id: "k1".to_owned() };
                self.operator().ask(Credential::Operator, revoke).await.expect("it is there");
            }
            (_, None) => panic!("{} has no session", held.label),
        }
    }

    /// A WebSocket at the other node, or the status with which its handshake was refused.
    async fn socket(&self, held: &Held<'_>) -> Result<Socket, u16> {
        let url = format!("ws://{}/v1/ws", self.listeners[THERE].addresses()[0]);
        let mut request = url.into_client_request().expect("a good address");
        let authorization = held.authorization.parse().expect("a header");
        request.headers_mut().insert("authorization", authorization);
        match connect_async(request).await {
            Ok((mut socket, _)) => {
                let told = next(&mut socket).await;
                assert!(told["welcome"].is_object(), "{}: {told}", held.label);
                Ok(socket)
            }
            Err(Error::Http(refusal)) => Err(refusal.status().as_u16()),
            Err(error) => panic!("{}: {error}", held.label),
        }
    }
}

impl<'n> Held<'n> {
    fn of_meeco(label: &'static str, identity: Identity, caller: Caller<'n>) -> Self {
        let path = if identity.realm == realm("keystore") { "/session" } else { "/me" };
        Self {
            label,
            identity: Some(identity),
            authorization: caller.session().to_owned(),
            opens_sockets: false,
            ask: Box::new(move || {
                let caller = caller.clone();
                async move { caller.get(path).await.status() }.boxed_local()
            }),
            end: End::Session,
        }
    }

    fn of_psono(label: &'static str, client: PsonoClient<'n>) -> Self {
        let client = Rc::new(client);
        Self {
            label,
            identity: Some(identity("psono", "ann@example.com")),
            authorization: format!("Token {}", client.token),
            opens_sockets: false,
            ask: Box::new(move || {
                let client = client.clone();
                async move { client.get(THERE, "/datastore/").await.status }.boxed_local()
            }),
            end: End::Session,
        }
    }
}

fn credentials(token: &str) -> Credentials {
    Credentials::given(Token::read(&SecretText::new(token.to_owned())).expect("a token"))
}

/// The next frame, within the time that a revocation may take.
async fn next(socket: &mut Socket) -> Value {
    let message = timeout(WITHIN, socket.next()).await.expect("in time").expect("a frame");
    let text = message.expect("a frame").into_text().expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

/// A-WS-04, A-API-08, A-DEV-01: whatever a session was opened with, its account's listing names the device; once it is
/// revoked at one node, the other refuses its next request and closes its socket within a second, and nobody else's.
#[test]
fn sessions_of_every_kind_are_shown_by_device_and_end_on_every_node_at_once() {
    System::new().block_on(async {
        let nodes = Nodes::start().await;
        let mut open = nodes.native_sessions().await;
        open.push(nodes.issued().await);
        open.extend(nodes.meeco_sessions().await);
        open.extend(nodes.psono_sessions().await);
        open.push(nodes.keyknox_token());
        let mut table = Vec::new();
        for held in open {
            assert_eq!((held.ask)().await, 200, "{}", held.label);
            let socket = nodes.socket(&held).await;
            match &socket {
                Ok(_) => assert!(held.opens_sockets, "{}", held.label),
                Err(status) => assert_eq!((held.opens_sockets, *status), (false, 401), "{}", held.label),
            }
            table.push((held, socket.ok()));
        }
        assert_eq!(table.len(), 11);
        while let Some((held, socket)) = table.pop() {
            nodes.end(&held).await;
            assert_eq!((held.ask)().await, 401, "{}: its next request", held.label);
            if let Some(mut socket) = socket {
                let told = next(&mut socket).await;
                assert_eq!(told["problem"]["problem"]["status"], 401, "{}: {told}", held.label);
                let closed = timeout(WITHIN, socket.next()).await.expect("in time");
                let Some(Ok(Message::Close(Some(why)))) = closed else {
                    panic!("{}: {closed:?}", held.label)
                };
                assert_eq!(why.code, CloseCode::Policy, "{}", held.label);
            }
            for (other, _) in &table {
                assert_eq!((other.ask)().await, 200, "{} ended with {}", other.label, held.label);
            }
        }
        drop(table);
        for listener in nodes.listeners {
            listener.stop().await;
        }
    });
}
