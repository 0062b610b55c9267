//! Reading bodies: what a member is, and in which of the two alphabets. Source: dialects/misakey.md, sections 2 and 5.
//!
//! Bodies are read strictly: one JSON object, no doubled members, no trailing data. Unknown members are ignored, and
//! null is the same as not given. Text is base64url without padding in its one spelling, unless said otherwise.

use serde_json::{Map, Value};
use strongroom_primitives::{
    encoding::{from_base64, from_base64url},
    id::BoxId,
    json::parse_object,
};

use super::problem::{self, Problem};

/// What a public key for RSA begins with.
const RSA_PREFIX: &str = "com.misakey.aes-rsa-enc:";

/// The members of a JSON object.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// # Errors
    /// 400.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        parse_object(body).map(Self).map_err(|_| problem::NO_OBJECT)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Whether it is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// Text that is given.
    ///
    /// # Errors
    /// 400, `required` or `malformed`.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        self.optional_text(name)?.ok_or_else(|| Problem::body(name, "required"))
    }

    /// Text, if it is given and not empty.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(Problem::body(name, "malformed")),
        }
    }

    /// 1 to `max` bytes in base64url.
    pub(super) fn bytes(&mut self, name: &'static str, max: usize) -> Result<Vec<u8>, Problem> {
        let text = self.text(name)?;
        bytes(&text, max).ok_or_else(|| Problem::body(name, "malformed"))
    }

    /// The same in base64 with padding.
    pub(super) fn standard(&mut self, name: &'static str, max: usize) -> Result<Vec<u8>, Problem> {
        self.optional_standard(name, max)?.ok_or_else(|| Problem::body(name, "required"))
    }

    /// The same, if it is given.
    pub(super) fn optional_standard(
        &mut self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        let bytes = from_base64(&text).ok().filter(|bytes| bytes.len() <= max);
        bytes.map(Some).ok_or_else(|| Problem::body(name, "malformed"))
    }

    /// Text that is base64url, kept as it is.
    pub(super) fn opaque(&mut self, name: &'static str) -> Result<String, Problem> {
        let text = self.text(name)?;
        if is_opaque(&text) { Ok(text) } else { Err(Problem::body(name, "malformed")) }
    }

    /// A public key, if it is given.
    pub(super) fn optional_key(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let text = self.optional_text(name)?;
        let good = text.as_deref().is_none_or(is_public_key);
        if good { Ok(text) } else { Err(Problem::body(name, "malformed")) }
    }

    /// A UUID of version 4, if it is given.
    pub(super) fn optional_uuid(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        uuid4(&text).map(|id| Some(id.to_uuid())).ok_or_else(|| Problem::body(name, "malformed"))
    }

    /// A number that fits 32 bits.
    pub(super) fn number(&mut self, name: &'static str) -> Result<u32, Problem> {
        let value = self.take(name).ok_or_else(|| Problem::body(name, "required"))?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| Problem::body(name, "malformed"))
    }

    /// An object.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Self, Problem> {
        match self.take(name) {
            Some(Value::Object(members)) => Ok(Self(members)),
            Some(_) => Err(Problem::body(name, "malformed")),
            None => Err(Problem::body(name, "required")),
        }
    }

    /// An object whose members are objects, by their names; none if it is not given.
    pub(super) fn objects(&mut self, name: &'static str) -> Result<Vec<(String, Self)>, Problem> {
        let malformed = || Problem::body(name, "malformed");
        let members = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(malformed()),
        };
        let read = |(name, value)| match value {
            Value::Object(members) => Ok((name, Self(members))),
            _ => Err(malformed()),
        };
        members.into_iter().map(read).collect()
    }

    /// Texts, at least one.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Vec<String>, Problem> {
        let malformed = || Problem::body(name, "malformed");
        match self.take(name) {
            None => Err(Problem::body(name, "required")),
            Some(Value::Array(values)) if values.is_empty() => Err(Problem::body(name, "required")),
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => Ok(text),
                    _ => Err(malformed()),
                })
                .collect(),
            Some(_) => Err(malformed()),
        }
    }
}

/// 1 to `max` bytes in base64url. The length is looked at first.
pub(super) fn bytes(text: &str, max: usize) -> Option<Vec<u8>> {
    let fits = (1..=(4 * max).div_ceil(3)).contains(&text.len());
    from_base64url(text).ok().filter(|bytes| fits && bytes.len() <= max)
}

/// Whether text is base64url.
pub(super) fn is_opaque(text: &str) -> bool {
    !text.is_empty() && from_base64url(text).is_ok()
}

/// Whether text is a public key, of either kind.
pub(super) fn is_public_key(text: &str) -> bool {
    is_opaque(text.strip_prefix(RSA_PREFIX).unwrap_or(text))
}

/// A UUID of version 4, in any case.
pub(super) fn uuid4(text: &str) -> Option<BoxId> {
    let id = BoxId::from_uuid(text).ok()?;
    let bytes = id.as_bytes();
    (bytes[6] >> 4 == 4 && bytes[8] >> 6 == 2).then_some(id)
}
