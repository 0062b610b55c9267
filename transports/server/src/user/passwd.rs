//! Another passphrase. Everything stays as it is but the way to the KEK, and every other session ends.

use clap::Args;
use serde_json::json;
use strongroom_primitives::two_skd::WorkFactors;

use super::{
    Auth, UserFile,
    passphrase::{NewPassphraseSource, PassphraseSource},
    tell,
};
use crate::{
    output,
    secrets::{Insisted, Stdin},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom user passwd -a .user.yaml
  strongroom user passwd --passphrase-file old --new-passphrase-file new

All other sessions of the user end, at the keystore and at the vault.")]
pub(super) struct Passwd {
    #[command(flatten)]
    auth: Auth,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    new: NewPassphraseSource,
    #[command(flatten)]
    insisted: Insisted,
}

impl Passwd {
    /// Changes the passphrase.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (mut file, server) = self.auth.open()?;
        UserFile::check_replaceable(&self.auth.auth)?;
        let mut stdin = Stdin::default();
        let present = self.passphrase.read(&mut stdin, &self.insisted)?;
        let new = self.new.read(&mut stdin, &self.insisted)?;
        let (keystore, vault) = (server.keystore(&file)?, server.vault(&file)?);
        tell("changing the passphrase");
        let changed = keystore.change_passphrase(&file.secret, &present, &new, WorkFactors::DEFAULT).await;
        let (keystore, ended) = changed.map_err(|error| server.explain(error))?;
        file.passphrase_derived_key = keystore.pdk().clone();
        file.replace(&self.auth.auth)?;
        // The vault does not know of passphrases: whoever had a session there would go on with it.
        let ended_at_vault = vault.client().revoke_sessions(true).await.map_err(|error| {
            let error = server.explain(error);
            anyhow::anyhow!(
                "the passphrase was changed, but other sessions at the vault may go on ({error}): end them with `strongroom \
                 user logout --everywhere`"
            )
        })?;
        let ended = ended + ended_at_vault;
        if as_json {
            return output::json(&json!({ "changed": true, "sessions_ended": ended }));
        }
        tell(&format!("the passphrase is changed; {ended} other sessions ended"));
        Ok(())
    }
}
