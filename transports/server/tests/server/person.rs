//! A person at Psono's web client, and what such a person does before a program may use an API key: over plain sockets,
//! with the primitives alone. Source: dialects/psono.md, sections 2, 6 and 7.

use serde_json::{Value, json};
use strongroom_primitives::{
    encoding::to_hex,
    id::ApiKeyId,
    nacl::{BoxKey, BoxPublic, BoxSecret},
    psono::{
        ScryptParameters, Sealed, authkey, hex, hex_array,
        login::{LoginAnswer, LoginRequest},
        seal_key,
    },
    sign::{SigningKey, VerifyingKey},
};

use crate::kit::Server;

const PASSWORD: &str = "correct horse battery staple";

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub(crate) fn uuid() -> String {
    strongroom_primitives::id::LinkId::from_bytes(random()).to_uuid()
}

/// `{name: hex, name_nonce: hex}` of a text under a key, put into `members`.
fn put_sealed(members: &mut Value, name: &str, key: &BoxKey, text: &[u8]) {
    let sealed = Sealed::seal(key, random(), text);
    members[name] = to_hex(&sealed.text).into();
    members[format!("{name}_nonce")] = to_hex(&sealed.nonce).into();
}

fn put_key(members: &mut Value, name: &str, under: &BoxKey, key: &[u8; 32]) {
    let nonce = random();
    members[name] = to_hex(&seal_key(under, &nonce, key)).into();
    members[format!("{name}_nonce")] = to_hex(&nonce).into();
}

fn open_box(key: &BoxKey, members: &Value, name: &str) -> Vec<u8> {
    let text = hex(members[name].as_str().unwrap()).unwrap();
    let nonce = hex_array(members[format!("{name}_nonce")].as_str().unwrap()).unwrap();
    key.open(&nonce, &text).unwrap().to_vec()
}

fn public(members: &Value, name: &str) -> BoxPublic {
    BoxPublic::from_bytes(hex_array(members[name].as_str().unwrap()).unwrap()).unwrap()
}

/// A person with a session.
pub(crate) struct Person<'s> {
    server: &'s Server,
    private: [u8; 32],
    secret: [u8; 32],
    pub(crate) session: Session,
}

/// A session, whatever server is up to ask.
pub(crate) struct Session {
    token: String,
    key: BoxKey,
}

impl Session {
    /// A body as it is sent, once.
    pub(crate) fn seal(&self, body: &Value) -> String {
        Sealed::seal(&self.key, random(), body.to_string().as_bytes()).to_json()
    }

    /// Sends a sealed body, or none: the status, and the answer, opened unless there is no session.
    pub(crate) fn send(&self, server: &Server, method: &str, path: &str, sealed: &str) -> (u16, Value) {
        let authorization = format!("Token {}", self.token);
        let headers = [("Authorization", authorization.as_str())];
        let answer = server.ask(method, &format!("/psono{path}"), &headers, sealed);
        if answer.status == 401 {
            return (401, answer.json());
        }
        let opened = Sealed::read(answer.body.as_bytes()).unwrap().open(&self.key).unwrap();
        (answer.status, serde_json::from_slice(&opened).unwrap())
    }
}

/// A secret and what opens it.
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) link: String,
    pub(crate) key: [u8; 32],
}

/// An API key as its holder carries it about.
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) private: [u8; 32],
    pub(crate) secret: [u8; 32],
}

impl ApiKey {
    /// A login as it is sent, and what opens its answer.
    pub(crate) fn login(&self, device: &str) -> (String, BoxSecret) {
        let ours = BoxSecret::from_seed(random());
        let id = ApiKeyId::from_uuid(&self.id).unwrap();
        let request = LoginRequest::new(id, &SigningKey::from_seed(&self.private), &ours.public(), device);
        (request.to_json(), ours)
    }

