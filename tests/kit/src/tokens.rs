//! Signed tokens in a form of the test kit's own, for realms whose keys a test holds.
//!
//! The form is a line of fields; what matters is that the engine verifies it against a stored key like any dialect's.

use std::time::Duration;

use strongroom_engine::{
    Credential, EngineError, Rights,
    credential::{TokenCredential, TokenFacts},
    domains::realms::RealmKey,
};
use strongroom_primitives::{
    encoding, hash,
    id::{RealmId, Subject},
    sign::SigningKey,
    time::Timestamp,
};

/// A key that signs a realm's tokens.
pub struct TokenKey {
    key_id: String,
    key: SigningKey,
}

impl TokenKey {
    /// The key that belongs to `seed`, under this id.
    pub fn new(key_id: &str, seed: [u8; 32]) -> Self {
        Self { key_id: key_id.to_owned(), key: SigningKey::from_seed(&seed) }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.key_id
    }

    /// The public half, with every right.
    pub fn public(&self) -> RealmKey {
        RealmKey {
            key_id: self.key_id.clone(),
            public_key: *self.key.verifying_key().as_bytes(),
            rights: Rights::ALL,
        }
    }

    /// A token for `subject`, made at `issued` and good for `life`.
    pub fn issue(&self, realm: &RealmId, subject: &Subject, issued: Timestamp, life: Duration) -> Credential {
        let expires = issued.saturating_add(life);
        let signed = [realm.as_str(), &self.key_id, subject.as_str()].join(" ");
        let signed = format!("{signed} {} {}", issued.as_ms(), expires.as_ms());
        let signature = encoding::to_base64url(&self.key.sign(signed.as_bytes()));
        let text = format!("{signed} {signature}");
        Credential::Token(TokenCredential { digest: hash::sha256(text.as_bytes()), text: text.into(), read })
    }
}

fn read(text: &[u8]) -> Result<TokenFacts, EngineError> {
    facts(text).ok_or(EngineError::CredentialInvalid)
}

fn facts(text: &[u8]) -> Option<TokenFacts> {
    let text = std::str::from_utf8(text).ok()?;
    let (signed, signature) = text.rsplit_once(' ')?;
    let [realm, key_id, subject, issued, expires] = signed.split(' ').collect::<Vec<_>>().try_into().ok()?;
    Some(TokenFacts {
        realm: RealmId::new(realm).ok()?,
        key_id: key_id.to_owned(),
        subject: Subject::new(subject).ok()?,
        issued: Timestamp::from_ms(issued.parse().ok()?),
        expires: Timestamp::from_ms(expires.parse().ok()?),
        rights: None,
        signed: signed.as_bytes().to_vec(),
        signature: encoding::from_base64url(signature).ok()?.try_into().ok()?,
    })
}
