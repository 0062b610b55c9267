//! Which API keys there are, and what each may do.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use strongroom_client::{Client, ClientError, api_keys::ApiKeyError, wire::ApiKey};
use strongroom_primitives::id::ApiKeyId;

use super::{Open, advice::explain_owner};
use crate::{
    output,
    table::{self, instant_or, shown},
    user::Auth,
};

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    auth: Auth,
}

impl List {
    /// Lists them.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let keys = open.keys.list().await.map_err(|error| explain_owner(error, &open.server))?;
        let sessions = open.client.sessions().await.map_err(|error| open.server.explain(error))?;
        let sessions_of =
            |key: &ApiKey| sessions.iter().filter(|session| session.api_key == Some(key.id)).count();
        if as_json {
            let described = |key| {
                let mut document = described(key);
                document["sessions"] = sessions_of(key).into();
                document
            };
            return output::json(&keys.iter().map(described).collect::<Vec<_>>());
        }
        let row = |key: &ApiKey| {
            let active = if key.active { "yes" } else { "no" };
            [
                key.id.to_string(),
                shown(&key.title),
                rights(key),
                active.to_owned(),
                instant_or(key.expires, ""),
                sessions_of(key).to_string(),
            ]
        };
        let rows: Vec<_> = keys.iter().map(row).collect();
        Ok(table::print(["API KEY", "TITLE", "MAY", "ACTIVE", "EXPIRES", "SESSIONS"], &rows)?)
    }
}

/// An API key as a document, without what is sealed.
pub(super) fn described(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "title": key.title,
        "read": key.read,
        "write": key.write,
        "restrict": key.restrict,
        "insecure": key.insecure,
        "active": key.active,
        "created_ms": key.created,
        "expires_ms": key.expires,
    })
}

/// What an API key may do, in words.
pub(super) fn rights(key: &ApiKey) -> String {
    let flags =
        [(key.read, "read"), (key.write, "write"), (key.restrict, "restricted"), (key.insecure, "insecure")];
    let words: Vec<_> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
}

/// What the API keys of a client's caller are called.
///
/// # Errors
/// [`ClientError`].
pub(crate) async fn titles(client: &Client) -> Result<BTreeMap<ApiKeyId, String>, ClientError> {
    let keys = client.api_keys().list().await.map_err(|error| match error {
        ApiKeyError::Client(error) => error,
        error => ClientError::Invalid(error.to_string()),
    })?;
    Ok(keys.into_iter().map(|key| (key.id, key.title)).collect())
}
