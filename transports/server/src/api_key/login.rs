//! Signing in with an API key file, and out again.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use strongroom_client::{
    Client, ClientOptions, Credentials, Token,
    api_keys::{KeySignInOptions, KeySignedIn},
};

use super::{
    advice::explain,
    key_file::{API_KEY_FILE, API_KEY_VARIABLE, ApiKeyFile},
    list::{described, rights},
};
use crate::{
    data::read_private,
    output,
    place::Place,
    secrets::check_private,
    session,
    span::span_s,
    table::{self, instant_or},
    trust::Trust,
    user,
};

/// How often the server is tried: a person waits.
const TRIES_MAX: u32 = 4;

/// An API key file, and how its server is asked.
#[derive(Debug, Args)]
struct With {
    /// The API key file
    #[arg(long, value_name = "FILE", default_value = API_KEY_FILE, env = API_KEY_VARIABLE)]
    api_key: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

impl With {
    /// The file, and a way to its server. Asks nobody.
    ///
    /// # Errors
    /// One line that names the fix.
    fn open(&self, credentials: Credentials) -> anyhow::Result<(ApiKeyFile, Client)> {
        let file = ApiKeyFile::read(&self.api_key)?;
        let options = ClientOptions { tries_max: TRIES_MAX, ..self.trust.options()? };
        let client = Client::http(&file.server_url, credentials, options);
        let client = client.with_context(|| format!("{}: `server_url`", self.api_key.display()))?;
        Ok((file, client))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom api-key login
  STRONGROOM_TOKEN=$(strongroom api-key login --token)
  strongroom api-key login --token --life 5m -o token

With --token the session stays open, for whoever has its token. Without it the session has ended when this ends.")]
pub(super) struct Login {
    #[command(flatten)]
    with: With,
    /// What the key's owner will know the session by [default: this program and machine]
    #[arg(long)]
    label: Option<String>,
    /// How long the session is good, as in 90s, 5m or 1h [default, and at most: what the server allows]
    #[arg(long, value_parser = span_s)]
    life: Option<u64>,
    /// Leaves the session open and gives its token, to be sent as `Authorization: Bearer`
    #[arg(long)]
    token: bool,
    #[command(flatten)]
    place: Place,
}

impl Login {
    /// Signs in.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        ensure!(self.token || !self.place.is_file(), "--output takes the session's token: say --token too");
        self.place.check()?;
        let (file, client) = self.with.open(Credentials::nobody())?;
        let explained = |error| explain(&error, &file.server_url);
        let label = self.label.clone().unwrap_or_else(user::label);
        let options = KeySignInOptions { life_s: self.life, label };
        let signed_in = client.sign_in_with_key(&file.credential, options).await.map_err(explained)?;
        // From here on there is a session, which stays only if its token is handed out.
        let done = match signed_in.owner(&file.secret_key) {
            Ok(_) => self.show(&signed_in, &file.server_url, as_json),
            Err(error) => Err(explained(error)),
        };
        if (!self.token || done.is_err())
            && let Err(error) = signed_in.client.revoke_session(None).await
        {
            // What was asked for has been done, or has failed for a reason of its own; the session ends by itself.
            let error = explain(&error.into(), &file.server_url);
            let _ = writeln!(io::stderr(), "warning: the session was not ended: {error:#}");
        }
        done
    }

    fn show(&self, signed_in: &KeySignedIn, server: &str, as_json: bool) -> anyhow::Result<()> {
        let token = self.token.then(|| signed_in.token.expose());
        if let Some(token) = token.filter(|_| self.place.is_file() || !as_json) {
            self.place.put_line("token", None, token, false)?;
        }
        if as_json {
            let token = token.filter(|_| !self.place.is_file());
            let file = self.place.file();
            return output::json(&Shown { about: about(signed_in, server), token, file });
        }
        if self.token {
            return Ok(());
        }
        let KeySignedIn { key, account, expires, .. } = signed_in;
        let reaches =
            if key.restrict { "the secrets attached to it" } else { "its owner's records and secrets" };
        Ok(table::facts(&[
            ("API key", key.id.to_string()),
            ("title", key.title.clone()),
            ("server", server.to_owned()),
            ("account", account.to_string()),
            ("may", rights(key)),
            ("reaches", reaches.to_owned()),
            ("expires", instant_or(key.expires, "when it is revoked")),
            (
                "session",
                format!(
                    "ended again; with --token it is good until {}",
                    instant_or(*expires, "it is revoked")
                ),
            ),
        ])?)
    }
}

/// A sign-in as a document. Not a value of `serde_json`, which would keep a copy of the token.
#[derive(Serialize)]
struct Shown<'s> {
    #[serde(flatten)]
    about: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'s Path>,
}

fn about(signed_in: &KeySignedIn, server: &str) -> Value {
    json!({
        "server": server,
        "account": signed_in.account,
        "session": signed_in.session,
        "session_expires_ms": signed_in.expires,
        "api_key": described(&signed_in.key),
    })
}

#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    with: With,
    /// The file with the session's token
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

impl Logout {
    /// Ends the session. One that has ended is what was asked for.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        check_private(&self.token_file, "session's token")?;
        let token = Token::read(&read_private(&self.token_file)?);
        let token = token.with_context(|| format!("{}: this is no token", self.token_file.display()))?;
        let (file, client) = self.with.open(Credentials::given(token))?;
        let ended = match client.revoke_session(None).await {
            Err(error) if session::is_ended(&error) => 0,
            Err(error) => return Err(explain(&error.into(), &file.server_url)),
            Ok(()) => 1,
        };
        if as_json { output::json(&json!({ "sessions_ended": ended })) } else { Ok(()) }
    }
}
