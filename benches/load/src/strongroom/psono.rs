//! Signing in with API keys and reading over sealed sessions as Psono's clients do, over one kept-alive connection.
//!
//! What a person has to do once before a program can use an API key is done here too. Their password is given, not
//! derived: what scrypt costs a client is no work of the server's.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail, ensure};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use strongroom_primitives::encoding::to_hex;
use strongroom_primitives::id::ApiKeyId;
use strongroom_primitives::nacl::{BoxKey, BoxPublic, BoxSecret, NONCE_BYTES};
use strongroom_primitives::psono::login::{LoginAnswer, LoginRequest};
use strongroom_primitives::psono::{Sealed, hex, hex_array, seal_key};
use strongroom_primitives::sign::{SigningKey, VerifyingKey};

use super::native_http::Reader;
use crate::net::http1::{Http1, request};
use crate::run::{Connector, Driver};

const MOUNT: &str = "/psono";

/// Draws what is only to differ from everything else that is drawn: nobody attacks the load.
#[derive(Debug)]
struct Chance {
    client: u64,
    drawn: u64,
}

impl Chance {
    fn of(client: usize) -> Chance {
        Chance { client: client as u64, drawn: 0 }
    }

    /// Counts in bytes of which X25519 takes every bit.
    fn next(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let mut drawn = [0x5a; 32];
        drawn[8..16].copy_from_slice(&self.client.to_be_bytes());
        drawn[16..24].copy_from_slice(&self.drawn.to_be_bytes());
        drawn
    }

    fn nonce(&mut self) -> [u8; NONCE_BYTES] {
        let drawn = self.next();
        *drawn[8..].first_chunk().expect("a nonce is shorter than what is drawn")
    }
}

/// What a program signs in with.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    id: ApiKeyId,
    seed: SigningKey,
    server: VerifyingKey,
}

/// A program with a session.
#[derive(Debug)]
pub(crate) struct Session {
    token: String,
    key: BoxKey,
}

impl Session {
    fn authorization(&self) -> String {
        format!("Authorization: Token {}", self.token)
    }
}

/// A connection to the server.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    connection: Http1,
    chance: Chance,
}

impl Client {
    /// Connects. `number` tells what this client draws from what others do.
    pub(crate) async fn connect(address: SocketAddr, number: usize) -> anyhow::Result<Client> {
        Ok(Client { address, connection: Http1::connect(address).await?, chance: Chance::of(number) })
    }

    /// Signs in with an API key.
    pub(crate) async fn sign_in(&mut self, key: &ApiKey) -> anyhow::Result<Session> {
        let ours = BoxSecret::from_seed(self.chance.next());
        let asked = LoginRequest::new(key.id, &key.seed, &ours.public(), "load");
        let question =
            request("POST", "/psono/api-key/login/", self.address, &[], Some(asked.to_json().as_bytes()));
        let answer = self.connection.ask(&question, "").await?;
        ensure!(answer.status == 200, "a login answered {}: {}", answer.status, said(answer.body));
        let answer = LoginAnswer::read(answer.body)?.open(&key.server, &ours)?;
        let document: Value = serde_json::from_slice(&answer)?;
        let session_key = hex_array(text(&document, "session_secret_key")?).context("a session's key")?;
        Ok(Session { token: text(&document, "token")?.to_owned(), key: BoxKey::from_bytes(session_key) })
    }

