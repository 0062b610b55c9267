use super::*;

const NONCE: [u8; 32] = [9; 32];
const OTHER: [u8; 32] = [8; 32];
const GRANTED: &[u8] = b"a token";

fn api_key() -> ApiKeyId {
    ApiKeyId::from_bytes([7; 16])
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn server() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn start(drawn: u8) -> (KeyLogin, Signed) {
    KeyLogin::start(&key(), api_key(), server().verifying_key(), &NONCE, [drawn; 32], Some(60), "laptop")
}

fn verify(signed: &Signed, change: impl FnOnce(&mut Statement<'_>)) -> Result<Verified, KeyLoginError> {
    let server = *server().verifying_key().as_bytes();
    let mut statement = Statement {
        api_key: api_key(),
        nonce: &NONCE,
        client_public: &signed.client_public,
        server: &server,
        life_s: Some(60),
        label: "laptop",
    };
    change(&mut statement);
    statement.verify(&key().verifying_key(), &signed.signature)
}

fn answered(signed: &Signed, drawn: u8) -> Answer {
    let verified = verify(signed, |_| ()).unwrap();
    verified.answer(GRANTED, [drawn; 32], [4; 12], |bytes| server().sign(bytes)).unwrap()
}

#[test]
fn a_login_is_answered_with_what_only_its_client_opens() {
    let (login, signed) = start(3);
    let answer = answered(&signed, 5);
    assert_eq!(login.finish(&answer).unwrap().as_slice(), GRANTED);
    assert!(!answer.grant.windows(GRANTED.len()).any(|window| window == GRANTED));
}

#[test]
fn a_login_that_somebody_else_has_verified_is_answered_alike() {
    let (login, signed) = start(3);
    let server_key = *server().verifying_key().as_bytes();
    let statement = |client_public| Statement {
        api_key: api_key(),
        nonce: &NONCE,
        client_public,
        server: &server_key,
        life_s: Some(60),
        label: "laptop",
    };
    let accepted = statement(&signed.client_public).accepted(&signed.signature).unwrap();
    let answer = accepted.answer(GRANTED, [5; 32], [4; 12], |bytes| server().sign(bytes)).unwrap();
    assert_eq!(login.finish(&answer).unwrap().as_slice(), GRANTED);
    assert_eq!(statement(&[0; 32]).accepted(&signed.signature).unwrap_err(), KeyLoginError::LowOrder);
}

/// A-API-01: a signature is over every field, for one server and one nonce; and fields do not run into each other.
#[test]
fn a_signature_is_good_for_what_was_signed_and_nothing_else() {
    let (_, signed) = start(3);
    type Change<'a> = &'a dyn Fn(&mut Statement<'_>);
    let changes: [(&str, Change<'_>); 6] = [
        ("key", &|statement| statement.api_key = ApiKeyId::from_bytes([6; 16])),
        ("nonce", &|statement| statement.nonce = &OTHER),
        ("client", &|statement| statement.client_public = &OTHER),
        ("server", &|statement| statement.server = &OTHER),
        ("life", &|statement| statement.life_s = None),
        ("label", &|statement| statement.label = "laptop2"),
    ];
    for (name, change) in changes {
        assert_eq!(verify(&signed, change).unwrap_err(), KeyLoginError::Signature, "another {name}");
    }
    for at in [0, 31, 32, 63] {
        let mut bent = signed;
        bent.signature[at] ^= 1;
        assert_eq!(verify(&bent, |_| ()).unwrap_err(), KeyLoginError::Signature, "byte {at}");
    }
}

/// A-API-05: X25519 keys of low order are refused on either side.
#[test]
fn keys_of_low_order_are_refused() {
    let (login, signed) = start(3);
    let zero = Signed { client_public: [0; 32], ..signed };
    assert_eq!(verify(&zero, |_| ()).unwrap_err(), KeyLoginError::LowOrder);
    let mut answer = answered(&signed, 5);
    answer.server_public = [0; 32];
    let login_hash = login.login;
    answer.signature = server().sign(&answer_bytes(&login_hash, &answer.server_public, &answer.grant));
    assert_eq!(login.finish(&answer).unwrap_err(), KeyLoginError::LowOrder);
}

/// A-API-09: an answer to another login, by another server, or bent anywhere is refused.
#[test]
fn an_answer_is_to_one_login_and_by_one_server() {
    let (_, other) = start(4);
    let (login, _) = start(3);
    assert_eq!(login.finish(&answered(&other, 5)).unwrap_err(), KeyLoginError::Signature);

    let (login, signed) = start(3);
    let verified = verify(&signed, |_| ()).unwrap();
    let by_another = verified.answer(GRANTED, [5; 32], [4; 12], |bytes| key().sign(bytes)).unwrap();
    assert_eq!(login.finish(&by_another).unwrap_err(), KeyLoginError::Signature);

    let good = answered(&signed, 5);
    for at in 0..good.grant.len() {
        let mut bent = good.clone();
        bent.grant[at] ^= 1;
        assert_eq!(start(3).0.finish(&bent).unwrap_err(), KeyLoginError::Signature, "byte {at}");
    }
    // A server that signs a grant which it sealed for another login.
    let (login, signed) = start(3);
    let mut swapped = answered(&signed, 5);
    swapped.grant = answered(&other, 5).grant;
    swapped.signature = server().sign(&answer_bytes(&login.login, &swapped.server_public, &swapped.grant));
    assert_eq!(login.finish(&swapped).unwrap_err(), KeyLoginError::Grant);
}
