//! Looking at a store that no server has open, moving its rows to another backend, and encrypting it.

mod disk;
mod encryption;
mod rewrite;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use strongroom_primitives::encoding;
use strongroom_storage::{
    Encrypted, EncryptedError, Encryption,
    check::Report,
    transfer::{self, Moved},
};

use crate::{
    config::{Loaded, StorageKind},
    data::{DataFolder, sync_folder},
};
pub(crate) use disk::{DiskStore, chance, unlock, wall_clock};
use encryption::KeyCommand;
pub(crate) use encryption::new_root_key;
pub(crate) use rewrite::refuse_unfinished;

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Reads everything in the store and names every damage
    Check,
    /// Writes all rows into a file
    Export {
        /// The file, which must not exist yet
        file: PathBuf,
    },
    /// Puts the rows of a file into a new store
    Import {
        /// The file
        file: PathBuf,
        /// The backend of the new store [default: the configured one]
        #[arg(long, value_enum)]
        kind: Option<StorageKind>,
    },
    /// Makes root keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Encrypts the store under the configured root key
    Encrypt,
    /// Takes the encryption off the store
    Decrypt,
    /// Encrypts the store under another root key than the configured one
    Rekey {
        /// The file with the new root key
        #[arg(long, value_name = "FILE")]
        new_root_key_file: PathBuf,
    },
}

/// Does what was asked with the store that is configured.
///
/// # Errors
/// If the store cannot be opened, is damaged, or the rows cannot be moved.
pub(crate) fn run(command: &StoreCommand, loaded: &Loaded) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        StoreCommand::Check => runtime.block_on(check(loaded)),
        StoreCommand::Export { file } => runtime.block_on(export(loaded, file)),
        StoreCommand::Import { file, kind } => {
            runtime.block_on(import(loaded, file, kind.unwrap_or(loaded.config.storage.kind)))
        }
        StoreCommand::Key(command) => command.run(),
        StoreCommand::Encrypt => runtime.block_on(encryption::encrypt(loaded)),
        StoreCommand::Decrypt => runtime.block_on(encryption::decrypt(loaded)),
        StoreCommand::Rekey { new_root_key_file } => {
            runtime.block_on(encryption::rekey(loaded, new_root_key_file))
        }
    }
}

async fn check(loaded: &Loaded) -> anyhow::Result<()> {
    let data = DataFolder::at(&loaded.config.storage.path);
    let bar = spinner("checking");
    let mut report: Report = strongroom_storage::check::check(data.store())?;
    let encryption = if report.is_sound() { look_inside(loaded, &data, &mut report).await? } else { "" };
    bar.finish_and_clear();
    let mut out = io::stdout();
    for damage in &report.damages {
        writeln!(out, "damaged: {damage}")?;
    }
    let (rows, bytes) = (report.rows, report.value_bytes);
    ensure!(
        report.is_sound(),
        "{} damages in {} ({} store, {rows} whole rows)",
        report.damages.len(),
        data.store().display(),
        report.backend
    );
    writeln!(out, "sound: {rows} rows, {bytes} bytes of values ({} store{encryption})", report.backend)?;
    Ok(())
}

/// Opens the values of an encrypted store, if its root key is configured; what does not open goes into the report.
async fn look_inside(
    loaded: &Loaded,
    data: &DataFolder,
    report: &mut Report,
) -> anyhow::Result<&'static str> {
    let kind = if report.backend == "redb" { StorageKind::Redb } else { StorageKind::Sled };
    let store = DiskStore::open(&data.store(), kind, loaded.config.storage.cache_bytes)?;
    let store = store.context("what was checked lies on disk")?;
    let said = match (Encryption::of(&store.storage()).await?, loaded.root_key()?) {
        (Encryption::Empty | Encryption::Plain, _) => ", not encrypted",
        (Encryption::Under(_), None) => ", encrypted; no root key is configured, so no value was opened",
        (Encryption::Under(_), Some(root)) => {
            let opened = Encrypted::open(store.storage(), &root, chance()).await;
            for key in opened.map_err(|error| cannot_open(data, &error))?.check().await? {
                let place = format!("row {}", encoding::to_hex(key.as_bytes()));
                report.damage(place, "it was not sealed for this place under this root key");
            }
            ", encrypted"
        }
    };
    store.close().await?;
    Ok(said)
}

