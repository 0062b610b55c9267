//! Who the server takes a user for, and signing out.

use clap::Args;
use serde_json::json;

use super::Auth;
use crate::{
    output,
    session::{Ending, Services},
    table::{self, instant},
};

#[derive(Debug, Args)]
pub(super) struct Get {
    #[command(flatten)]
    auth: Auth,
}

impl Get {
    /// Shows the user.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (file, server) = self.auth.open()?;
        let (keystore, vault) = (server.keystore(&file)?, server.vault(&file)?);
        let me = keystore.client().whoami().await.map_err(|error| server.explain(error))?;
        let failures = keystore.sign_in_failures().await.map_err(|error| server.explain(error))?;
        let user = vault.user().await.map_err(|error| server.explain(error))?;
        if as_json {
            return output::json(&json!({
                "username": file.secret.username(),
                "server": server.url,
                "keystore_account": me.account,
                "vault_account": user.account,
                "joined_ms": user.joined,
                "private_dek": user.profile.private_dek,
                "items": user.items,
                "bytes": user.bytes,
                "failed_sign_ins": failures.count,
                "last_failed_sign_in_ms": failures.last,
            }));
        }
        Ok(table::facts(&[
            ("user name", file.secret.username().to_owned()),
            ("server", server.url.clone()),
            ("keystore account", me.account.to_string()),
            ("vault account", user.account.to_string()),
            ("joined", instant(user.joined)),
            ("private DEK", user.profile.private_dek.unwrap_or_default()),
            ("items", format!("{} of {} bytes", user.items, user.bytes)),
            ("failed sign-ins", failures.count.to_string()),
        ])?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    auth: Auth,
    /// Ends all sessions of the user, those of other devices too
    #[arg(long)]
    everywhere: bool,
}

impl Logout {
    /// Signs out. The file stays: its Secret Key signs in again.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let which = if self.everywhere { Ending::All } else { Ending::Own };
        let ended = Services::of(&self.auth)?.end(which).await?;
        if as_json { output::json(&json!({ "sessions_ended": ended })) } else { Ok(()) }
    }
}
