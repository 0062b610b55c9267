//! People: signing up and in with a password. Source: dialects/psono.md, section 6.

use serde_json::{Value, json};
use strongroom_engine::{
    Access, EngineError,
    domains::{
        people::{
            ActivatePerson, FindBy, FindPerson, Hashing, LoginPerson, PersonCard, PersonLoggedIn, Prelogin,
            RegisterPerson,
        },
        sessions::{identity::ServerIdentity, sealed::ActivateSession},
    },
};
use strongroom_primitives::{
    id::AccountId,
    nacl::{BoxKey, BoxPublic, BoxSecret, NONCE_BYTES},
    psono::AUTHKEY_CHARS,
    secret::SecretText,
};
use zeroize::Zeroizing;

use super::{
    dates,
    login::{device, life, put_boxed},
    members::{Members, hex_of},
    problem::{self, Problem},
    session::Session,
    wire::{Answer, Open, created, ok},
};

/// Longest username and e-mail address, in characters.
const NAME_CHARS_MAX: usize = 512;
/// Length of the text that a wrapping key is derived with, in characters.
const SAUCE_CHARS: usize = 64;
/// Length of a sealed key, in bytes.
const SEALED_KEY_BYTES: usize = 80;
/// Longest box that a login comes in, in bytes.
const LOGIN_BYTES_MAX: usize = 16 * 1024;
/// Longest activation code, in characters.
const CODE_CHARS_MAX: usize = 512;

/// `POST /authentication/register/`
pub(super) async fn register(open: &Open<'_>) -> Result<Answer, Problem> {
    let psono = open.psono;
    let mut members = open.members()?;
    let username = members.text("username", NAME_CHARS_MAX)?;
    let email = members.text("email", NAME_CHARS_MAX)?;
    let authkey = authkey(&mut members)?;
    if members.text("hashing_algorithm", 16)? != "scrypt" {
        return Err(Problem::field("hashing_algorithm", "HASHING_ALGORITHM_NOT_SUPPORTED"));
    }
    let parameters = members.scrypt("hashing_parameters")?;
    let register = RegisterPerson {
        realm: psono.realm.clone(),
        email,
        authkey,
        public_key: members.array("public_key")?,
        private_key: members.boxed("private_key", "private_key_nonce", SEALED_KEY_BYTES)?,
        secret_key: members.boxed("secret_key", "secret_key_nonce", SEALED_KEY_BYTES)?,
        user_sauce: members.exact_hex_text("user_sauce", SAUCE_CHARS)?,
        hashing: Hashing {
            u: parameters.u().into(),
            r: parameters.r().into(),
            p: parameters.p().into(),
            l: parameters.l().into(),
        },
        verify_email: psono.mail.is_some(),
        username,
    };
    if !psono.takes_domain_of(&register.username) {
        return Err(problem::DOMAIN_NOT_ALLOWED);
    }
    let email = register.email.clone();
    let registered = open.tell(register).await?;
    if let (Some(mail), Some(code)) = (&psono.mail, registered.activation) {
        mail.send(&email, &SecretText::new(hex_of(code.expose())));
    }
    created(json!({ "success": "REGISTRATION_SUCCESSFUL" }))
}

/// An authkey, in the one case that it is hashed in.
pub(super) fn authkey(members: &mut Members) -> Result<SecretText, Problem> {
    let mut text = members.exact_hex_text("authkey", AUTHKEY_CHARS)?;
    text.make_ascii_lowercase();
    Ok(SecretText::new(text))
}

/// `POST /authentication/verify-email/`
pub(super) async fn verify_email(open: &Open<'_>) -> Result<Answer, Problem> {
    let code = SecretText::new(open.members()?.text("activation_code", CODE_CHARS_MAX)?);
    open.tell(ActivatePerson { realm: open.psono.realm.clone(), code }).await?;
    ok(json!({ "success": "Successfully activated." }))
}

/// `POST /authentication/prelogin/`
pub(super) async fn prelogin(open: &Open<'_>) -> Result<Answer, Problem> {
    let username = open.members()?.text("username", NAME_CHARS_MAX)?;
    let hashing = open.tell(Prelogin { realm: open.psono.realm.clone(), username }).await?;
    ok(json!({ "hashing_algorithm": "scrypt", "hashing_parameters": parameters(hashing) }))
}

fn parameters(Hashing { u, r, p, l }: Hashing) -> Value {
    json!({ "u": u, "r": r, "p": p, "l": l })
}

