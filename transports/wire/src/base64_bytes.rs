//! Byte strings in documents.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strongroom_primitives::encoding;

/// Opaque bytes: canonical base64 with padding in text formats, plain bytes in binary ones.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Base64Bytes(pub Bytes);

impl std::fmt::Debug for Base64Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Base64Bytes({} bytes)", self.0.len())
    }
}

impl Serialize for Base64Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&encoding::to_base64(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            encoding::from_base64(&text).map(|bytes| Self(bytes.into())).map_err(de::Error::custom)
        } else {
            Bytes::deserialize(deserializer).map(Self)
        }
    }
}
