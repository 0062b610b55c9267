//! Signing in: both sessions and all keys, out of the Secret Key and the passphrase.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use strongroom_client::users::{Entered, SignInOptions};
use strongroom_primitives::{secret::SecretText, secret_key::SecretKey};

use super::{
    USER_FILE, UserFile,
    passphrase::{PassphraseSource, secret_key},
    server::{At, Server},
    tell,
};
use crate::{
    place::Place,
    secrets::{Insisted, Stdin},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom user login -a .user.yaml -o .user.yaml --force
  strongroom user login --secret-key-file secret.key -o .user.yaml")]
pub(super) struct Login {
    /// Takes the Secret Key, and the server, from this user file [default: .user.yaml]
    #[arg(short, long, value_name = "FILE", conflicts_with = "secret_key_file")]
    auth: Option<PathBuf>,
    /// Takes the Secret Key from this file: `1.`, the user name, a dot and the secret
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Seconds for which the sessions are good, at most 30 days
    #[arg(long, value_name = "SECONDS")]
    valid_for: Option<u64>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    insisted: Insisted,
}

impl Login {
    /// Signs in.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (secret, known) = match &self.secret_key_file {
            Some(path) => (secret_key(path)?, None),
            None => {
                let path = self.auth.clone().unwrap_or_else(|| USER_FILE.into());
                let file = UserFile::read(&path)
                    .context("the Secret Key is needed, from --auth or --secret-key-file")?;
                (file.secret, file.server)
            }
        };
        let server = self.at.open(known.as_deref())?;
        self.place.check()?;
        let passphrase = self.passphrase.read(&mut Stdin::default(), &self.insisted)?;
        let options = SignInOptions { life_s: self.valid_for, label: label() };
        let file = sign_in(&server, &secret, &passphrase, options).await?;
        file.put(&self.place, as_json)
    }
}

/// Signs in to keystore and vault, and makes what the user lacks yet.
///
/// # Errors
/// One line that names the fix.
pub(super) async fn sign_in(
    server: &Server,
    secret: &SecretKey,
    passphrase: &SecretText,
    options: SignInOptions,
) -> anyhow::Result<UserFile> {
    tell("signing in to the keystore");
    let signed_in = server.users().sign_in(secret, passphrase, options.clone()).await;
    let signed_in = signed_in.map_err(|error| server.explain(error))?;
    if signed_in.failures > 0 {
        tell(&format!("warning: {} attempts to sign in had failed since the last one", signed_in.failures));
    }
    tell("entering the vault; a first time takes some seconds, for a new key pair");
    let entered = signed_in.keystore.enter_vault(options).await;
    let Entered { token, kek, dek, .. } = entered.map_err(|error| server.explain(error))?;
    Ok(UserFile {
        secret: secret.clone(),
        server: Some(server.url.clone()),
        keystore_access_token: signed_in.token,
        vault_access_token: token,
        passphrase_derived_key: signed_in.keystore.pdk().clone(),
        key_encryption_key: kek.key,
        data_encryption_key: dek,
    })
}

/// What the user will know sessions of this program by.
pub(crate) fn label() -> String {
    let host = rustix::system::uname();
    format!("strongroom on {}", crate::table::shown(&host.nodename().to_string_lossy()))
}
