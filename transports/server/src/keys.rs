//! `strongroom keys`: a user's keys, in the cloud as the published clients keep them and in an encrypted file here.
//!
//! What the server is and who the user is stands in a profile. A key goes in from a file or from standard input, and
//! comes out into a file or onto standard output; it is taken from the command line only where the user insists. Local
//! work that waits for a disk runs on a thread of its own.

mod advice;
mod door;
mod init;
mod input;
mod profile;
mod shown;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use strongroom_client::{
    ErrorKind, SINGLE_NAME, WatchOptions,
    keyknox::{
        entries::Entry,
        key_storage::{KeyStorageError, NewEntry, OnEmpty},
        sync::SyncReport,
    },
};

use crate::{
    data::write_private,
    output,
    table::{self, instant},
};
use advice::{client_error, explain, explain_client};
use door::Door;
use profile::Profile;

#[derive(Debug, Args)]
pub(crate) struct KeysCommand {
    /// The profile [default: strongroom/keys.toml in the user's configuration folder]
    #[arg(long, value_name = "FILE", env = "STRONGROOM_PROFILE", global = true)]
    profile: Option<PathBuf>,
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: KeysAction,
}

#[derive(Debug, Subcommand)]
enum KeysAction {
    /// Writes a profile, and makes a private key if there is none
    Init(init::Init),
    /// Stores a key, from standard input unless said otherwise
    Put {
        /// What to call it
        name: String,
        #[command(flatten)]
        source: input::Source,
        /// Something to remember beside it, as NAME=TEXT; the server cannot read it either
        #[arg(long, value_name = "NAME=TEXT")]
        note: Vec<String>,
        /// Replaces a key of that name, if there is one
        #[arg(long)]
        replace: bool,
    },
    /// Prints a key
    Get {
        /// Its name
        name: String,
        /// Writes it into this file, readable by its owner only
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Asks nobody: the key as of the last synchronisation
        #[arg(long)]
        offline: bool,
    },
    /// Lists all keys, without the keys themselves
    List {
        /// Asks nobody: the list as of the last synchronisation
        #[arg(long)]
        offline: bool,
    },
    /// Removes keys, here and in the cloud
    Remove {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Brings the local store to what the cloud holds
    Sync {
        /// Removes the local keys when the cloud shows none any more
        #[arg(long)]
        follow_reset: bool,
        /// Accepts a cloud that went back in time, as after a restored backup
        #[arg(long)]
        accept_rollback: bool,
    },
    /// Synchronises now, and again whenever another device changes something, until it is interrupted
    Watch,
}

impl KeysCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let path = match &self.profile {
            Some(path) => path.clone(),
            None => profile::default_path()?,
        };
        if let KeysAction::Init(init) = &self.command {
            return init.run(&path, self.json);
        }
        let profile = Profile::read(&path)?;
        for warning in &profile.warnings {
            eprint(&format!("warning: {warning}"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (done, ended) = tokio::sync::oneshot::channel();
        let profile = &profile;
        std::thread::scope(|scope| {
            // Connections live on this thread and go on while the other one waits for a disk.
            scope.spawn(move || drop(done.send(handle.block_on(self.act(profile)))));
            runtime.block_on(ended).context("internal fault")?
        })
    }

    async fn act(&self, profile: &Profile) -> anyhow::Result<()> {
        let mut door = Door::open(profile)?;
        match &self.command {
            KeysAction::Init(_) => Ok(()),
            KeysAction::Put { name, source, note, replace } => {
                let meta = input::notes(note)?;
                let entry = NewEntry { name: name.clone(), data: source.read(name)?, meta };
                self.put(&mut door, entry, *replace).await
            }
            KeysAction::Get { name, output, offline } => {
                self.refresh(&mut door, *offline).await?;
                let entry =
                    door.keys.retrieve(name).with_context(|| format!("there is no key named {name:?}"))?;
                self.show(entry, output.as_deref())
            }
            KeysAction::List { offline } => {
                self.refresh(&mut door, *offline).await?;
                self.list(&door)
            }
            KeysAction::Remove { names } => {
                door.sync(OnEmpty::Refuse).await?;
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                door.keys.delete_many(&names).await.map_err(|error| explain(&error, profile))?;
                if self.json { output::json(&serde_json::json!({ "removed": names })) } else { Ok(()) }
            }
            KeysAction::Sync { follow_reset, accept_rollback } => {
                if *accept_rollback {
                    let kept = door.keys.entries().len();
                    let nothing_left = kept > 0 && !follow_reset && door.keys_in_cloud().await? == 0;
                    ensure!(
                        !nothing_left,
                        "the cloud went back to when it held no keys: accepting that removes all {kept} here. Save what \
                         you need with `strongroom keys get --offline`, then say --follow-reset as well"
                    );
                    door.keys.forget_seen().map_err(|error| explain(&error, profile))?;
                }
                let on_empty = if *follow_reset { OnEmpty::Follow } else { OnEmpty::Refuse };
                let report = door.sync(on_empty).await?;
                self.report(&report, None)
            }
            KeysAction::Watch => self.watch(&mut door).await,
        }
    }

    async fn put(&self, door: &mut Door<'_>, entry: NewEntry, replace: bool) -> anyhow::Result<()> {
        let name = entry.name.clone();
        ensure!(!name.is_empty(), "a key needs a name");
        door.sync(OnEmpty::Refuse).await?;
        let put = if replace { door.keys.update(entry).await } else { door.keys.store(entry).await };
        put.map_err(|error| explain(&error, door.profile))?;
        if self.json { output::json(&serde_json::json!({ "stored": name })) } else { Ok(()) }
    }

    /// Brings the local store up to date where the cloud can be reached; where it cannot, says how old the answer is.
    async fn refresh(&self, door: &mut Door<'_>, offline: bool) -> anyhow::Result<()> {
        if offline {
            return Ok(());
        }
        match door.try_sync(OnEmpty::Refuse).await {
            Ok(_) => Ok(()),
            Err(error) if is_away(&error) => {
                eprint(&format!(
                    "warning: {:#}; this is as of the last synchronisation",
                    explain(&error, door.profile)
                ));
                Ok(())
            }
            Err(error) => Err(explain(&error, door.profile)),
        }
    }

    fn show(&self, entry: &Entry, output: Option<&std::path::Path>) -> anyhow::Result<()> {
        if let Some(path) = output {
            return write_private(path, entry.data.expose());
        }
        if self.json {
            return shown::entry(entry);
        }
        output::bytes(entry.data.expose())
    }

    fn list(&self, door: &Door<'_>) -> anyhow::Result<()> {
        let entries = door.keys.entries();
        if self.json {
            return shown::entries(entries);
        }
        let row = |entry: &Entry| {
            let notes = entry.meta.iter().flatten().map(|(name, text)| format!("{name}={text}"));
            let notes = notes.collect::<Vec<_>>().join(" ");
            let bytes = entry.data.len().to_string();
            [table::shown(&entry.name), bytes, instant(entry.modified_at), table::shown(&notes)]
        };
        let rows: Vec<_> = entries.values().map(row).collect();
        Ok(table::print(["NAME", "BYTES", "CHANGED", "NOTES"], &rows)?)
    }

    fn report(&self, report: &SyncReport, sequence: Option<u64>) -> anyhow::Result<()> {
        if self.json {
            return shown::report(report, sequence);
        }
        let mut out = io::stdout().lock();
        for (what, names) in
            [("saved", &report.saved), ("updated", &report.updated), ("deleted", &report.deleted)]
        {
            for name in names {
                writeln!(out, "{what} {}", table::shown(name))?;
            }
        }
        Ok(out.flush()?)
    }

    async fn watch(&self, door: &mut Door<'_>) -> anyhow::Result<()> {
        use futures_util::StreamExt;
        let record = Some(vec![SINGLE_NAME.to_owned()]);
        // Where the feed ends before the first look: whatever comes after it is told, and told once.
        let after =
            door.client.feed_end(None, record).await.map_err(|error| explain_client(&error, door.profile))?;
        self.report(&door.sync(OnEmpty::Refuse).await?, None)?;
        if io::stderr().is_terminal() {
            eprint("watching; interrupt to end");
        }
        let options = WatchOptions { owner: None, record: Some(SINGLE_NAME.into()), after: Some(after) };
        let mut updates = door.client.watch(options);
        while let Some(update) = updates.next().await {
            let update = update.map_err(|error| explain_client(&error, door.profile))?;
            let report = door.sync(OnEmpty::Refuse).await?;
            if report != SyncReport::default() {
                self.report(&report, Some(update.after()))?;
            }
        }
        Ok(())
    }
}

/// Whether the cloud could not be asked at the moment, and nothing worse.
fn is_away(error: &KeyStorageError) -> bool {
    let kind = client_error(error).map(|error| error.kind());
    matches!(kind, Some(ErrorKind::Unreachable | ErrorKind::OutcomeUnknown | ErrorKind::Busy))
}

/// Says something to people. Nobody may be listening.
fn eprint(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
