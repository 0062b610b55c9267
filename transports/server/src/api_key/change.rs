//! What an API key may do from now on, or that it is none any more.

use anyhow::ensure;
use clap::Args;
use serde_json::json;
use strongroom_client::{api_keys::ApiKeyChange, keyknox::ports::Ports};
use strongroom_primitives::id::ApiKeyId;

use super::{Open, advice::explain_owner, list::described};
use crate::{output, span::Expiry, user::Auth};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom api-key update 5f0c... --write=false
  strongroom api-key update 5f0c... --active=false     # until --active=true; its sessions end

What is not named stays as it is.")]
pub(super) struct Update {
    /// Which
    api_key: ApiKeyId,
    /// What to call it; the server can read it
    #[arg(long)]
    title: Option<String>,
    /// Whether it may look
    #[arg(long, value_name = "BOOL")]
    read: Option<bool>,
    /// Whether it may change something
    #[arg(long, value_name = "BOOL")]
    write: Option<bool>,
    /// Whether it reaches nothing but the secrets that are attached to it
    #[arg(long, value_name = "BOOL")]
    restrict: Option<bool>,
    /// Whether its program may hand the server the key of its secrets
    #[arg(long, value_name = "BOOL")]
    insecure: Option<bool>,
    /// Whether it signs in at all
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
    /// When it ends: a span of time (30d), a day or an instant, or `never`
    #[arg(long, value_name = "END")]
    expires: Option<Expiry>,
    #[command(flatten)]
    auth: Auth,
}

impl Update {
    /// Changes it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let Self { title, read, write, restrict, insecure, active, expires, .. } = self;
        let flags = [read, write, restrict, insecure, active];
        ensure!(
            title.is_some() || expires.is_some() || flags.iter().any(|flag| flag.is_some()),
            "nothing to change: say --title, --read, --write, --restrict, --insecure, --active or --expires, as in --write=false"
        );
        let change = ApiKeyChange {
            title: title.clone(),
            read: *read,
            write: *write,
            restrict: *restrict,
            insecure: *insecure,
            active: *active,
            expires: Expiry::change(*expires, Ports::system().clock.now()),
        };
        let open = Open::of(&self.auth)?;
        let changed = open.keys.update(self.api_key, change).await;
        let changed = changed.map_err(|error| explain_owner(error, &open.server))?;
        if as_json { output::json(&described(&changed)) } else { Ok(()) }
    }
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Which
    #[arg(required = true, value_name = "API_KEY")]
    api_keys: Vec<ApiKeyId>,
    #[command(flatten)]
    auth: Auth,
}

impl Revoke {
    /// Ends them.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        for id in &self.api_keys {
            open.keys.revoke(*id).await.map_err(|error| explain_owner(error, &open.server))?;
        }
        if as_json { output::json(&json!({ "revoked": self.api_keys })) } else { Ok(()) }
    }
}
