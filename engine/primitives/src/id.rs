//! Names of things: accounts, realms, subjects, sessions, requests, idempotency keys.
//!
//! Each is a type of its own, so that a function cannot be handed a session where it wants an account. Identifiers of
//! 16 bytes are written as 32 hexadecimal digits in text formats and as a byte string in binary ones; dialects that
//! spell them as UUIDs read and write that form by name.
//! An [`IdempotencyKey`] is the odd one out: it opens the sealed answer kept under it, so it behaves like a secret.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::encoding::{array_from_hex, from_base64url, to_hex};
use crate::time::Timestamp;

/// The text or bytes do not name anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An identifier of 16 bytes is not 32 lower-case hexadecimal digits.
    #[error("identifier is not 32 lower-case hexadecimal digits")]
    Hex,
    /// An identifier of 16 bytes is not a hyphenated UUID.
    #[error("identifier is not a hyphenated UUID of 36 characters")]
    Uuid,
    /// A realm is not 1 to 128 visible ASCII characters.
    #[error("realm is not 1 to 128 visible ASCII characters")]
    Realm,
    /// A subject is not 1 to 1,024 bytes of UTF-8.
    #[error("subject is not 1 to 1,024 bytes long")]
    Subject,
    /// An audience is not 1 to 128 visible ASCII characters.
    #[error("audience is not 1 to 128 visible ASCII characters")]
    Audience,
    /// An issuer's name is not 1 to 64 visible ASCII characters without a slash.
    #[error("issuer's name is not 1 to 64 visible ASCII characters without a slash")]
    Issuer,
    /// An idempotency key is neither 32 hexadecimal digits nor 22 base64url characters.
    #[error("idempotency key is neither 32 hexadecimal digits nor 22 base64url characters")]
    IdempotencyKey,
}

macro_rules! id16 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From its 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The hyphenated UUID of 36 characters that stands for its 16 bytes, in lower case. All 16 bytes are kept
            /// as they are: no version, no variant.
            #[must_use]
            pub fn to_uuid(&self) -> String {
                uuid_text(&self.0)
            }

            /// Reads a hyphenated UUID, in any case and of any version.
            ///
            /// # Errors
            /// [`IdError::Uuid`].
            pub fn from_uuid(text: &str) -> Result<Self, IdError> {
                uuid_bytes(text).map(Self).ok_or(IdError::Uuid)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                array_from_hex(text).map(Self).map_err(|_| IdError::Hex)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    deserializer.deserialize_bytes(Sixteen).map(Self)
                }
            }
        }
    };
}

id16! {
    /// One person or service that keeps things here, under however many outside names.
    AccountId
}
id16! {
    /// One signed-in session. Not its bearer secret: knowing the identifier opens nothing.
    SessionId
}
id16! {
    /// One data-encryption key, among those of its account.
    DekId
}
id16! {
    /// One key pair, among those of its account.
    KeyPairId
}
id16! {
    /// One name that a client has given to a key pair, whatever its text.
    ExternalIdentifierId
}
id16! {
    /// One item of a vault, among those of its account. Begins with the time of its creation.
    ItemId
}
id16! {
    /// One slot of an item, or of a template.
    SlotId
}
id16! {
    /// One template that items are made from.
    TemplateId
}
id16! {
    /// One API key, among those of its account. No secret, but sessionless access needs little more than it.
    ApiKeyId
}
id16! {
    /// One secret that is attached to an API key: the attachment, not the secret.
    ApiKeySecretId
}
id16! {
    /// One datastore, among those of its account.
    DatastoreId
}
id16! {
    /// One secret that datastores or shares link to, whoever made it.
    SecretId
}
id16! {
    /// One earlier state of a secret.
    SecretVersionId
}
id16! {
    /// One share: a part of a tree that several accounts may see.
    ShareId
}
id16! {
    /// One account's right on one share, from the offer on.
    ShareRightId
}
id16! {
    /// One place of a secret or of a share in a datastore or in another share. Drawn by the client.
    LinkId
}
id16! {
    /// One box of messages, of which an account keeps a share of the key. Drawn elsewhere.
    BoxId
}
id16! {
    /// One device code: a device that waits for a person to let it in.
    DeviceCodeId
}
id16! {
    /// One admission token. Not its text: knowing the identifier admits nobody.
    TokenId
}
id16! {
    /// One request, as logs and problem documents name it.
    RequestId
}
id16! {
    /// One escrow: shares of a secret with their holders. Drawn by the client, who seals for it.
    EscrowId
}
id16! {
    /// One request that the shares of an escrow be given out.
    RecoveryRequestId
}

