//! A new user: name, Secret Key, account, keys, vault. What happens in which order is in `docs/users.md`.

use clap::Args;
use strongroom_client::users::SignInOptions;
use strongroom_primitives::two_skd::WorkFactors;

use super::{login, passphrase::PassphraseSource, server::At, tell};
use crate::{
    place::Place,
    secrets::{Insisted, Stdin},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom user create -o .user.yaml
  strongroom user create --passphrase-file passphrase -o .user.yaml
  strongroom user create -p PASSPHRASE --secrets-on-command-line > .user.yaml

The user file opens everything of the user's, without the passphrase. The Secret Key in it (`secret`) cannot be had
again: keep it elsewhere too.")]
pub(super) struct Create {
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    insisted: Insisted,
}

impl Create {
    /// Makes the user.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let server = self.at.open(None)?;
        self.place.check()?;
        let passphrase = self.passphrase.read_new(&mut Stdin::default(), &self.insisted)?;
        tell("asking for a user name");
        let users = server.users();
        let sign_up = users.sign_up().await.map_err(|error| server.explain(error))?;
        tell("making the account");
        let registered = sign_up.register(&passphrase, WorkFactors::DEFAULT).await;
        registered.map_err(|error| server.explain(error))?;
        let options = SignInOptions { life_s: None, label: login::label() };
        let file = login::sign_in(&server, sign_up.secret_key(), &passphrase, options).await?;
        file.put(&self.place, as_json)
    }
}
