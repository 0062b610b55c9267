//! A secret, opened. Clients of the vault disagree on which members one has, so all of them are kept as they were
//! written: changing one changes nothing else.

use std::fmt;

use reqwest::Method;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use strongroom_primitives::encoding::to_hex;
use strongroom_primitives::id::SecretId;
use strongroom_primitives::nacl::BoxKey;
use strongroom_primitives::psono::Sealed;
use strongroom_primitives::secret::SecretText;
use zeroize::{Zeroize, Zeroizing};

use super::document::Members;
use super::link::PsonoLink;
use super::{PsonoClient, PsonoClientError};
use crate::keyknox::ports::draw;

/// Longest value of a member that should be put into a secret, in bytes: 1 MiB.
pub const FIELD_BYTES_MAX: usize = 1024 * 1024;

const CONTENT: &str = "content of the secret";

/// A secret that was read, and perhaps changed since.
pub struct PsonoSecret {
    /// Which it is.
    pub id: SecretId,
    /// When it was last changed, in the server's words. A write is refused if that is no longer true.
    pub write_date: String,
    fields: Fields,
    key: BoxKey,
}

impl PsonoSecret {
    /// Opens what a server answered.
    pub(super) fn open(
        id: SecretId,
        all: Members<'_>,
        write_date: String,
        key: BoxKey,
    ) -> Result<Self, PsonoClientError> {
        let opened = all.sealed("data")?.open(&key);
        let opened = opened.map_err(|error| PsonoClientError::of(error, CONTENT))?;
        let fields =
            serde_json::from_slice(&opened).map_err(|_| PsonoClientError::Malformed { what: CONTENT })?;
        Ok(Self { id, write_date, fields, key })
    }

    /// The names of its members, in the order in which they were written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.0.iter().map(|field| &*field.name)
    }

    /// A member: the text that it is, or the JSON of anything else.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<SecretText> {
        let field = self.fields.0.iter().find(|field| field.name == name)?;
        let text = serde_json::from_str(field.value.get());
        Some(SecretText::new(text.unwrap_or_else(|_| field.value.get().to_owned())))
    }

    /// Makes a member this text, whatever it was, and adds it if there was none.
    pub fn set(&mut self, name: &str, text: &SecretText) {
        let quoted = serde_json::to_string(text.expose()).expect("a text is JSON");
        let value = RawValue::from_string(quoted).expect("what was written as JSON is JSON");
        let fields = &mut self.fields.0;
        let field = Field { name: name.to_owned(), value };
        match fields.iter_mut().find(|field| field.name == name) {
            Some(there) => *there = field,
            None => fields.push(field),
        }
    }

    /// All of it, as JSON.
    #[must_use]
    pub fn json(&self) -> SecretText {
        SecretText::new(serde_json::to_string(&self.fields).expect("members are JSON"))
    }

    /// What has to be sent in order to write it: all of it, under a nonce of its own.
    pub(super) fn seal(&self, link: &PsonoLink) -> Result<Sealed, PsonoClientError> {
        let text = Zeroizing::new(self.json().expose().as_bytes().to_vec());
        Ok(Sealed::seal(&self.key, draw(&*link.ports.entropy)?, &text))
    }
}

impl fmt::Debug for PsonoSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PsonoSecret({})", self.id)
    }
}

impl PsonoClient {
    /// A secret, by the key that the vault has for it. The server counts that it was read.
    ///
    /// # Errors
    /// [`PsonoClientError`].
    pub async fn secret(&self, id: SecretId, key: &BoxKey) -> Result<PsonoSecret, PsonoClientError> {
        let answer = self.get(&format!("/secret/{}/", id.to_uuid()), "secret").await?;
        let all = answer.all();
        PsonoSecret::open(id, all, all.text("write_date")?.to_owned(), key.clone())
    }

    /// Writes a secret, unless somebody else has changed it since it was read. Says when, in the server's words, if the
    /// server does.
    ///
    /// # Errors
    /// [`PsonoClientError`]; [`PsonoClientError::Stale`] if somebody has.
    pub async fn set_secret(&self, secret: &PsonoSecret) -> Result<Option<String>, PsonoClientError> {
        let sealed = secret.seal(&self.link)?;
        let body = serde_json::json!({
            "secret_id": secret.id.to_uuid(),
            "data": to_hex(&sealed.text),
            "data_nonce": to_hex(&sealed.nonce),
            "old_write_date": secret.write_date,
        });
        let answer = self.send(Method::POST, "/secret/", &body).await.map_err(stale)?;
        Ok(written(&answer))
    }
}

/// A refusal of a write whose picture was out of date, by its name.
pub(super) fn stale(error: PsonoClientError) -> PsonoClientError {
    match error.client() {
        Some(refusal) if refusal.is_problem("WRITE_DATE_MISMATCH") => PsonoClientError::Stale,
        _ => error,
    }
}

/// When a write happened. Servers of the vendor do not say it everywhere.
pub(super) fn written(answer: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    answer.get("write_date")?.as_str().map(str::to_owned)
}

/// A member as it was written.
struct Field {
    name: String,
    value: Box<RawValue>,
}

impl Drop for Field {
    fn drop(&mut self) {
        let null = RawValue::NULL.to_owned();
        let text: Box<str> = std::mem::replace(&mut self.value, null).into();
        text.into_string().zeroize();
    }
}

/// Members in their order. Two of one name are refused: whoever reads the other one reads another secret.
struct Fields(Vec<Field>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for field in &self.0 {
            map.serialize_entry(&field.name, &*field.value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Fields, M::Error> {
                let (mut fields, mut names) = (Fields(Vec::new()), std::collections::BTreeSet::new());
                while let Some((name, value)) = members.next_entry::<String, Box<RawValue>>()? {
                    let field = Field { name, value };
                    if !names.insert(field.name.clone()) {
                        return Err(de::Error::custom("a member is there twice"));
                    }
                    fields.0.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Each)
    }
}