/// `POST /authentication/login/`: a box for the server's identity. A client that was set up with the identity before
/// the present one may have boxed for that.
pub(super) async fn login(open: &Open<'_>) -> Result<Answer, Problem> {
    let mut members = open.members()?;
    let no_key = Problem::field("public_key", "Is not a usable public key.");
    let client = BoxPublic::from_bytes(members.array("public_key")?).map_err(|_| no_key)?;
    let boxed = members.hex("login_info", LOGIN_BYTES_MAX)?;
    let nonce = members.array("login_info_nonce")?;
    let life = life(&mut members)?;
    let identities = open.front.engine().identities();
    let generations = open.tell(ServerIdentity {}).await?;
    let answering = [Some(generations.current), generations.previous.map(|(previous, _)| previous)];
    let (key, opened) = answering
        .into_iter()
        .flatten()
        .find_map(|generation| {
            let key = identities.agree(generation, &client).ok()?;
            let opened = key.open(&nonce, &boxed).ok()?;
            Some((key, opened))
        })
        .ok_or(problem::LOGIN_SEALED)?;
    let mut said = Members::read(&opened).map_err(|_| problem::LOGIN_SEALED)?;
    let login = LoginPerson {
        realm: open.psono.realm.clone(),
        username: said.text("username", NAME_CHARS_MAX)?,
        authkey: authkey(&mut said)?,
        device: device(open, &mut said)?,
        life,
        network: open.network(),
    };
    let logged_in = open.ask(login).await.map_err(|error| match error {
        EngineError::LoginRefused => problem::LOGIN_REFUSED,
        error => Problem::of(&error),
    })?;
    let plain = Zeroizing::new(opened_session(open, &client, &logged_in)?.to_string());
    let nonce: [u8; NONCE_BYTES] = open.psono.entropy.array();
    ok(json!({ "login_info": hex_of(key.seal(&nonce, plain.as_bytes())), "login_info_nonce": hex_of(nonce) }))
}

/// The session: its key boxed for the client, its validator for the person, whose private key proves the session.
fn opened_session(open: &Open<'_>, client: &BoxPublic, logged_in: &PersonLoggedIn) -> Result<Value, Problem> {
    let PersonLoggedIn { session, session_key, validator, username, keys } = logged_in;
    let server = BoxSecret::from_seed(open.psono.entropy.array());
    let person = BoxPublic::from_bytes(keys.public_key).map_err(|_| problem::INTERNAL)?;
    let boxed = |other: &BoxPublic, secret: &[u8; 32]| {
        let key = server.agree(other).map_err(|_| problem::INTERNAL)?;
        let nonce: [u8; NONCE_BYTES] = open.psono.entropy.array();
        let text = Zeroizing::new(hex_of(secret));
        Ok::<_, Problem>((hex_of(key.seal(&nonce, text.as_bytes())), hex_of(nonce)))
    };
    let (secret_key, secret_key_nonce) = boxed(client, session_key.expose())?;
    let (validator, validator_nonce) = boxed(&person, validator.expose())?;
    let mut user = json!({
        "username": username,
        "language": "en",
        "public_key": hex_of(keys.public_key),
        "user_sauce": keys.user_sauce,
        "authentication": "AUTHKEY",
        "hashing_algorithm": "scrypt",
        "hashing_parameters": parameters(keys.hashing),
        "require_password_change": false,
    });
    put_boxed(&mut user, "private_key", "private_key_nonce", &keys.private_key);
    Ok(json!({
        "token": session.token,
        "session_key": storage_key(&session_key.to_box_key()),
        "session_valid_till": session.expires.map_or(Value::Null, |at| Value::String(dates::write(at))),
        "required_multifactors": [],
        "session_public_key": hex_of(server.public().as_bytes()),
        "session_secret_key": secret_key,
        "session_secret_key_nonce": secret_key_nonce,
        "user_validator": validator,
        "user_validator_nonce": validator_nonce,
        "user": user,
    }))
}

/// A key that a browser keeps its own things under while the session lasts. It opens no traffic.
fn storage_key(session: &BoxKey) -> String {
    hex_of(strongroom_primitives::hash::derive_key("strongroom psono session storage v1", session.expose()))
}

/// `GET /session-key/`: for browsers, so that API keys have none.
pub(super) async fn session_key(session: &Session<'_>) -> Result<Answer, Problem> {
    session.tell(strongroom_engine::domains::accounts::WhoAmI).await?;
    if session.seal().facts.keyed {
        return Err(problem::FORBIDDEN);
    }
    ok(json!({ "session_key": storage_key(&session.seal().key) }))
}

/// `POST /authentication/activate-token/`
pub(super) async fn activate(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let wrong = Problem::code("VERIFICATION_CODE_INCORRECT");
    let verification = members.hex("verification", 1_024)?;
    let nonce = members.array("verification_nonce")?;
    let opened = session.seal().key.open(&nonce, &verification).map_err(|_| wrong.clone())?;
    let text = std::str::from_utf8(&opened).map_err(|_| wrong)?;
    let validator = SecretText::new(text.to_owned());
    let info = session.tell(ActivateSession { validator }).await?;
    let mut user = json!({
        "id": info.account.to_uuid(),
        "authentication": "AUTHKEY",
        "email": info.email,
        "registration_date": dates::write(info.registered),
        "require_password_change": false,
    });
    put_boxed(&mut user, "secret_key", "secret_key_nonce", &info.secret_key);
    ok(json!({ "user": user }))
}

/// `POST /user/search/`
pub(super) async fn search(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let by = match members.optional_text("user_username", NAME_CHARS_MAX)? {
        Some(username) => FindBy::Username(username),
        None => match members.optional_id("user_id", AccountId::from_uuid)? {
            Some(id) => FindBy::Id(id),
            None => return Err(Problem::required("user_username")),
        },
    };
    let card = |PersonCard { account, username, public_key }: &PersonCard| {
        json!({
            "id": account.to_uuid(),
            "public_key": hex_of(public_key),
            "username": username,
            "avatar_id": Value::Null,
        })
    };
    match &*session.tell(FindPerson { by, access: Access::Write }).await? {
        [] => Err(problem::NO_PERMISSION),
        [one] => ok(card(one)),
        several => ok(Value::Array(several.iter().map(card).collect())),
    }
}
