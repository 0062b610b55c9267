//! The published vectors, read into types that know every member of the file: one that is new fails to read, and one
//! that no test looks at is dead code.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct File {
    pub(in crate::dc1) dialect: String,
    #[serde(rename = "note")]
    _note: IgnoredAny,
    pub(in crate::dc1) signing: Section<SigningCase>,
    pub(in crate::dc1) whole_requests: WholeRequests,
    pub(in crate::dc1) verification: Section<VerificationCase>,
    pub(in crate::dc1) timestamps: Section<TimestampCase>,
    pub(in crate::dc1) permissions: PermissionsVectors,
    /// The file with a client's keys is read by the command line, not here.
    #[serde(rename = "credentials_file")]
    _credentials_file: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct Section<Case> {
    #[serde(rename = "description")]
    _description: IgnoredAny,
    #[serde(rename = "source", default)]
    _source: IgnoredAny,
    pub(in crate::dc1) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct SigningCase {
    pub(in crate::dc1) name: String,
    pub(in crate::dc1) input: SigningInput,
    pub(in crate::dc1) expected: SigningExpected,
    #[serde(rename = "source")]
    _source: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct SigningInput {
    pub(in crate::dc1) algorithm: String,
    pub(in crate::dc1) auth_key_id: String,
    pub(in crate::dc1) auth_key: String,
    pub(in crate::dc1) dragonchain_id: String,
    pub(in crate::dc1) verb: String,
    pub(in crate::dc1) path: String,
    pub(in crate::dc1) timestamp: String,
    pub(in crate::dc1) content_type: String,
    pub(in crate::dc1) body_hex: String,
    pub(in crate::dc1) body_utf8: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct SigningExpected {
    pub(in crate::dc1) body_hash_base64: String,
    pub(in crate::dc1) message: String,
    pub(in crate::dc1) message_hex: String,
    pub(in crate::dc1) hmac_hex: String,
    pub(in crate::dc1) authorization: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct WholeRequests {
    #[serde(rename = "description")]
    _description: IgnoredAny,
    pub(in crate::dc1) auth_key: String,
    pub(in crate::dc1) cases: Vec<WholeRequest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct WholeRequest {
    pub(in crate::dc1) name: String,
    #[serde(rename = "source")]
    _source: IgnoredAny,
    pub(in crate::dc1) endpoint: String,
    pub(in crate::dc1) verb: String,
    pub(in crate::dc1) url: String,
    pub(in crate::dc1) headers: BTreeMap<String, String>,
    pub(in crate::dc1) body_utf8: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct VerificationCase {
    pub(in crate::dc1) name: String,
    pub(in crate::dc1) request: ReceivedRequest,
    pub(in crate::dc1) expected: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct ReceivedRequest {
    pub(in crate::dc1) verb: String,
    pub(in crate::dc1) target: String,
    pub(in crate::dc1) dragonchain: Option<String>,
    pub(in crate::dc1) timestamp: Option<String>,
    pub(in crate::dc1) content_type: String,
    pub(in crate::dc1) body_utf8: String,
    pub(in crate::dc1) authorization: Option<String>,
    pub(in crate::dc1) server_time: String,
    #[serde(default)]
    pub(in crate::dc1) mount: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct TimestampCase {
    pub(in crate::dc1) timestamp: String,
    pub(in crate::dc1) accepted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct PermissionsVectors {
    #[serde(rename = "source")]
    _source: IgnoredAny,
    pub(in crate::dc1) operations: BTreeMap<String, OperationVector>,
    pub(in crate::dc1) decisions: Vec<DecisionVector>,
    pub(in crate::dc1) invalid_documents: Vec<InvalidVector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct OperationVector {
    pub(in crate::dc1) resource: String,
    pub(in crate::dc1) operation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct DecisionVector {
    pub(in crate::dc1) name: String,
    pub(in crate::dc1) permissions_document: Value,
    pub(in crate::dc1) decisions: BTreeMap<String, bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dc1) struct InvalidVector {
    pub(in crate::dc1) name: String,
    pub(in crate::dc1) permissions_document: Value,
    pub(in crate::dc1) valid: bool,
    pub(in crate::dc1) server_message: String,
}

pub(in crate::dc1) fn vectors() -> File {
    serde_json::from_str(include_str!("../../../../../tests/vectors/dragonchain.json")).unwrap()
}
