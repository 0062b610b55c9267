//! JSON with secrets in it: answers of the server and the documents of a vault.

use serde_json::{Map, Value};
use strongroom_primitives::nacl::{BoxKey, NONCE_BYTES};
use strongroom_primitives::psono::{Sealed, hex, hex_array, open_key};
use zeroize::{Zeroize, Zeroizing};

use super::PsonoClientError;

/// An object of JSON whose texts are wiped when it is dropped. Members that nobody asks for are let be: other clients
/// of the vault put in what they like.
pub(super) struct Document {
    value: Value,
    what: &'static str,
}

impl Document {
    /// Reads an object; `what` is what errors call it. Nested at most 128 levels deep.
    pub(super) fn read(text: &[u8], what: &'static str) -> Result<Self, PsonoClientError> {
        let value = serde_json::from_slice(text).map_err(|_| PsonoClientError::Malformed { what })?;
        let document = Self { value, what };
        if document.value.is_object() { Ok(document) } else { Err(document.malformed()) }
    }

    /// What errors call it.
    pub(super) fn malformed(&self) -> PsonoClientError {
        PsonoClientError::Malformed { what: self.what }
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Its members.
    pub(super) fn all(&self) -> Members<'_> {
        match &self.value {
            Value::Object(members) => Members { members, what: self.what },
            _ => unreachable!("only objects are made into documents"),
        }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.value);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Members of an object, by name.
#[derive(Clone, Copy)]
pub(super) struct Members<'d> {
    members: &'d Map<String, Value>,
    what: &'static str,
}

impl<'d> Members<'d> {
    /// The members of an object within a document; `what` is what errors call it.
    pub(super) fn of(value: &'d Value, what: &'static str) -> Result<Self, PsonoClientError> {
        let members = value.as_object().ok_or(PsonoClientError::Malformed { what })?;
        Ok(Self { members, what })
    }

    fn malformed(self) -> PsonoClientError {
        PsonoClientError::Malformed { what: self.what }
    }

    pub(super) fn get(self, name: &str) -> Option<&'d Value> {
        self.members.get(name)
    }

    /// A text that may be missing, or be something else.
    pub(super) fn find(self, name: &str) -> Option<&'d str> {
        self.get(name)?.as_str()
    }

    /// A text that is there.
    pub(super) fn text(self, name: &str) -> Result<&'d str, PsonoClientError> {
        self.find(name).ok_or_else(|| self.malformed())
    }

    /// Whether it says yes. Whatever is missing says no.
    pub(super) fn flag(self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// An object that is there.
    pub(super) fn object(self, name: &str) -> Result<Self, PsonoClientError> {
        Self::of(self.get(name).ok_or_else(|| self.malformed())?, self.what)
    }

    /// The values of a list that is there.
    pub(super) fn list(self, name: &str) -> Result<&'d [Value], PsonoClientError> {
        let list = self.get(name).and_then(Value::as_array);
        list.map(Vec::as_slice).ok_or_else(|| self.malformed())
    }

    /// 32 bytes in hexadecimal.
    pub(super) fn key(self, name: &str) -> Result<Zeroizing<[u8; 32]>, PsonoClientError> {
        hex_array(self.text(name)?).map(Zeroizing::new).ok_or_else(|| self.malformed())
    }

    /// A sealed text, and its nonce in the member `<name>_nonce`.
    pub(super) fn sealed(self, name: &str) -> Result<Sealed, PsonoClientError> {
        let nonce: Option<[u8; NONCE_BYTES]> = hex_array(self.text(&format!("{name}_nonce"))?);
        let text = hex(self.text(name)?);
        match (text, nonce) {
            (Some(text), Some(nonce)) => Ok(Sealed { text, nonce }),
            _ => Err(self.malformed()),
        }
    }

    /// A key that is sealed under another; `what` is what errors call it.
    pub(super) fn key_under(
        self,
        name: &str,
        under: &BoxKey,
        what: &'static str,
    ) -> Result<Zeroizing<[u8; 32]>, PsonoClientError> {
        let sealed = self.sealed(name)?;
        open_key(under, &sealed.nonce, &sealed.text).map_err(|error| PsonoClientError::of(error, what))
    }
}
