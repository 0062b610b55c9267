//! `strongroom store key`, `encrypt`, `decrypt` and `rekey`.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use strongroom_primitives::encoding;
use strongroom_storage::{Encryption, RootKey};
use zeroize::Zeroizing;

use super::{counted, disk::DiskStore, rewrite};
use crate::{
    config::{Loaded, ROOT_KEY_VARIABLE, Storage as Settings, read_root_key},
    data::{DataFolder, random, sync_folder},
};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a root key, 64 hexadecimal digits, in a file that only its owner may read
    New {
        /// The file, which must not exist yet
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// A new root key.
///
/// # Errors
/// If the system gives no random bytes.
pub(crate) fn new_root_key() -> anyhow::Result<RootKey> {
    Ok(RootKey::new(Zeroizing::new(random()?)))
}

impl KeyCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// If the file is there already or cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let Self::New { output } = self;
        let bytes = Zeroizing::new(random::<32>()?);
        let id = RootKey::new(bytes.clone()).id();
        let text = Zeroizing::new(format!("{}\n", encoding::to_hex(&*bytes)));
        // Whoever overwrites a root key loses what is encrypted under it.
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(output)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            sync_folder(output.parent().unwrap_or(Path::new("")))
        };
        write().with_context(|| format!("{} cannot be written", output.display()))?;
        writeln!(
            io::stdout(),
            "made the root key {id} in {file}; add `root_key_file = \"{file}\"` under [storage], and keep a copy apart \
             from the data: without it nothing in the store can be read",
            file = output.display()
        )?;
        Ok(())
    }
}

/// Encrypts the store under the configured root key.
///
/// # Errors
/// If none is configured, the store is encrypted under another one, or it cannot be rewritten.
pub(super) async fn encrypt(loaded: &Loaded) -> anyhow::Result<()> {
    let root = configured(loaded)?;
    Rewriting::begin(loaded).await?.under(Some(&root), None, "encrypted").await
}

/// Takes the encryption off the store.
///
/// # Errors
/// If no root key is configured, it is not the store's, or the store cannot be rewritten.
pub(super) async fn decrypt(loaded: &Loaded) -> anyhow::Result<()> {
    let root = configured(loaded)?;
    Rewriting::begin(loaded).await?.under(None, Some(&root), "decrypted").await?;
    writeln!(io::stdout(), "take `root_key_file` out of [storage] to serve it")?;
    Ok(())
}

/// Encrypts the store under another root key than the configured one.
///
/// # Errors
/// If either key is missing or wrong, or the store cannot be rewritten.
pub(super) async fn rekey(loaded: &Loaded, new: &Path) -> anyhow::Result<()> {
    let old = configured(loaded)?;
    let new_key = read_root_key(new).map_err(anyhow::Error::msg)?;
    Rewriting::begin(loaded).await?.under(Some(&new_key), Some(&old), "encrypted").await?;
    writeln!(io::stdout(), "set `root_key_file = \"{}\"` under [storage] to serve it", new.display())?;
    Ok(())
}

fn configured(loaded: &Loaded) -> anyhow::Result<RootKey> {
    loaded.root_key()?.with_context(|| {
        format!(
            "no root key is configured; make one with `strongroom store key new -o FILE` and add `root_key_file = \
             \"FILE\"` under [storage], or set {ROOT_KEY_VARIABLE}_FILE"
        )
    })
}

/// A data folder that this process has to itself, with nothing unfinished in it.
struct Rewriting<'a> {
    settings: &'a Settings,
    data: DataFolder,
    found: Encryption,
    _lock: std::fs::File,
}

impl<'a> Rewriting<'a> {
    async fn begin(loaded: &'a Loaded) -> anyhow::Result<Self> {
        let settings = &loaded.config.storage;
        let data = DataFolder::at(&settings.path);
        ensure!(settings.path.is_dir(), "there is no store in {}", settings.path.display());
        let lock = data.keep_to_oneself()?;
        rewrite::finish(&data)?;
        // Opening makes what is missing.
        ensure!(data.store().is_dir(), "there is no store in {}", data.store().display());
        let store = DiskStore::open(&data.store(), settings.kind, settings.cache_bytes)?;
        let store = store.context("a store in memory is not kept, and has nothing to rewrite")?;
        let found = Encryption::of(&store.storage()).await?;
        store.close().await?;
        Ok(Self { settings, data, found, _lock: lock })
    }

    /// Brings the store under `to`, from under `from`, unless it is there already.
    async fn under(
        &self,
        to: Option<&RootKey>,
        from: Option<&RootKey>,
        done: &'static str,
    ) -> anyhow::Result<()> {
        let shown = self.data.store();
        let shown = shown.display();
        let wanted = to.map(RootKey::id);
        let under = wanted.map_or_else(String::new, |id| format!(" under the root key {id}"));
        let mut out = io::stdout();
        match self.found {
            Encryption::Under(id) if wanted == Some(id) => {
                writeln!(out, "{shown} is {done}{under}")?;
                return Ok(());
            }
            Encryption::Empty | Encryption::Plain if to.is_none() => {
                writeln!(out, "{shown} is not encrypted")?;
                return Ok(());
            }
            Encryption::Under(id) if from.map(RootKey::id) != Some(id) => bail!(
                "{shown}: the store is encrypted under the root key {id}; configure that one, and use `strongroom store \
                 rekey` to change it"
            ),
            Encryption::Empty | Encryption::Plain if from.is_some() => {
                bail!("{shown} is not encrypted; run `strongroom store encrypt`")
            }
            _ => {}
        }
        let rows = rewrite::rewrite(&self.data, self.settings, from, to, |bytes| counted("rewriting", bytes))
            .await?;
        writeln!(out, "{done} {rows} rows in {shown}{under}")?;
        writeln!(
            out,
            "the former files were deleted, not overwritten: what is left of them on the device may be read"
        )?;
        Ok(())
    }
}