    /// Makes a person with `count` API keys that may read, and a datastore of `content` as its text.
    pub(crate) async fn person(
        &mut self,
        name: &str,
        count: usize,
        content: &[u8],
    ) -> anyhow::Result<Person> {
        let info = self.ask("GET", "/info/", None, &Value::Null, 200).await?;
        let server = VerifyingKey::from_bytes(&array(&info, "verify_key")?)?;
        let info: Value = serde_json::from_str(text(&info, "info")?)?;
        let (private, secret) = (self.chance.next(), BoxKey::from_bytes(self.chance.next()));
        let session = self.register(name, &private, &array(&info, "public_key")?).await?;
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            keys.push(self.api_key(&session, server, &private, &secret).await?);
        }
        let mut members = json!({ "type": "load", "description": "load" });
        let own = BoxKey::from_bytes(self.chance.next());
        self.put_sealed(&mut members, "data", &own, content);
        self.put_key(&mut members, "secret_key", &secret, own.expose());
        let made = self.ask("PUT", "/datastore/", Some(&session), &members, 201).await?;
        Ok(Person { keys, datastore: text(&made, "datastore_id")?.to_owned() })
    }

    /// Registers, logs in and shows that the session's answer could be opened.
    async fn register(
        &mut self,
        name: &str,
        private: &[u8; 32],
        server: &[u8; 32],
    ) -> anyhow::Result<Session> {
        let username = format!("{name}@example.com");
        let authkey = "a7".repeat(64);
        let wrapping = BoxKey::from_bytes(self.chance.next());
        let mut members = json!({
            "username": username,
            "email": username,
            "authkey": authkey,
            "public_key": to_hex(BoxSecret::from_seed(*private).public().as_bytes()),
            "user_sauce": to_hex(&self.chance.next()),
            "hashing_algorithm": "scrypt",
            "hashing_parameters": { "u": 14, "r": 8, "p": 1, "l": 64 },
        });
        self.put_key(&mut members, "private_key", &wrapping, private);
        let unused = self.chance.next();
        self.put_key(&mut members, "secret_key", &wrapping, &unused);
        self.ask("POST", "/authentication/register/", None, &members, 201).await?;

        let ours = BoxSecret::from_seed(self.chance.next());
        let way = ours.agree(&BoxPublic::from_bytes(*server)?)?;
        let said = json!({ "username": username, "authkey": authkey, "device_description": "load" });
        let mut members = json!({ "public_key": to_hex(ours.public().as_bytes()), "session_duration": 3600 });
        self.put_sealed(&mut members, "login_info", &way, said.to_string().as_bytes());
        let answer = self.ask("POST", "/authentication/login/", None, &members, 200).await?;
        let answer: Value = serde_json::from_slice(&open(&way, &answer, "login_info")?)?;
        let theirs = BoxPublic::from_bytes(array(&answer, "session_public_key")?)?;
        let key = open(&ours.agree(&theirs)?, &answer, "session_secret_key")?;
        let key = hex_array(std::str::from_utf8(&key)?).context("a session's key")?;
        let proof = open(&BoxSecret::from_seed(*private).agree(&theirs)?, &answer, "user_validator")?;
        let session = Session { token: text(&answer, "token")?.to_owned(), key: BoxKey::from_bytes(key) };
        let mut members = json!({});
        self.put_sealed(&mut members, "verification", &session.key, &proof);
        self.ask("POST", "/authentication/activate-token/", Some(&session), &members, 200).await?;
        Ok(session)
    }

    async fn api_key(
        &mut self,
        session: &Session,
        server: VerifyingKey,
        private: &[u8; 32],
        secret: &BoxKey,
    ) -> anyhow::Result<ApiKey> {
        let (seed, own) = (self.chance.next(), BoxKey::from_bytes(self.chance.next()));
        let signing = SigningKey::from_seed(&seed);
        let mut members = json!({
            "title": "load",
            "public_key": to_hex(BoxSecret::from_seed(seed).public().as_bytes()),
            "verify_key": to_hex(signing.verifying_key().as_bytes()),
            "read": true,
            "write": false,
            "restrict_to_secrets": false,
            "allow_insecure_access": false,
        });
        self.put_key(&mut members, "private_key", secret, &seed);
        self.put_key(&mut members, "secret_key", secret, own.expose());
        self.put_key(&mut members, "user_private_key", &own, private);
        self.put_key(&mut members, "user_secret_key", &own, secret.expose());
        let made = self.ask("PUT", "/api-key/", Some(session), &members, 201).await?;
        let id = ApiKeyId::from_uuid(text(&made, "api_key_id")?)?;
        Ok(ApiKey { id, seed: signing, server })
    }

    /// Asks, within a session if there is one, whose answers are sealed like its questions.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        session: Option<&Session>,
        body: &Value,
        expected: u16,
    ) -> anyhow::Result<Value> {
        let path = format!("{MOUNT}{path}");
        let authorization = session.map(Session::authorization);
        let headers: Vec<&str> = authorization.as_deref().into_iter().collect();
        let body = match (body, session) {
            (Value::Null, _) => None,
            (body, None) => Some(body.to_string()),
            (body, Some(session)) => {
                Some(Sealed::seal(&session.key, self.chance.nonce(), body.to_string().as_bytes()).to_json())
            }
        };
        let question = request(method, &path, self.address, &headers, body.as_deref().map(str::as_bytes));
        let answer = self.connection.ask(&question, "").await?;
        if answer.status != expected {
            bail!("{path} answered {}: {}", answer.status, said(answer.body));
        }
        match session {
            None => Ok(serde_json::from_slice(answer.body)?),
            Some(session) => Ok(serde_json::from_slice(&Sealed::read(answer.body)?.open(&session.key)?)?),
        }
    }

    /// `{name: hex, name_nonce: hex}` of a text under a key.
    fn put_sealed(&mut self, members: &mut Value, name: &str, key: &BoxKey, text: &[u8]) {
        let sealed = Sealed::seal(key, self.chance.nonce(), text);
        members[name] = to_hex(&sealed.text).into();
        members[format!("{name}_nonce")] = to_hex(&sealed.nonce).into();
    }

    fn put_key(&mut self, members: &mut Value, name: &str, under: &BoxKey, key: &[u8; 32]) {
        let nonce = self.chance.nonce();
        members[name] = to_hex(&seal_key(under, &nonce, key)).into();
        members[format!("{name}_nonce")] = to_hex(&nonce).into();
    }
}

