//! Receipts: the engine's signature under a record's head, so that two devices can prove to each other, and to
//! anybody, that they were shown different histories.

use serde::{Deserialize, Serialize};
use strongroom_primitives::encoding;

use super::RecordHead;
use crate::{credential::Identity, secrets::EngineSecrets};

/// A signed statement about a head.
///
/// The signed bytes are `strongroom receipt v1`, a zero byte, then realm, owner and each part of the name, every one
/// preceded by its length (32-bit big endian) and the parts by their number, then sequence, major and minor version
/// (64-bit big endian), the 64 bytes of the tag and the 32 bytes of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Ed25519, 64 bytes in base64url.
    pub signature: String,
    /// The public key, 32 bytes in base64url.
    pub key: String,
}

/// The signed bytes.
pub fn statement(identity: &Identity, head: &RecordHead) -> Vec<u8> {
    let mut bytes = b"strongroom receipt v1\0".to_vec();
    let mut field = |text: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(text);
    };
    field(identity.realm.as_str().as_bytes());
    field(head.owner.as_str().as_bytes());
    field(&[u8::try_from(head.name.parts().len()).unwrap_or(u8::MAX)]);
    head.name.parts().iter().for_each(|part| field(part.as_bytes()));
    for number in [head.sequence, head.version.major, head.version.minor] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(head.tag.as_bytes());
    bytes.extend_from_slice(&head.chain);
    bytes
}

impl Receipt {
    pub(crate) fn sign(secrets: &EngineSecrets, identity: &Identity, head: &RecordHead) -> Self {
        Self {
            signature: encoding::to_base64url(&secrets.sign_receipt(&statement(identity, head))),
            key: encoding::to_base64url(secrets.receipt_key().as_bytes()),
        }
    }
}