impl ItemId {
    /// An id for an item that is created at `at`: 48 bits of milliseconds since 1970, big endian, then chance. So
    /// the order of ids is that of creation, to the millisecond.
    #[must_use]
    pub fn created(at: Timestamp, chance: [u8; 10]) -> Self {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&at.as_ms().to_be_bytes()[2..]);
        id[6..].copy_from_slice(&chance);
        Self(id)
    }
}

/// Where a UUID has its four hyphens.
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = to_hex(bytes);
    for at in UUID_HYPHENS {
        text.insert(at, '-');
    }
    text
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text = <&[u8; 36]>::try_from(text.as_bytes()).ok()?;
    if UUID_HYPHENS.iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let mut digits =
        text.iter().enumerate().filter(|(at, _)| !UUID_HYPHENS.contains(at)).map(|(_, digit)| *digit);
    let mut nibble = || char::from(digits.next()?).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = nibble()? << 4 | nibble()?;
    }
    Some(bytes)
}

/// Reads 16 bytes.
pub(crate) struct Sixteen;

impl Visitor<'_> for Sixteen {
    type Value = [u8; 16];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("16 bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; 16], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and keeps it. Cloning shares the one copy.
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`].")]
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self, IdError> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err($error) }
            }

            /// The text, exactly as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

text_id! {
    /// A tenant of a mount: a Keyknox application, say. 1 to 128 visible ASCII characters, no blanks.
    RealmId, |text| (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()), IdError::Realm
}
text_id! {
    /// An identity inside a realm, as the outside spells it. 1 to 1,024 bytes of UTF-8, any characters; two
    /// spellings are two subjects, nothing is folded or normalised.
    Subject, |text| (1..=1024).contains(&text.len()), IdError::Subject
}
text_id! {
    /// A service that admission tokens are for. 1 to 128 visible ASCII characters, no blanks.
    Audience, |text| (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()), IdError::Audience
}
text_id! {
    /// What the operator calls another keystore whose admission tokens are accepted. 1 to 64 visible ASCII characters,
    /// no blanks and no slash, because names of its users are written behind one.
    IssuerName,
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'),
    IdError::Issuer
}

impl From<&RealmId> for Audience {
    /// The service that a realm's mount is, by the realm's name.
    fn from(realm: &RealmId) -> Self {
        Self(realm.0.clone())
    }
}

/// 128 bits that a client draws for one intended effect, so that a repeated request gets its first answer.
///
/// The kept answer is sealed under a key made from these bytes, so they are shown nowhere.
#[derive(Clone)]
pub struct IdempotencyKey([u8; 16]);

impl IdempotencyKey {
    /// From 16 bytes of chance.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads 32 lower-case hexadecimal digits or 22 characters of unpadded base64url.
    ///
    /// # Errors
    /// [`IdError::IdempotencyKey`].
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bytes = match text.len() {
            32 => array_from_hex(text).ok(),
            22 => from_base64url(text).ok().and_then(|bytes| bytes.try_into().ok()),
            _ => None,
        };
        bytes.map(Self).ok_or(IdError::IdempotencyKey)
    }

    /// The 16 bytes themselves.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// The text that a request carries: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn expose_text(&self) -> String {
        to_hex(&self.0)
    }

    /// Whether both are the same key, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(16 bytes)")
    }
}

impl Drop for IdempotencyKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn an_account_is_hexadecimal_in_text_and_bytes_in_binary() {
        let account: AccountId = HEX.parse().unwrap();
        assert_eq!(format!("{account} {account:?}"), format!("{HEX} AccountId({HEX})"));
        let json = serde_json::to_string(&account).unwrap();
        assert_eq!(json, format!("\"{HEX}\""));
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), account);
        let row = postcard::to_allocvec(&account).unwrap();
        assert_eq!(row[0], 16);
        assert_eq!(&row[1..], account.as_bytes());
        assert_eq!(postcard::from_bytes::<AccountId>(&row).unwrap(), account);
        assert!(postcard::from_bytes::<AccountId>(&[15; 16]).is_err());
    }

    #[test]
    fn an_identifier_in_another_spelling_is_refused() {
        for bad in ["", "00", "000102030405060708090A0B0C0D0E0F", "000102030405060708090a0b0c0d0e0f00"] {
            assert_eq!(bad.parse::<SessionId>(), Err(IdError::Hex), "{bad:?}");
        }
        assert!(serde_json::from_str::<RequestId>("\"xyz\"").is_err());
    }

    #[test]
    fn a_uuid_is_read_in_any_case_and_in_its_one_shape_only() {
        let uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f";
        let id = SecretId::from_uuid(uuid).unwrap();
        assert_eq!((id.to_string().as_str(), id.to_uuid().as_str()), (HEX, uuid));
        assert_eq!(SecretId::from_uuid(&uuid.to_uppercase()), Ok(id));
        let wrong = [
            "",
            HEX,
            "{00010203-0405-0607-0809-0a0b0c0d0e0f}",
            "00010203-0405-0607-0809-0a0b0c0d0e0",
            "00010203-0405-0607-0809-0a0b0c0d0e0g",
            "000102030-405-0607-0809-0a0b0c0d0e0f",
            "00010203-0405-0607-08090a0b-0c0d0e0f",
            "+0010203-0405-0607-0809-0a0b0c0d0e0f",
            "00010203-0405-0607-0809-0a0b0c0d0e\u{e9}",
        ];
        for bad in wrong {
            assert_eq!(SecretId::from_uuid(bad), Err(IdError::Uuid), "{bad:?}");
        }
    }

    #[test]
    fn realms_and_subjects_are_bounded_at_the_exact_byte() {
        assert!(RealmId::new("a".repeat(128)).is_ok());
        for bad in
            [String::new(), "a".repeat(129), "two words".to_owned(), "caf\u{e9}".to_owned(), "a\n".to_owned()]
        {
            assert_eq!(RealmId::new(bad.as_str()), Err(IdError::Realm), "{bad:?}");
        }
        assert!(Subject::new("\u{e9}".repeat(512)).is_ok());
        assert_eq!(Subject::new("\u{e9}".repeat(513)), Err(IdError::Subject));
        assert_eq!(Subject::new(""), Err(IdError::Subject));
        assert!(serde_json::from_str::<Subject>("\"\"").is_err());
        assert_eq!(serde_json::to_string(&Subject::new("zo\u{e9}").unwrap()).unwrap(), "\"zo\u{e9}\"");
    }

    #[test]
    fn an_item_that_is_created_later_sorts_later() {
        let id = |ms, chance| ItemId::created(Timestamp::from_ms(ms), [chance; 10]);
        assert_eq!(id(0x0102_0304_0506, 7).to_string(), "01020304050607070707070707070707");
        assert!(id(1_780_000_000_000, 255) < id(1_780_000_000_001, 0));
    }

    #[test]
    fn audiences_and_issuers_are_bounded_at_the_exact_byte() {
        assert!(Audience::new("a".repeat(128)).is_ok());
        assert_eq!(Audience::new("a".repeat(129)), Err(IdError::Audience));
        assert_eq!(Audience::new("two words"), Err(IdError::Audience));
        let realm = RealmId::new("a".repeat(128)).unwrap();
        assert_eq!(Audience::from(&realm), Audience::new(realm.as_str()).unwrap());
        assert!(IssuerName::new("a".repeat(64)).is_ok());
        for bad in [String::new(), "a".repeat(65), "a/b".to_owned(), "a b".to_owned(), "caf\u{e9}".to_owned()]
        {
            assert_eq!(IssuerName::new(bad.as_str()), Err(IdError::Issuer), "{bad:?}");
        }
    }

    #[test]
    fn an_idempotency_key_reads_both_spellings_as_the_same_key() {
        let from_hex = IdempotencyKey::parse(HEX).unwrap();
        let from_url = IdempotencyKey::parse("AAECAwQFBgcICQoLDA0ODw").unwrap();
        assert!(from_hex.matches(&from_url));
        assert_eq!(from_url.expose_text(), HEX);
        for bad in ["", "AAECAwQFBgcICQoLDA0ODx", "AAECAwQFBgcICQoLDA0OD", "000102030405060708090A0B0C0D0E0F"]
        {
            assert_eq!(IdempotencyKey::parse(bad).unwrap_err(), IdError::IdempotencyKey, "{bad:?}");
        }
    }

    /// A-LEAK-01: the key opens a sealed answer, so printing a request must not show it.
    #[test]
    fn an_idempotency_key_prints_without_its_bytes() {
        let printed = format!("{:?}", IdempotencyKey::parse(HEX).unwrap());
        assert_eq!(printed, "IdempotencyKey(16 bytes)");
    }
}
