//! The form of a token: what it claims, how that is written, signed and read. No rows here.
//!
//! ```text
//! sra1.<claims>.<signature>
//! ```
//!
//! Both parts are base64url without padding. The claims are the postcard form of [`Claims`]; the signature is Ed25519
//! over `strongroom admission v1`, a zero byte and the claims. One token has one text: the decoder takes canonical
//! base64 only, and what was read is written again and compared (THREATS A-TOK-05).

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use strongroom_primitives::{
    encoding, hash,
    id::{Audience, IssuerName, TokenId},
    secret::SecretText,
    sign::VerifyingKey,
    time::Timestamp,
};

use subtle::ConstantTimeEq;

use super::Issuers;
use crate::{credential::Identity, error::EngineError, secrets::EngineSecrets};

const FORM: &str = "sra1";
const STATEMENT: &[u8] = b"strongroom admission v1\0";

/// Longest text that is looked at, in bytes. The longest that can be made takes about 1,900.
const TEXT_BYTES_MAX: usize = 2_048;

/// Which keystore vouches for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Issuer {
    /// This engine.
    Here,
    /// One that the operator trusts, by the name that the operator gave it.
    Other(IssuerName),
}

/// What a token says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The public key that it is signed with: 32 bytes.
    pub(super) issuer: [u8; 32],
    /// Who is to be admitted, as the issuer knows them.
    pub(super) identity: Identity,
    /// To what.
    pub(super) audience: Audience,
    pub(super) id: TokenId,
    pub(super) issued: Timestamp,
    /// The last instant at which it is good.
    pub(super) expires: Timestamp,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({:?} for {})", self.id, self.audience)
    }
}

impl Claims {
    fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("claims are made of types that postcard can write")
    }

    /// The token's text. The same claims give the same text.
    pub(super) fn sign(&self, secrets: &EngineSecrets) -> SecretText {
        let claims = self.to_bytes();
        let signature = secrets.sign_admission(&statement(&claims));
        let (claims, signature) = (encoding::to_base64url(&claims), encoding::to_base64url(&signature));
        SecretText::new(format!("{FORM}.{claims}.{signature}"))
    }

    /// Reads a token that this engine or a trusted issuer has signed. Nothing is said about whether it is still good.
    ///
    /// # Errors
    /// [`EngineError::TokenRefused`], whatever is the matter.
    pub(super) fn verify(
        text: &str,
        secrets: &EngineSecrets,
        issuers: &Issuers,
    ) -> Result<(Self, Issuer), EngineError> {
        let (claims, bytes, signature) = read(text).ok_or(EngineError::TokenRefused)?;
        let own = secrets.admission_key();
        if claims.issuer == *own.as_bytes() {
            // Signatures are a function of what is signed, and to make ours again takes half the time of verifying it.
            let ours = secrets.sign_admission(&statement(&bytes));
            let genuine = bool::from(ours[..].ct_eq(&signature));
            return if genuine { Ok((claims, Issuer::Here)) } else { Err(EngineError::TokenRefused) };
        }
        let name = issuers.name_of(&claims.issuer).ok_or(EngineError::TokenRefused)?;
        let key = VerifyingKey::from_bytes(&claims.issuer).map_err(|_| EngineError::TokenRefused)?;
        key.verify(&statement(&bytes), &signature).map_err(|_| EngineError::TokenRefused)?;
        Ok((claims, Issuer::Other(name.clone())))
    }
}

fn statement(claims: &[u8]) -> Vec<u8> {
    [STATEMENT, claims].concat()
}

/// What a text claims, which nobody has verified: good enough to look at rows, and for nothing else.
pub(super) fn claimed(text: &SecretText) -> Option<Claims> {
    read(text.expose()).map(|(claims, ..)| claims)
}

/// The claims, their bytes and the signature, not yet verified.
fn read(text: &str) -> Option<(Claims, Vec<u8>, Vec<u8>)> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (claims, signature) = text.strip_prefix(FORM)?.strip_prefix('.')?.split_once('.')?;
    let bytes = encoding::from_base64url(claims).ok()?;
    let signature = encoding::from_base64url(signature).ok()?;
    let claims: Claims = postcard::from_bytes(&bytes).ok()?;
    (claims.to_bytes() == bytes).then_some((claims, bytes, signature))
}

/// The name of a token's text where the text itself is not to be: its SHA-256.
pub(crate) fn digest(text: &SecretText) -> [u8; 32] {
    hash::sha256(text.expose().as_bytes())
}

/// Writes a token by its digest: all that fingerprinting a command takes.
pub(crate) fn by_digest<S: Serializer>(text: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    digest(text).serialize(serializer)
}

/// A token in an answer that is kept sealed under an idempotency key: the one place where its text is serialized.
pub(super) mod in_sealed_answer {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use strongroom_primitives::secret::SecretText;

    pub(in super::super) fn serialize<S: Serializer>(
        text: &SecretText,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.expose().serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SecretText, D::Error> {
        String::deserialize(deserializer).map(SecretText::new)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::id::{RealmId, Subject};

    use super::*;
    use crate::{ports::SeededEntropy, secrets::StoredSecrets};

    /// A-TOK-05: of what an issuer can sign, one text is a token. The rest is for another reader than ours.
    #[test]
    fn signed_bytes_that_are_more_than_claims_are_refused() {
        let secrets = StoredSecrets::generate(&SeededEntropy::new(1)).secrets();
        let identity =
            Identity { realm: RealmId::new("test").unwrap(), subject: Subject::new("ann").unwrap() };
        let claims = Claims {
            issuer: *secrets.admission_key().as_bytes(),
            identity,
            audience: Audience::new("vault").unwrap(),
            id: TokenId::from_bytes([1; 16]),
            issued: Timestamp::from_ms(1),
            expires: Timestamp::from_ms(2),
        };
        let text = |bytes: &[u8]| {
            let signature = secrets.sign_admission(&statement(bytes));
            format!("{FORM}.{}.{}", encoding::to_base64url(bytes), encoding::to_base64url(&signature))
        };
        let verify = |text: &str| Claims::verify(text, &secrets, &Issuers::default());
        let bytes = claims.to_bytes();
        assert!(text(&bytes) == *claims.sign(&secrets).expose());
        assert_eq!(verify(&text(&bytes)), Ok((claims, Issuer::Here)));
        let trailing = [&bytes[..], &[0]].concat();
        // The last number, 2, in two bytes.
        let longer = [&bytes[..bytes.len() - 1], &[0x82, 0x00]].concat();
        for bad in [trailing, longer, bytes[1..].to_vec(), Vec::new()] {
            assert_eq!(verify(&text(&bad)), Err(EngineError::TokenRefused));
        }
    }

    #[test]
    fn the_longest_token_is_within_the_limit() {
        let secrets = StoredSecrets::generate(&SeededEntropy::new(1)).secrets();
        let identity = Identity {
            realm: RealmId::new("r".repeat(128)).unwrap(),
            subject: Subject::new("s".repeat(1_024)).unwrap(),
        };
        let claims = Claims {
            issuer: *secrets.admission_key().as_bytes(),
            identity,
            audience: Audience::new("a".repeat(128)).unwrap(),
            id: TokenId::from_bytes([1; 16]),
            issued: Timestamp::MAX,
            expires: Timestamp::MAX,
        };
        let text = claims.sign(&secrets);
        assert!(text.expose().len() <= TEXT_BYTES_MAX, "{}", text.expose().len());
        assert!(Claims::verify(text.expose(), &secrets, &Issuers::default()).is_ok());
    }
}
