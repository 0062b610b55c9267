//! From a profile to the keys: the token, the client, the local store, and both kept together.

use std::{fs, process::Command};

use anyhow::Context;
use strongroom_client::{
    BoxError, Client, ClientOptions, Credentials, KeyRecord, Token,
    keyknox::{
        key_storage::{CloudKeyStorage, KeyStorageError, OnEmpty, UserKeys},
        local::{LocalFile, LocalStore, Unlock},
        ports::Ports,
        record::CloudLimits,
        sync::{SyncKeyStorage, SyncReport},
        token::ApplicationKey,
    },
};
use strongroom_primitives::secret::SecretText;

use super::{
    advice::{explain, explain_local},
    profile::{ApplicationWay, LinkKind, Profile, read_key},
};
use crate::data::read_private;

/// How often the server is tried: a person waits.
const TRIES_MAX: u32 = 4;

/// An opened profile.
pub(super) struct Door<'p> {
    pub(super) profile: &'p Profile,
    pub(super) client: Client,
    pub(super) keys: SyncKeyStorage<KeyRecord, LocalFile>,
    readers: UserKeys,
    ports: Ports,
}

impl<'p> Door<'p> {
    /// Opens the local store and prepares a client. Asks nobody yet.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn open(profile: &'p Profile) -> anyhow::Result<Self> {
        let own = profile.private_key()?;
        let ports = Ports::system();
        let client = client(profile, ports.clone())?;
        let unlock = Unlock::UserKey(own.clone());
        let local = LocalFile::open(profile.store(), &profile.binding(), &unlock, ports.entropy.clone())
            .map_err(|error| explain_local(&error, profile))?;
        let mut readers = vec![own.verifying_key()];
        readers.extend(profile.file.readers.iter().map(|reader| reader.0));
        let keys = UserKeys::new(own, readers).map_err(|error| explain(&error, profile))?;
        let record = KeyRecord::new(client.clone());
        let (readers, seen) = (keys.clone(), local.seen());
        let cloud = CloudKeyStorage::new(record, keys, ports.clone(), CloudLimits::default(), seen);
        Ok(Self { profile, client, keys: SyncKeyStorage::new(cloud, local), readers, ports })
    }

    /// How many keys the cloud shows to somebody who has seen nothing before. Changes nothing here.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn keys_in_cloud(&self) -> anyhow::Result<usize> {
        let record = KeyRecord::new(self.client.clone());
        let (readers, ports) = (self.readers.clone(), self.ports.clone());
        let mut cloud = CloudKeyStorage::new(record, readers, ports, CloudLimits::default(), None);
        let shown = cloud.retrieve_all().await.map_err(|error| explain(&error, self.profile))?;
        Ok(shown.len())
    }

    /// Brings the local store to what the cloud holds.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn sync(&mut self, on_empty: OnEmpty) -> anyhow::Result<SyncReport> {
        self.try_sync(on_empty).await.map_err(|error| explain(&error, self.profile))
    }

    /// The same, for a caller who looks at the error.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub(super) async fn try_sync(&mut self, on_empty: OnEmpty) -> Result<SyncReport, KeyStorageError> {
        self.keys.sync(on_empty).await
    }
}

fn client(profile: &Profile, ports: Ports) -> anyhow::Result<Client> {
    let file = &profile.file;
    let roots_pem = match &file.trusted_certificates {
        Some(path) => {
            let path = profile.resolve(path);
            Some(
                fs::read(&path)
                    .with_context(|| format!("cannot read the trusted certificates {}", path.display()))?,
            )
        }
        None => None,
    };
    let credentials = credentials(profile, &ports)?;
    let options = ClientOptions {
        roots_pem,
        allow_plaintext: file.allow_plaintext,
        tries_max: TRIES_MAX,
        ports,
        ..ClientOptions::default()
    };
    let client = match file.link {
        LinkKind::Http => Client::http(&file.server, credentials, options),
        LinkKind::WebSocket => Client::ws(&file.server, credentials, options),
    };
    client.with_context(|| format!("{}", profile.path.display()))
}

/// How tokens are had, as the profile says.
fn credentials(profile: &Profile, ports: &Ports) -> anyhow::Result<Credentials> {
    let ways = profile.file.token.clone();
    let read =
        |text: &SecretText, from: &str| Token::read(text).map_err(|error| anyhow::anyhow!("{from}: {error}"));
    if let Some(ApplicationWay { id, key_id, key_file, life_s }) = ways.application {
        let key = read_key(&profile.resolve(&key_file))?;
        let key =
            ApplicationKey::new(id, key_id, key).with_context(|| format!("{}", profile.path.display()))?;
        return Ok(Credentials::minted(key, profile.file.identity.clone(), life_s, ports.clock.clone()));
    }
    if let Some(file) = ways.file {
        let file = profile.resolve(&file);
        return Ok(Credentials::given(read(&read_private(&file)?, &file.display().to_string())?));
    }
    if let Some(name) = ways.environment {
        let text = std::env::var(&name)
            .with_context(|| format!("the variable {name}, which is to hold the token, is not set"))?;
        return Ok(Credentials::given(read(&SecretText::new(text), &name)?));
    }
    if let Some(value) = ways.value {
        return Ok(Credentials::given(read(&value.0, &profile.path.display().to_string())?));
    }
    let command = ways.command.unwrap_or_default();
    let folder = profile.path.parent().map(ToOwned::to_owned).unwrap_or_default();
    Ok(Credentials::fetched(move || {
        let (command, folder) = (command.clone(), folder.clone());
        async move {
            let run = tokio::task::spawn_blocking(move || token_of(&command, &folder));
            run.await.map_err(BoxError::from)?
        }
    }))
}

/// Runs the program that prints a token. What it says on standard error is for the user.
fn token_of(command: &[String], folder: &std::path::Path) -> Result<Token, BoxError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("`token.command` names a program and its arguments".into());
    };
    let mut command = Command::new(program);
    if !folder.as_os_str().is_empty() {
        command.current_dir(folder);
    }
    command.args(arguments).stdin(std::process::Stdio::null()).stderr(std::process::Stdio::inherit());
    let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} ended with {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("{program} did not print a token"))?;
    Token::read(&SecretText::new(text))
        .map_err(|error| format!("{program} printed something else: {error}").into())
}
