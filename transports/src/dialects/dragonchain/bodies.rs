//! Bodies of requests that make or change a key. Source: dialects/dragonchain.md, sections 4, 5 and 10.

use http::header;
use serde_json::Value;
use strongroom_primitives::{dc1::permissions::PermissionsDocument, json};

use super::problem::{self, Problem};
use crate::exchange::Request;

const NICKNAME: &str = "nickname";
const PERMISSIONS: &str = "permissions_document";

/// What a body says of a key.
#[derive(Debug, Default)]
pub(super) struct KeyFields {
    pub(super) nickname: Option<String>,
    pub(super) permissions: Option<PermissionsDocument>,
}

impl KeyFields {
    /// Of a new key: a request without a body says nothing, whatever type it names.
    ///
    /// # Errors
    /// 400. A body that names another type than JSON is not passed over: it may hold a document that limits the key.
    pub(super) fn for_new(request: &Request) -> Result<Self, Problem> {
        if request.body.is_empty() {
            return Ok(Self::default());
        }
        if is_json(request) { Self::read(&request.body) } else { Err(problem::NO_JSON_TYPE) }
    }

    /// Of a key that is there: a body there must be.
    ///
    /// # Errors
    /// 400.
    pub(super) fn for_known(request: &Request) -> Result<Self, Problem> {
        if is_json(request) { Self::read(&request.body) } else { Err(problem::NO_JSON) }
    }

    fn read(body: &[u8]) -> Result<Self, Problem> {
        let value = json::parse(body).map_err(|_| problem::NO_JSON)?;
        let Value::Object(members) = value else { return Err(Problem::invalid("the body is not an object")) };
        let mut fields = Self::default();
        for (name, value) in members {
            match (&*name, value) {
                (NICKNAME, Value::String(nickname)) => fields.nickname = Some(nickname),
                (NICKNAME, _) => return Err(Problem::invalid("nickname is not a string")),
                (PERMISSIONS, value) => {
                    let document = PermissionsDocument::read(&value);
                    let document =
                        document.map_err(|error| Problem::invalid(format!("{PERMISSIONS}: {error}")))?;
                    fields.permissions = Some(document);
                }
                // A name that a stranger chose is not repeated.
                _ => return Err(Problem::invalid("the body holds an unknown name")),
            }
        }
        Ok(fields)
    }
}

fn is_json(request: &Request) -> bool {
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}
