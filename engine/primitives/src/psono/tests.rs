//! Psono's derivations and documents against what its own clients made.

use serde_json::Value;

use super::login::{LoginAnswer, LoginRequest, validator};
use super::*;
use crate::encoding::array_from_hex;
use crate::id::ApiKeyId;
use crate::nacl::{BoxPublic, BoxSecret};
use crate::sign::SigningKey;

fn vector(name: &str) -> Value {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/psono.json")).unwrap();
    let found = file["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == name);
    found.unwrap_or_else(|| panic!("vector {name}")).clone()
}

fn input<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector["inputs"][name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn output<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector["outputs"][name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    array_from_hex(text).unwrap()
}

fn key(text: &str) -> BoxKey {
    BoxKey::from_bytes(bytes(text))
}

fn parameters(vector: &Value) -> ScryptParameters {
    let of = |name: &str| vector["inputs"]["hashing_parameters"][name].as_u64().unwrap();
    ScryptParameters::new(of("u"), of("r"), of("p"), of("l")).unwrap()
}

/// Every vector is checked: most of them here, those of boxes and identities with NaCl's (`nacl/tests.rs`). One that is
/// added to the file is missing here until there is a test for it.
#[test]
fn every_published_vector_has_a_test() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/psono.json")).unwrap();
    let names: Vec<_> = file["vectors"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    let here = [
        "info-signature",
        "api-key-login-request",
        "api-key-login-answer",
        "token-hash",
        "transport-request",
        "transport-response",
        "authorization-validator",
        "authkey-1",
        "authkey-2",
        "authkey-3",
        "user-key-wrapping",
        "web-login",
        "secret-and-api-key-secret",
        "datastore",
        "device-code",
    ];
    let with_nacl = ["server-identity", "api-key-identity", "api-key-user-keys", "share-offer"];
    let checked = |name: &Value| here.iter().chain(&with_nacl).any(|checked| name == checked);
    assert!(names.iter().all(|name| checked(name)), "{names:?}");
    assert_eq!(names.len(), here.len() + with_nacl.len());
}

#[test]
fn an_authkey_agrees_with_every_published_vector() {
    for name in ["authkey-1", "authkey-2", "authkey-3"] {
        let vector = vector(name);
        let username = input(&vector, "username");
        assert_eq!(to_hex(&sha512(username.to_lowercase().as_bytes())), output(&vector, "salt_text"));
        let derived = authkey(username, input(&vector, "password"), &parameters(&vector)).unwrap();
        assert!(derived.matches(output(&vector, "authkey")), "{name}");
    }
}

#[test]
fn the_key_of_a_users_keys_agrees_with_the_published_vector() {
    let vector = vector("user-key-wrapping");
    let (password, sauce) = (input(&vector, "password"), input(&vector, "user_sauce"));
    let wrapping = wrapping_key(password, sauce, &parameters(&vector)).unwrap();
    assert_eq!(to_hex(wrapping.expose()), output(&vector, "box_key"));
    assert_eq!(to_hex(&sha512(sauce.as_bytes())), output(&vector, "salt_text"));
    let stretched = output(&vector, "scrypt_hex");
    assert_eq!(to_hex(&crate::hash::sha256(stretched.as_bytes())), output(&vector, "box_key"), "of its text");
    for name in ["private_key", "secret_key"] {
        let nonce = bytes(input(&vector, &format!("{name}_nonce")));
        let plain = bytes(input(&vector, &format!("user_{name}")));
        let sealed = seal_key(&wrapping, &nonce, &plain);
        assert_eq!((sealed.len(), to_hex(&sealed).as_str()), (SEALED_KEY_BYTES, output(&vector, name)));
        assert_eq!(*open_key(&wrapping, &nonce, &sealed).unwrap(), plain);
    }
}

#[test]
fn the_two_salts_are_never_taken_for_each_other() {
    let parameters = ScryptParameters::default();
    assert_eq!(authkey("nobody", "password", &parameters).unwrap_err(), PsonoError::Salt);
    assert_eq!(wrapping_key("password", "a@b", &parameters).unwrap_err(), PsonoError::Salt);
}

/// Nobody is talked down to cheap guesses, or up to work without end.
#[test]
fn parameters_are_bounded_on_both_sides() {
    assert_eq!(ScryptParameters::new(14, 8, 1, 64), Ok(ScryptParameters::default()));
    assert!(ScryptParameters::new(20, 32, 16, 64).is_ok());
    for (u, r, p, l) in [
        (13, 8, 1, 64),
        (14, 7, 1, 64),
        (14, 8, 0, 64),
        (14, 8, 1, 63),
        (21, 8, 1, 64),
        (14, 33, 1, 64),
        (14, 8, 17, 64),
        (14, 8, 1, 65),
        (270, 8, 1, 64),
        (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
    ] {
        assert_eq!(ScryptParameters::new(u, r, p, l), Err(PsonoError::Scrypt), "{u} {r} {p} {l}");
    }
}

#[test]
fn a_login_agrees_with_the_published_vector() {
    let vector = vector("api-key-login-request");
    let seed = SigningKey::from_seed(&bytes(input(&vector, "api_key_private_key")));
    let request = LoginRequest::sign(output(&vector, "info").to_owned(), &seed);
    assert_eq!(to_hex(&request.signature), output(&vector, "signature"));
    assert_eq!(LoginRequest::read(output(&vector, "request_body").as_bytes()), Ok(request.clone()));
    assert_eq!(LoginRequest::read(request.to_json().as_bytes()), Ok(request));

    let session = BoxSecret::from_seed(bytes(input(&vector, "session_private_key")));
    assert_eq!(to_hex(session.public().as_bytes()), output(&vector, "session_public_key"));
    let api_key = ApiKeyId::from_uuid(input(&vector, "api_key_id")).unwrap();
    let ours = LoginRequest::new(api_key, &seed, &session.public(), input(&vector, "device_description"));
    let (ours, theirs): (Value, Value) =
        (serde_json::from_str(&ours.info).unwrap(), serde_json::from_str(output(&vector, "info")).unwrap());
    assert_eq!(ours, theirs);
}

/// The server's signature is over the text of the box. One over its bytes is refused, and so is one by
/// another key, and a box for somebody else.
#[test]
fn an_answer_agrees_with_the_published_vector() {
    let vector = vector("api-key-login-answer");
    let server = SigningKey::from_seed(&bytes(input(&vector, "server_private_key")));
    let (ours, theirs) = (
        BoxSecret::from_seed(bytes(input(&vector, "server_session_private_key"))),
        BoxSecret::from_seed(bytes(input(&vector, "client_session_private_key"))),
    );
    assert_eq!(to_hex(ours.public().as_bytes()), output(&vector, "server_session_public_key"));
    let client_public = BoxPublic::from_bytes(bytes(input(&vector, "client_session_public_key"))).unwrap();
    let (nonce, plain) = (bytes(input(&vector, "login_info_nonce")), input(&vector, "inner_json"));
    let key = ours.agree(&client_public).unwrap();
    let answer = LoginAnswer::new(&key, &ours.public(), nonce, plain.as_bytes(), |text| server.sign(text));
    assert_eq!(to_hex(&answer.boxed), output(&vector, "login_info"));
    assert_eq!(to_hex(&answer.signature), output(&vector, "login_info_signature"));
    assert_eq!(LoginAnswer::read(answer.to_json().to_string().as_bytes()), Ok(answer.clone()));

    let verify = server.verifying_key();
    assert_eq!(answer.open(&verify, &theirs).unwrap().as_slice(), plain.as_bytes());
    let over_bytes =
        LoginAnswer { signature: bytes(output(&vector, "wrong_signature_over_bytes")), ..answer.clone() };
    assert_eq!(over_bytes.open(&verify, &theirs).unwrap_err(), PsonoError::Signature);
    let other = SigningKey::from_seed(&[1; 32]).verifying_key();
    assert_eq!(answer.open(&other, &theirs).unwrap_err(), PsonoError::Signature);
    let somebody = BoxSecret::from_seed([1; 32]);
    assert_eq!(answer.open(&verify, &somebody).unwrap_err(), PsonoError::Sealed);
    let low = LoginAnswer { session_public: [0; 32], ..answer };
    assert_eq!(low.open(&verify, &theirs).unwrap_err(), PsonoError::Sealed);
}

#[test]
fn bodies_of_a_session_agree_with_the_published_vectors() {
    let request = vector("transport-request");
    let (session, plain) = (key(input(&request, "session_secret_key")), input(&request, "plaintext"));
    let sealed = Sealed::seal(&session, bytes(input(&request, "nonce")), plain.as_bytes());
    let body = request["outputs"]["body"].to_string();
    assert_eq!(Sealed::read(body.as_bytes()), Ok(sealed.clone()));
    assert_eq!(sealed.open(&session).unwrap().as_slice(), plain.as_bytes());
    let shouted = body.to_uppercase().replace("\"TEXT\"", "\"text\"").replace("\"NONCE\"", "\"nonce\"");
    assert_eq!(Sealed::read(shouted.as_bytes()), Ok(sealed.clone()), "in either case");
    assert_eq!(Sealed::read(sealed.to_json().as_bytes()), Ok(sealed));

    let answer = vector("transport-response");
    let sealed = Sealed::seal(
        &key(input(&answer, "session_secret_key")),
        bytes(input(&answer, "nonce")),
        input(&answer, "plaintext").as_bytes(),
    );
    assert_eq!(to_hex(&sealed.text), output(&answer, "text"));
    assert_eq!(to_hex(&sealed.nonce), output(&answer, "nonce"));

    let header = vector("authorization-validator");
    let session = key(input(&header, "session_secret_key"));
    let sealed = Sealed::read(output(&header, "header_value").as_bytes()).unwrap();
    let opened = sealed.open(&session).unwrap();
    assert_eq!(opened.as_slice(), input(&header, "plaintext").as_bytes());
    let again =
        Sealed::seal(&session, bytes(input(&header, "nonce")), input(&header, "plaintext").as_bytes());
    assert_eq!((again, output(&header, "header_name")), (sealed, "Authorization-Validator"));
    let said: Value = serde_json::from_slice(&opened).unwrap();
    let member = |name: &str| said[name].as_str().unwrap();
    let ours = validator(member("request_time"), member("request_device_fingerprint"));
    assert_eq!(serde_json::from_str::<Value>(&ours).unwrap(), said);
}

#[test]
fn what_the_server_says_of_itself_is_signed_as_it_is_delivered() {
    let vector = vector("info-signature");
    let server = SigningKey::from_seed(&bytes(input(&vector, "server_private_key")));
    assert_eq!(to_hex(&server.sign(input(&vector, "info").as_bytes())), output(&vector, "signature"));
    assert_eq!(to_hex(server.verifying_key().as_bytes()), output(&vector, "verify_key"));
}

#[test]
fn a_token_is_kept_as_the_hash_of_its_text() {
    let vector = vector("token-hash");
    assert_eq!(
        to_hex(&sha512(input(&vector, "token").as_bytes())),
        output(&vector, "sha512_hex_of_token_text")
    );
}

/// Each of the five boxes of a login by password opens at its other end, and nowhere but there.
#[test]
fn a_login_by_password_agrees_with_the_published_vector() {
    let vector = vector("web-login");
    let secret = |name: &str| BoxSecret::from_seed(bytes(input(&vector, name)));
    let (client, server) = (secret("client_session_private_key"), secret("server_private_key"));
    let (session, user) = (secret("server_session_private_key"), secret("user_private_key"));
    let text = |path: &str| vector.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}"));
    let both = |ours: &BoxSecret, theirs: &BoxSecret, nonce: &str, plain: &str, boxed: &str| {
        let (key, sealed) = (ours.agree(&theirs.public()).unwrap(), hex(text(boxed)).unwrap());
        let nonce = bytes(input(&vector, nonce));
        assert_eq!(key.seal(&nonce, input(&vector, plain).as_bytes()), sealed, "{boxed}");
        let opened = theirs.agree(&ours.public()).unwrap().open(&nonce, &sealed).unwrap();
        assert_eq!(opened.as_slice(), input(&vector, plain).as_bytes(), "{boxed}");
        let nobody = BoxSecret::from_seed([1; KEY_BYTES]).agree(&ours.public()).unwrap();
        assert_eq!(nobody.open(&nonce, &sealed).unwrap_err(), OpenError, "{boxed}");
    };
    assert_eq!(text("/inputs/server_public_key"), to_hex(server.public().as_bytes()));
    assert_eq!(text("/outputs/request/public_key"), to_hex(client.public().as_bytes()));
    both(&client, &server, "login_nonce", "login_json", "/outputs/request/login_info");
    both(&server, &client, "answer_nonce", "answer_json", "/outputs/answer/login_info");
    let key = "session_secret_key";
    both(&session, &client, "session_secret_key_nonce", key, "/outputs/session_secret_key_box");
    both(&session, &user, "user_validator_nonce", "user_validator", "/outputs/user_validator_box");
    let session_key = BoxKey::from_bytes(bytes(input(&vector, key)));
    let sealed = Sealed::seal(
        &session_key,
        bytes(input(&vector, "verification_nonce")),
        input(&vector, "user_validator").as_bytes(),
    );
    assert_eq!(to_hex(&sealed.text), text("/outputs/activate_token/verification"));
}

#[test]
fn a_secret_of_an_api_key_agrees_with_the_published_vector() {
    let vector = vector("secret-and-api-key-secret");
    let api_key = key(input(&vector, "api_key_secret_key"));
    let (nonce, secret) = (bytes(input(&vector, "secret_key_nonce")), bytes(input(&vector, "secret_key")));
    let sealed = seal_key(&api_key, &nonce, &secret);
    assert_eq!(to_hex(&sealed), output(&vector, "api_key_secret.secret_key"));
    let opened = BoxKey::from_bytes(*open_key(&api_key, &nonce, &sealed).unwrap());
    let data = opened.seal(&bytes(input(&vector, "data_nonce")), input(&vector, "plaintext").as_bytes());
    assert_eq!(to_hex(&data), output(&vector, "data"));
    let title = key(input(&vector, "user_secret_key"))
        .seal(&bytes(input(&vector, "title_nonce")), input(&vector, "title").as_bytes());
    assert_eq!(to_hex(&title), output(&vector, "api_key_secret.title"));
}

#[test]
fn keys_and_credentials_of_the_other_vectors_agree() {
    let store = vector("datastore");
    let nonce = bytes(input(&store, "secret_key_nonce"));
    let sealed =
        seal_key(&key(input(&store, "user_secret_key")), &nonce, &bytes(input(&store, "datastore_key")));
    assert_eq!(to_hex(&sealed), output(&store, "secret_key"));
    let code = vector("device-code");
    let credentials = key(input(&code, "credentials_box_key"))
        .seal(&bytes(input(&code, "credentials_nonce")), input(&code, "credentials_json").as_bytes());
    assert_eq!(to_hex(&credentials), output(&code, "encrypted_credentials"));
}

#[test]
fn a_document_in_another_form_is_refused() {
    let good = Sealed { text: vec![1; 16], nonce: [2; NONCE_BYTES] }.to_json();
    assert!(Sealed::read(good.as_bytes()).is_ok());
    for bad in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"text":"00"}"#,
        r#"{"text":"0","nonce":"00"}"#,
        &good.replace("\"text\"", "\"test\""),
        &good.replace("0202\"", "02\""),
        &good.replace("0202\"", "020202\""),
        &good.replace("0202\"", "020g\""),
        &good.replace("0101\"", "01g1\""),
        &format!("{good}{good}"),
    ] {
        assert_eq!(Sealed::read(bad.as_bytes()), Err(PsonoError::Form), "{bad}");
    }
    assert_eq!(LoginRequest::read(br#"{"info":"{}","signature":"00"}"#), Err(PsonoError::Form));
    assert_eq!(LoginRequest::read(br#"{"info":{},"signature":"00"}"#), Err(PsonoError::Form));
    assert_eq!(LoginAnswer::read(b"{}"), Err(PsonoError::Form));
    let under = BoxKey::from_bytes([1; 32]);
    let nonce = [3; NONCE_BYTES];
    assert_eq!(open_key(&under, &nonce, &under.seal(&nonce, b"00")).unwrap_err(), PsonoError::Form);
    assert_eq!(open_key(&under, &nonce, &under.seal(&nonce, &[0xff; 64])).unwrap_err(), PsonoError::Form);
    assert_eq!(open_key(&under, &nonce, &[0; 80]).unwrap_err(), PsonoError::Sealed);
}