    /// Sends a login and opens the answer.
    pub(crate) fn session(&self, server: &Server, device: &str) -> Session {
        let (login, ours) = self.login(device);
        let answer = server.ask("POST", "/psono/api-key/login/", &[], &login);
        assert_eq!(answer.status, 200, "{answer:?}");
        let verify_key = VerifyingKey::from_bytes(&hex_array(&identity(server).1).unwrap()).unwrap();
        let opened = LoginAnswer::read(answer.body.as_bytes()).unwrap().open(&verify_key, &ours).unwrap();
        let said: Value = serde_json::from_slice(&opened).unwrap();
        let key = hex_array(said["session_secret_key"].as_str().unwrap()).unwrap();
        Session { token: said["token"].as_str().unwrap().to_owned(), key: BoxKey::from_bytes(key) }
    }
}

fn post(server: &Server, path: &str, body: &Value, status: u16) -> Value {
    let answer = server.ask("POST", &format!("/psono{path}"), &[], &body.to_string());
    assert_eq!(answer.status, status, "{path}: {answer:?}");
    answer.json()
}

/// What the server says of itself: its X25519 key and the key that it signs with.
pub(crate) fn identity(server: &Server) -> (String, String) {
    let info = server.ask("GET", "/psono/info/", &[], "").json();
    let inner: Value = serde_json::from_str(info["info"].as_str().unwrap()).unwrap();
    (inner["public_key"].as_str().unwrap().to_owned(), info["verify_key"].as_str().unwrap().to_owned())
}

impl<'s> Person<'s> {
    /// Somebody who has just registered and logged in.
    pub(crate) fn new(server: &'s Server, name: &str) -> Self {
        let (private, secret) = (random(), random());
        let username = format!("{name}@example.com");
        let known = authkey(&username, PASSWORD, &ScryptParameters::default()).unwrap();
        let mut members = json!({
            "username": username,
            "email": username,
            "authkey": known.expose(),
            "public_key": to_hex(BoxSecret::from_seed(private).public().as_bytes()),
            "user_sauce": to_hex(&random::<32>()),
            "hashing_algorithm": "scrypt",
            "hashing_parameters": { "u": 14, "r": 8, "p": 1, "l": 64 },
        });
        // The password opens these in the web client; nothing here does.
        let wrapping = BoxKey::from_bytes(random());
        put_key(&mut members, "private_key", &wrapping, &private);
        put_key(&mut members, "secret_key", &wrapping, &secret);
        post(server, "/authentication/register/", &members, 201);

        let ours = BoxSecret::from_seed(random());
        let theirs = BoxPublic::from_bytes(hex_array(&identity(server).0).unwrap()).unwrap();
        let way = ours.agree(&theirs).unwrap();
        let mut request = json!({ "public_key": to_hex(ours.public().as_bytes()), "session_duration": 3600 });
        let said = json!({
            "username": username,
            "authkey": known.expose(),
            "device_fingerprint": "",
            "device_description": "a test",
        });
        put_sealed(&mut request, "login_info", &way, said.to_string().as_bytes());
        let answer = post(server, "/authentication/login/", &request, 200);
        let said: Value = serde_json::from_slice(&open_box(&way, &answer, "login_info")).unwrap();
        let session_public = public(&said, "session_public_key");
        let key = open_box(&ours.agree(&session_public).unwrap(), &said, "session_secret_key");
        let session = BoxKey::from_bytes(hex_array(str::from_utf8(&key).unwrap()).unwrap());
        let proof =
            open_box(&BoxSecret::from_seed(private).agree(&session_public).unwrap(), &said, "user_validator");
        let token = said["token"].as_str().unwrap().to_owned();
        let person = Self { server, private, secret, session: Session { token, key: session } };
        let mut members = json!({});
        put_sealed(&mut members, "verification", &person.session.key, &proof);
        person.ask("POST", "/authentication/activate-token/", Some(&members), 200);
        person
    }

