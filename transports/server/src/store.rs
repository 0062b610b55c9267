//! Looking at a store that no server has open, and moving its rows to another backend.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_storage::{
    Info, Options, Storage, StorageError, WallClock,
    check::Report,
    redb::Redb,
    sled::Sled,
    transfer::{self, Moved, TransferError},
};

use crate::{
    config::{Config, StorageKind},
    data::{DataFolder, sync_folder},
};

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
}

/// Where stores take their time from.
pub(crate) fn wall_clock() -> WallClock {
    let clock = SystemClock::new();
    Arc::new(move || clock.wall().as_ms())
}

/// A store on disk, whichever backend keeps it.
pub(crate) enum DiskStore {
    /// sled.
    Sled(Arc<Sled>),
    /// redb.
    Redb(Arc<Redb>),
}

impl DiskStore {
    /// Opens the store in the folder, or makes one there; `None` for a kind that is not kept on disk.
    ///
    /// # Errors
    /// One clear line for whatever stands against it.
    pub(crate) fn open(path: &Path, kind: StorageKind, cache_bytes: u64) -> anyhow::Result<Option<Self>> {
        let mut options = Options::new(wall_clock());
        options.cache_bytes = cache_bytes;
        Ok(match kind {
            StorageKind::Sled => Some(Self::Sled(Arc::new(Sled::open(path, options)?))),
            StorageKind::Redb => Some(Self::Redb(Arc::new(Redb::open(path, options)?))),
            StorageKind::Memory => None,
        })
    }

    /// The store, for whoever does not care which it is.
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Self::Sled(store) => store.clone(),
            Self::Redb(store) => store.clone(),
        }
    }

    /// Finishes what is waiting and lets go of the files.
    ///
    /// # Errors
    /// If it was closed before.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        match self {
            Self::Sled(store) => store.close().await,
            Self::Redb(store) => store.close().await,
        }
    }

    async fn export(&self, out: impl Write) -> Result<Moved, TransferError> {
        match self {
            Self::Sled(store) => transfer::export(store, out).await,
            Self::Redb(store) => transfer::export(store, out).await,
        }
    }

    async fn import(&self, input: impl Read + Seek) -> Result<Moved, TransferError> {
        match self {
            Self::Sled(store) => transfer::import(store, input).await,
            Self::Redb(store) => transfer::import(store, input).await,
        }
    }

    fn info(&self) -> Info {
        self.storage().info()
    }
}

/// Does what was asked with the store of `config`.
///
/// # Errors
/// If the store cannot be opened, is damaged, or the rows cannot be moved.
pub(crate) fn run(command: &StoreCommand, config: &Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let data = DataFolder::at(&config.storage.path);
    match command {
        StoreCommand::Check => check(&data),
        StoreCommand::Export { file } => runtime.block_on(export(&data, config, file)),
        StoreCommand::Import { file, kind } => {
            runtime.block_on(import(config, file, kind.unwrap_or(config.storage.kind)))
        }
    }
}

fn check(data: &DataFolder) -> anyhow::Result<()> {
    let bar = spinner("checking");
    let report: Report = strongroom_storage::check::check(data.store())?;
    bar.finish_and_clear();
    let mut out = io::stdout();
    for damage in &report.damages {
        writeln!(out, "damaged: {damage}")?;
    }
    let (rows, bytes) = (report.rows, report.value_bytes);
    anyhow::ensure!(
        report.is_sound(),
        "{} damages in {} ({} store, {rows} whole rows)",
        report.damages.len(),
        data.store().display(),
        report.backend
    );
    writeln!(out, "sound: {rows} rows, {bytes} bytes of values ({} store)", report.backend)?;
    Ok(())
}

async fn export(data: &DataFolder, config: &Config, file: &Path) -> anyhow::Result<()> {
    let path = data.store();
    // Opening makes what is missing, and an export of nothing would look like a success.
    anyhow::ensure!(path.is_dir(), "there is no store in {}", path.display());
    let store = DiskStore::open(&path, config.storage.kind, config.storage.cache_bytes)?;
    let store = store.context("a store in memory has nothing to export")?;
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let out = out.with_context(|| format!("{} cannot be written", file.display()))?;
    let bar = spinner("exporting");
    let moved = store.export(bar.wrap_write(&out)).await;
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
    let (rows, bytes) = (moved.rows, moved.value_bytes);
    writeln!(io::stdout(), "exported {rows} rows, {bytes} bytes of values, into {}", file.display())?;
    Ok(())
}

async fn import(config: &Config, file: &Path, kind: StorageKind) -> anyhow::Result<()> {
    let input = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let data = DataFolder::open_or_make(&config.storage.path)?;
    // What is not whole is refused before a store is made for it.
    transfer::check(&input).with_context(|| format!("{}", file.display()))?;
    (&input).seek(SeekFrom::Start(0))?;
    let store = DiskStore::open(&data.store(), kind, config.storage.cache_bytes)?;
    let store = store.context("a store in memory forgets what is imported")?;
    let bar = counted("importing", input.metadata()?.len());
    let moved = store.import(bar.wrap_read(&input)).await;
    bar.finish_and_clear();
    let moved = moved.with_context(|| format!("{}", file.display()))?;
    let backend = store.info().backend;
    store.close().await?;
    writeln!(io::stdout(), "imported {} rows into a {backend} store", moved.rows)?;
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