fn cannot_open(data: &DataFolder, error: &EncryptedError) -> anyhow::Error {
    anyhow::anyhow!("{}: {error}", data.store().display())
}

async fn export(loaded: &Loaded, file: &Path) -> anyhow::Result<()> {
    let config = &loaded.config;
    let data = DataFolder::at(&config.storage.path);
    let path = data.store();
    // Opening makes what is missing, and an export of nothing would look like a success.
    ensure!(path.is_dir(), "there is no store in {}", path.display());
    refuse_unfinished(&data)?;
    let store = DiskStore::open(&path, config.storage.kind, config.storage.cache_bytes)?;
    let store = store.context("a store in memory has nothing to export")?;
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let out = out.with_context(|| format!("{} cannot be written", file.display()))?;
    let bar = spinner("exporting");
    // Rows of an encrypted store stay sealed.
    let moved = transfer::export(&store.storage(), bar.wrap_write(&out)).await;
    bar.finish_and_clear();
    let synced = moved.map_err(anyhow::Error::from).and_then(|moved| {
        out.sync_all()?;
        sync_folder(file.parent().unwrap_or(Path::new("")))?;
        Ok(moved)
    });
    let moved = synced.inspect_err(|_| {
        // Half an export is of use to nobody, and this one is ours: it did not exist before.
        let _ = fs::remove_file(file);
    })?;
    store.close().await?;
    let Moved { rows, value_bytes, encrypted, .. } = moved;
    let sealed = if encrypted { " (encrypted)" } else { "" };
    writeln!(
        io::stdout(),
        "exported {rows} rows{sealed}, {value_bytes} bytes of values, into {}",
        file.display()
    )?;
    Ok(())
}

async fn import(loaded: &Loaded, file: &Path, kind: StorageKind) -> anyhow::Result<()> {
    let config = &loaded.config;
    let root = loaded.root_key()?;
    let input = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let data = DataFolder::open_or_make(&config.storage.path)?;
    refuse_unfinished(&data)?;
    // What is not whole is refused before a store is made for it.
    let promised = transfer::check(&input).with_context(|| format!("{}", file.display()))?;
    (&input).seek(SeekFrom::Start(0))?;
    let store = DiskStore::open(&data.store(), kind, config.storage.cache_bytes)?;
    let store = store.context("a store in memory forgets what is imported")?;
    // Sealed rows are put where they are kept; others are sealed on their way, where there is a key.
    let root_of_rows = root.as_ref().filter(|_| !promised.encrypted);
    let target = unlock(store.storage(), root_of_rows, &data.store()).await?;
    let bar = counted("importing", input.metadata()?.len());
    let moved = transfer::import(&target, bar.wrap_read(&input)).await;
    bar.finish_and_clear();
    let moved = moved.with_context(|| format!("{}", file.display()))?;
    let backend = target.info().backend;
    writeln!(io::stdout(), "imported {} rows into a {backend} store", moved.rows)?;
    if let (true, Encryption::Under(id)) = (moved.encrypted, Encryption::of(&store.storage()).await?)
        && root.map(|root| root.id()) != Some(id)
    {
        writeln!(io::stdout(), "they are encrypted: serve them under the root key {id}")?;
    }
    store.close().await?;
    if kind != config.storage.kind {
        writeln!(io::stdout(), "set `kind = \"{backend}\"` under [storage] to serve it")?;
    }
    Ok(())
}

/// Shows that something is going on, on a terminal.
fn spinner(what: &'static str) -> ProgressBar {
    bar(ProgressBar::new_spinner(), what, "{spinner} {msg}, {elapsed}, {bytes}")
}

/// Shows how far something has come, on a terminal.
fn counted(what: &'static str, bytes: u64) -> ProgressBar {
    bar(ProgressBar::new(bytes), what, "{msg} [{wide_bar}] {bytes} of {total_bytes}")
}

fn bar(bar: ProgressBar, what: &'static str, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = bar.with_style(style).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
