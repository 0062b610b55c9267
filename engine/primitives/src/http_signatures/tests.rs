//! The profile against the vectors of its own page, and every rule broken once.

mod mutations;
mod published;
mod refusals;
mod responses;

use std::time::Duration;

use super::*;
use crate::encoding::from_base64;
use crate::secret::Secret;
use crate::sign;
use crate::time::Timestamp;

const CREATED: Timestamp = Timestamp::from_s(1_573_691_665);
const KEY_ID: &str = "EAYRMSXDOSWY";
const NONCE: &str = "n-0123456789abcdef";
const BODY: &str = r#"{"nickname": "My New Key"}"#;
const PROFILE: Profile<'static> = Profile {
    authorities: &["keys.example"],
    window: Duration::from_secs(60),
    life_max: Duration::from_secs(300),
};

fn secret() -> Secret {
    Secret::from(&b"6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj"[..])
}

fn private() -> sign::SigningKey {
    sign::SigningKey::from_seed(&std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

/// A request that its holder can change.
#[derive(Debug, Clone, PartialEq)]
struct Letter {
    method: String,
    scheme: &'static str,
    authority: String,
    path: String,
    query: Option<String>,
    fields: Vec<(String, String)>,
    body: String,
}

impl Letter {
    /// The request of the profile's page, not signed.
    fn new() -> Self {
        let digest = content_digest(DigestAlgorithm::Sha256, BODY.as_bytes());
        let fields = [("Content-Type", "application/json"), ("Content-Digest", &digest)];
        Self {
            method: "POST".to_owned(),
            scheme: "https",
            authority: "keys.example".to_owned(),
            path: "/v1/api-key".to_owned(),
            query: Some("x=1".to_owned()),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: BODY.to_owned(),
        }
    }

    fn without_body() -> Self {
        Self { fields: Vec::new(), body: String::new(), ..Self::new() }
    }

    fn with<T>(&self, use_it: impl FnOnce(&Request<'_>) -> T) -> T {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        use_it(&Request {
            method: &self.method,
            scheme: self.scheme,
            authority: &self.authority,
            path: &self.path,
            query: self.query.as_deref(),
            fields: &fields,
        })
    }

    fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signed as the profile's page does it, with whatever is covered beside.
    fn signed(self, key: &SigningKey<'_>, expires: Option<Timestamp>, also: &[&str]) -> Self {
        let parameters = Parameters { key_id: KEY_ID, nonce: NONCE, created: CREATED, expires };
        let has_body = !self.body.is_empty();
        let made = self.with(|request| sign_request(request, has_body, also, &parameters, key)).unwrap();
        self.add("Signature-Input", &made.input).add("Signature", &made.signature)
    }

    fn claim(&self) -> Result<Claim, Refusal> {
        self.claim_by(&PROFILE, CREATED)
    }

    fn claim_by(&self, profile: &Profile<'_>, now: Timestamp) -> Result<Claim, Refusal> {
        self.with(|request| Claim::read(request, profile, now))
    }

    fn accept(&self, key: VerifyingKey<'_>) -> Result<Accepted, Refusal> {
        self.claim()?.verify(Some(key))?.check_body(self.body.as_bytes())
    }
}

#[test]
fn a_signed_request_is_accepted_once_its_body_is_there() {
    let (secret, private) = (secret(), private());
    let public = private.verifying_key();
    let expires = CREATED.saturating_add(PROFILE.life_max);
    for (signer, verifier) in [
        (SigningKey::Ed25519(&private), VerifyingKey::Ed25519(&public)),
        (SigningKey::HmacSha256(&secret), VerifyingKey::HmacSha256(&secret)),
    ] {
        let letter = Letter::new().add("X-Extra", " a,  b ").add("x-extra", "c");
        let letter = letter.signed(&signer, Some(expires), &["x-extra", "@target-uri"]);
        let claim = letter.claim().unwrap();
        assert_eq!((claim.key_id.as_str(), claim.algorithm), (KEY_ID, signer.algorithm()));
        let accepted = claim.verify(Some(verifier)).unwrap().check_body(BODY.as_bytes()).unwrap();
        let expected = Accepted {
            key_id: KEY_ID.to_owned(),
            nonce: NONCE.to_owned(),
            created: CREATED,
            expires: Some(expires),
            label: LABEL.to_owned(),
        };
        assert_eq!(accepted, expected);
        let bare = Letter { query: None, ..Letter::without_body() }.signed(&signer, None, &[]);
        assert_eq!(bare.accept(verifier).unwrap().expires, None);
    }
}

/// A signature covers the empty query, and what is put behind the question mark later is not covered by it.
#[test]
fn no_query_and_an_empty_one_are_the_same() {
    let secret = secret();
    let bare = Letter { query: None, ..Letter::without_body() };
    let mut letter = bare.signed(&SigningKey::HmacSha256(&secret), None, &[]);
    letter.query = Some(String::new());
    assert!(letter.accept(VerifyingKey::HmacSha256(&secret)).is_ok());
    letter.query = Some("x".to_owned());
    assert_eq!(letter.accept(VerifyingKey::HmacSha256(&secret)), Err(Refusal::Signature));
}

/// The public names may carry the scheme's own port, in any case, on either side.
#[test]
fn an_authority_is_compared_in_its_normal_form() {
    let secret = secret();
    for (authority, names) in [
        ("Keys.Example:443", &["keys.example"][..]),
        ("keys.example", &["other.example", "KEYS.example:443"]),
        ("keys.example:8443", &["keys.example:8443"]),
    ] {
        let letter = Letter { authority: authority.to_owned(), ..Letter::without_body() };
        let letter = letter.signed(&SigningKey::HmacSha256(&secret), None, &[]);
        let profile = Profile { authorities: names, ..PROFILE };
        let claim = letter.claim_by(&profile, CREATED).unwrap();
        assert!(claim.verify(Some(VerifyingKey::HmacSha256(&secret))).is_ok(), "{authority}");
    }
}

/// A-MAC-04 and A-MAC-06: no key, another key, and a key of another algorithm are one answer.
#[test]
fn only_the_key_that_signed_verifies_and_only_by_its_own_algorithm() {
    let (secret, private) = (secret(), private());
    let public = private.verifying_key();
    let other = sign::SigningKey::from_seed(&[9; 32]).verifying_key();
    let other_secret = Secret::from(&b"another"[..]);
    // A server that let the header choose would take the public key for a shared secret.
    let public_as_secret = Secret::from(&public.as_bytes()[..]);
    let nobody = sign::SigningKey::from_seed(&[0; 32]);
    let nobodys_secret = Secret::new(vec![0; 32]);
    let cases: [(SigningKey<'_>, Option<VerifyingKey<'_>>); 9] = [
        (SigningKey::Ed25519(&private), None),
        (SigningKey::Ed25519(&private), Some(VerifyingKey::Ed25519(&other))),
        (SigningKey::Ed25519(&private), Some(VerifyingKey::HmacSha256(&secret))),
        (SigningKey::HmacSha256(&secret), None),
        (SigningKey::HmacSha256(&secret), Some(VerifyingKey::HmacSha256(&other_secret))),
        (SigningKey::HmacSha256(&secret), Some(VerifyingKey::Ed25519(&public))),
        (SigningKey::HmacSha256(&public_as_secret), Some(VerifyingKey::Ed25519(&public))),
        (SigningKey::Ed25519(&nobody), None),
        (SigningKey::HmacSha256(&nobodys_secret), None),
    ];
    for (at, (signer, verifier)) in cases.into_iter().enumerate() {
        let claim = Letter::new().signed(&signer, None, &[]).claim().unwrap();
        assert_eq!(claim.verify(verifier).unwrap_err(), Refusal::Signature, "case {at}");
    }
}

/// A-LEAK-01: what holds keys prints none of them.
#[test]
fn keys_print_without_their_secrets() {
    let (secret, private) = (secret(), private());
    let printed = format!("{:?}{:?}", SigningKey::HmacSha256(&secret), SigningKey::Ed25519(&private));
    assert!(printed.contains("Secret(43 bytes)") && !printed.contains("6S0c"), "{printed}");
    assert!(!printed.contains("0001020304") && !printed.contains("[0, 1, 2"), "{printed}");
}

/// A-LEAK-01: neither a covered secret nor an unspent signature is printed.
#[test]
fn claims_and_signatures_print_what_they_are_only() {
    let secret = secret();
    let letter = Letter::without_body().add("Authorization", "Bearer canary");
    let letter = letter.signed(&SigningKey::HmacSha256(&secret), None, &["authorization"]);
    let claim = letter.claim().unwrap();
    assert_eq!(format!("{claim:?}"), format!("Claim(hmac-sha256 by {KEY_ID:?})"));
    let verified = claim.verify(Some(VerifyingKey::HmacSha256(&secret))).unwrap();
    assert_eq!(format!("{verified:?}"), format!("Verified(Claim(hmac-sha256 by {KEY_ID:?}))"));
    let made = SignatureFields { input: "what".to_owned(), signature: "canary".to_owned() };
    assert_eq!(format!("{made:?}"), "SignatureFields { input: \"what\", .. }");
}

/// A-MAC-04: a key signs under the name of its own algorithm, or not at all.
#[test]
fn a_signature_under_the_name_of_another_algorithm_is_refused() {
    let secret = secret();
    let parameters =
        r#"created=1573691665;keyid="k";alg="ed25519";nonce="0123456789abcdef";tag="strongroom""#;
    let input = format!(r#"("@method" "@authority" "@path" "@query");{parameters}"#);
    let sign = |base: &str| crate::encoding::to_base64(&SigningKey::HmacSha256(&secret).sign(base));
    let letter = |input: &str| {
        let base = format!(
            "\"@method\": POST\n\"@authority\": keys.example\n\"@path\": /v1/api-key\n\"@query\": ?x=1\n\
             \"@signature-params\": {input}"
        );
        let letter = Letter::without_body().add("Signature-Input", &format!("sig={input}"));
        letter.add("Signature", &format!("sig=:{}:", sign(&base)))
    };
    let verifier = VerifyingKey::HmacSha256(&secret);
    assert_eq!(letter(&input).accept(verifier), Err(Refusal::Signature));
    assert!(letter(&input.replace("ed25519", "hmac-sha256")).accept(verifier).is_ok());
}

/// What a refused client is told to sign is what it must sign.
#[test]
fn the_profile_that_is_offered_is_the_one_that_is_demanded() {
    let fields = [("accept-signature", ACCEPT_SIGNATURE)];
    let offered = fields::dictionary(&fields, "accept-signature").unwrap().unwrap();
    let Some(sfv::ListEntry::InnerList(list)) = offered.get(LABEL) else { panic!("{offered:?}") };
    let names: Vec<_> = base::components(list).unwrap().into_iter().map(|component| component.name).collect();
    assert_eq!(names, [&claim::COVERS[..], &claim::BODY_COVERS[..]].concat());
    assert_eq!(list.params["tag"].as_string().unwrap().as_str(), TAG);
}