/// A person as far as programs need them.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) keys: Vec<ApiKey>,
    datastore: String,
}

fn said(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned()
}

fn text<'v>(document: &'v Value, name: &str) -> anyhow::Result<&'v str> {
    document[name].as_str().with_context(|| format!("an answer without {name}"))
}

fn array(document: &Value, name: &str) -> anyhow::Result<[u8; 32]> {
    hex_array(text(document, name)?).with_context(|| format!("{name} is no key"))
}

fn open(key: &BoxKey, document: &Value, name: &str) -> anyhow::Result<Vec<u8>> {
    let nonce = hex_array(text(document, &format!("{name}_nonce"))?).context("a nonce")?;
    let boxed = hex(text(document, name)?).context("hexadecimal digits")?;
    Ok(key.open(&nonce, &boxed)?.to_vec())
}

/// Opens clients that read a datastore of their own over a sealed session.
pub(crate) struct SealedReads {
    address: SocketAddr,
    people: Vec<Person>,
    /// Tells what a client draws from what all others before it drew.
    connections: AtomicUsize,
}

impl SealedReads {
    /// Makes `clients` people at the server at `address`, each with one datastore of `value_bytes`.
    ///
    /// # Errors
    /// The server refuses one of them.
    pub(crate) async fn prepare(
        address: SocketAddr,
        clients: usize,
        value_bytes: usize,
    ) -> anyhow::Result<SealedReads> {
        let mut maker = Client::connect(address, READERS_FROM).await?;
        let mut people = Vec::with_capacity(clients);
        for client in 0..clients {
            people.push(maker.person(&format!("reader-{client}"), 1, &vec![b'd'; value_bytes]).await?);
        }
        Ok(SealedReads { address, people, connections: AtomicUsize::new(READERS_FROM + 1) })
    }
}

impl Connector for SealedReads {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let number = self.connections.fetch_add(1, Ordering::Relaxed);
            let mut link = Client::connect(self.address, number).await?;
            let person = self.people.get(client).context("a client that was prepared")?;
            let session = link.sign_in(&person.keys[0]).await?;
            let path = format!("/datastore/{}/", person.datastore);
            let read = link.ask("GET", &path, Some(&session), &Value::Null, 200).await?;
            let digits = text(&read, "data")?.len();
            ensure!(digits == 2 * (value_bytes + 16), "a datastore of {digits} digits");
            let authorization = session.authorization();
            let question = request("GET", &format!("{MOUNT}{path}"), self.address, &[&authorization], None);
            // The content in hexadecimal, within a document that is sealed and in hexadecimal again.
            let longer_than = 4 * value_bytes;
            Ok(Box::new(Reader { connection: link.connection, question, longer_than }) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

/// Readers draw apart from those who only sign in.
const READERS_FROM: usize = 1 << 40;