    /// Asks within the session.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
        let sealed = body.map(|body| self.session.seal(body)).unwrap_or_default();
        let answer = self.session.send(self.server, method, path, &sealed);
        assert_eq!(answer.0, status, "{method} {path}: {answer:?}");
        answer.1
    }

    /// A datastore without content, and its key.
    pub(crate) fn datastore(&self, description: &str) -> (String, [u8; 32]) {
        let key = random();
        let mut members =
            json!({ "type": "password", "description": description, "data": "", "data_nonce": "" });
        put_key(&mut members, "secret_key", &BoxKey::from_bytes(self.secret), &key);
        let made = self.ask("PUT", "/datastore/", Some(&members), 201);
        (made["datastore_id"].as_str().unwrap().to_owned(), key)
    }

    pub(crate) fn fill_datastore(&self, id: &str, key: &[u8; 32], content: &Value) {
        let mut members = json!({ "datastore_id": id });
        put_sealed(&mut members, "data", &BoxKey::from_bytes(*key), content.to_string().as_bytes());
        self.ask("POST", "/datastore/", Some(&members), 200);
    }

    /// A secret with this text as its content. `parent`: `parent_datastore_id` or `parent_share_id`, and which.
    pub(crate) fn secret(&self, parent: (&str, &str), content: &str) -> Kept {
        let (key, link) = (random(), uuid());
        let mut members = json!({
            "link_id": link, "callback_url": "", "callback_user": "", "callback_pass": "", parent.0: parent.1,
        });
        put_sealed(&mut members, "data", &BoxKey::from_bytes(key), content.as_bytes());
        let made = self.ask("PUT", "/secret/", Some(&members), 201);
        Kept { id: made["secret_id"].as_str().unwrap().to_owned(), link, key }
    }

    /// A share with this content, and its key.
    pub(crate) fn share(&self, datastore: &str, content: &Value) -> (String, [u8; 32]) {
        let key = random();
        let mut members =
            json!({ "key_type": "symmetric", "link_id": uuid(), "parent_datastore_id": datastore });
        put_key(&mut members, "key", &BoxKey::from_bytes(self.secret), &key);
        put_sealed(&mut members, "data", &BoxKey::from_bytes(key), content.to_string().as_bytes());
        let made = self.ask("POST", "/share/", Some(&members), 201);
        (made["share_id"].as_str().unwrap().to_owned(), key)
    }

    pub(crate) fn fill_share(&self, id: &str, key: &[u8; 32], content: &Value) {
        let mut members = json!({ "share_id": id });
        put_sealed(&mut members, "data", &BoxKey::from_bytes(*key), content.to_string().as_bytes());
        self.ask("PUT", "/share/", Some(&members), 200);
    }

    pub(crate) fn api_key(&self, write: bool, restricted: bool) -> ApiKey {
        let (private, secret) = (random(), random());
        let mut members = json!({
            "title": "a program",
            "public_key": to_hex(BoxSecret::from_seed(private).public().as_bytes()),
            "verify_key": to_hex(SigningKey::from_seed(&private).verifying_key().as_bytes()),
            "read": true,
            "write": write,
            "restrict_to_secrets": restricted,
            "allow_insecure_access": false,
        });
        let own = BoxKey::from_bytes(self.secret);
        put_key(&mut members, "private_key", &own, &private);
        put_key(&mut members, "secret_key", &own, &secret);
        put_key(&mut members, "user_private_key", &BoxKey::from_bytes(secret), &self.private);
        put_key(&mut members, "user_secret_key", &BoxKey::from_bytes(secret), &self.secret);
        let made = self.ask("PUT", "/api-key/", Some(&members), 201);
        ApiKey { id: made["api_key_id"].as_str().unwrap().to_owned(), private, secret }
    }

    pub(crate) fn attach(&self, key: &ApiKey, secret: &Kept) {
        let mut members = json!({ "api_key_id": key.id, "secret_id": secret.id });
        put_key(&mut members, "secret_key", &BoxKey::from_bytes(key.secret), &secret.key);
        put_sealed(&mut members, "title", &BoxKey::from_bytes(self.secret), b"a title");
        self.ask("PUT", "/api-key/secret/", Some(&members), 201);
    }
}
