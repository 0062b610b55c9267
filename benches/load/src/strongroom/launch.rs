//! How a Strongroom server is configured, started and found ready.
//!
//! The only file that knows the server's command line and configuration: if those change, this changes and nothing
//! else. The configuration departs from the defaults in addresses, folder, limits on rates and connections, and one
//! application key of the load's own; where keys of a chain sign or PINs are guessed at, also in an encrypted store and
//! that chain or realm.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;
use strongroom_primitives::encoding::to_base64;
use strongroom_primitives::sign::SigningKey;

use super::keyknox::KeyknoxConnector;
use super::token::Application;
use super::{chain, realm};
use crate::process::{Launch, ServerProcess, free_address};
use crate::target::{Site, block_on};

const START_PATIENCE: Duration = Duration::from_secs(30);
/// How often readiness is asked for; it bounds the error of the measured time to ready.
const READY_EVERY: Duration = Duration::from_millis(1);

/// The load's own application key. It opens nothing but servers that this program made a moment ago.
const APPLICATION_SEED: [u8; 32] = [0x10; 32];
/// Room for the largest number of subscribers that can be asked for.
const CONNECTIONS_MAX: usize = 30_000;
/// More than any server answers; the limits stay on, so that their cost is part of what is measured.
const RATE_PER_MINUTE: u32 = 600_000_000;
/// More signatures than any run makes.
const SIGNATURES_MAX: usize = 100_000_000;
/// Under what a store is encrypted that this program made a moment ago and removes at the end.
const STORE_KEY: [u8; 32] = [0x20; 32];
const APPLICATION_ID: &str = "load";
const KEY_ID: &str = "6c6f6164000000000000000000000001";

/// Which of the server's two ways to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `serve`: everything durable, in one folder.
    Serve,
    /// `dev`: the same in memory.
    Dev,
}

impl Mode {
    /// The server's subcommand.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Mode::Serve => "serve",
            Mode::Dev => "dev",
        }
    }
}

/// Who remembers which signatures were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The server: one node.
    ByNode,
    /// The store, durably: as where nodes share one.
    InStore,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Strongroom {
    server: ServerProcess,
    http: SocketAddr,
    folder: PathBuf,
    application: Application,
    ready_after: Duration,
}

impl Strongroom {
    /// Starts `program` on an empty data folder called `name` within the site, and waits until a signed read is
    /// answered: that takes the store, the engine, the keys and the listener.
    pub(crate) fn start(
        site: Site<'_>,
        program: &Path,
        mode: Mode,
        name: &str,
    ) -> anyhow::Result<Strongroom> {
        Self::start_with(site, program, mode, name, "", "")
    }

    /// Starts `serve` in the same way over an encrypted store, with the chain of [`chain`].
    pub(crate) fn start_with_chain(
        site: Site<'_>,
        program: &Path,
        name: &str,
        taken: Taken,
    ) -> anyhow::Result<Strongroom> {
        let storage = encrypted(site, name)?;
        let sections = format!(
            "\n[limits]\n\
             signatures_max = {SIGNATURES_MAX}\n\
             signatures_shared = {}\n\
             \n\
             [dragonchain]\n\
             enabled = true\n\
             mount = \"{}\"\n\
             chain = \"{}\"\n\
             root_key_id = \"{}\"\n\
             root_key = \"{}\"\n",
            taken == Taken::InStore,
            chain::MOUNT,
            chain::CHAIN,
            chain::ROOT,
            chain::ROOT_KEY,
        );
        Self::start_with(site, program, Mode::Serve, name, &storage, &sections)
    }

    /// Starts `serve` in the same way over an encrypted store, as the realm of [`realm`] with a file of marks.
    pub(crate) fn start_with_realm(site: Site<'_>, program: &Path, name: &str) -> anyhow::Result<Strongroom> {
        let storage = encrypted(site, name)?;
        let sections = format!(
            "\n[pin_recovery]\n\
             enabled = true\n\
             mount = \"{}\"\n\
             mark_file = \"{}\"\n\
             \n\
             [pin_recovery.rates]\n\
             user_requests_per_minute = {RATE_PER_MINUTE}\n\
             tenant_requests_per_minute = {RATE_PER_MINUTE}\n\
             requests_per_minute = {RATE_PER_MINUTE}\n\
             \n\
             [[pin_recovery.realms]]\n\
             id = \"{}\"\n\
             guesses_max = 20\n\
             back_off_s = []\n\
             \n\
             [[pin_recovery.tenants]]\n\
             name = \"{}\"\n\
             key = \"{}\"\n",
            realm::MOUNT,
            site.folder.join(format!("{name}.marks")).display(),
            realm::REALM,
            realm::TENANT,
            realm::TENANT_KEY,
        );
        Self::start_with(site, program, Mode::Serve, name, &storage, &sections)
    }

    /// `storage`: further lines of that section; `sections`: what follows all others.
    fn start_with(
        site: Site<'_>,
        program: &Path,
        mode: Mode,
        name: &str,
        storage: &str,
        sections: &str,
    ) -> anyhow::Result<Strongroom> {
        let folder = site.folder.join(name);
        let http = free_address()?;
        let application = application();
        let file = site.folder.join(format!("{name}.toml"));
        let configuration = configuration(http, free_address()?, &folder, &application, storage);
        // It holds a secret of its own where there is a chain.
        write_privately(&file, &format!("{configuration}{sections}"))?;
        let launch = Launch {
            name: "strongroom",
            program,
            arguments: vec![mode.text().to_owned(), "--config".to_owned(), file.display().to_string()],
            environment: Vec::new(),
            user: None,
            core: site.core,
            log: site.folder.join(format!("{name}.log")),
            stop_with: Signal::TERM,
        };
        let connector = KeyknoxConnector::new(http, &application);
        let mut server = launch.start().with_context(|| format!("cannot run {}", program.display()))?;
        let ready_after =
            server.wait_until(START_PATIENCE, READY_EVERY, || block_on(connector.is_answered()).is_ok())?;
        Ok(Strongroom { server, http, folder, application, ready_after })
    }

    /// The process whose tree is measured.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Where HTTP and the WebSocket upgrade are served.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whose tokens the server accepts.
    pub(crate) fn application(&self) -> &Application {
        &self.application
    }

    /// From starting the process to its first answer to a signed read.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }
}

/// The application whose key every server of this program is configured with.
pub(crate) fn application() -> Application {
    Application {
        id: APPLICATION_ID.to_owned(),
        key_id: KEY_ID.to_owned(),
        key: SigningKey::from_seed(&APPLICATION_SEED),
    }
}

/// Everything else keeps its default, in which all checks are on and writes are durable.
fn configuration(
    http: SocketAddr,
    admin: SocketAddr,
    folder: &Path,
    application: &Application,
    storage: &str,
) -> String {
    let public_key = to_base64(&application.key.verifying_key().to_spki());
    format!(
        "[server]\n\
         listen = \"{http}\"\n\
         # All clients of a measurement come from one address.\n\
         connections_per_source_max = 0\n\
         connections_max = {CONNECTIONS_MAX}\n\
         \n\
         [admin]\n\
         listen = \"{admin}\"\n\
         \n\
         [storage]\n\
         path = \"{}\"\n\
         {storage}\
         \n\
         # Counted as ever, but out of reach: what is measured is what they would stop.\n\
         [keyknox.rates]\n\
         reads_per_minute = {RATE_PER_MINUTE}\n\
         writes_per_minute = {RATE_PER_MINUTE}\n\
         address_requests_per_minute = {RATE_PER_MINUTE}\n\
         \n\
         [meeco.rates]\n\
         sign_ins_per_minute = {RATE_PER_MINUTE}\n\
         sign_ups_per_minute = {RATE_PER_MINUTE}\n\
         vault_sign_ins_per_minute = {RATE_PER_MINUTE}\n\
         \n\
         [psono.rates]\n\
         api_key_logins_per_hour = {RATE_PER_MINUTE}\n\
         logins_per_day = {RATE_PER_MINUTE}\n\
         registrations_per_day = {RATE_PER_MINUTE}\n\
         info_per_hour = {RATE_PER_MINUTE}\n\
         session_per_day = {RATE_PER_MINUTE}\n\
         \n\
         [[keyknox.applications]]\n\
         id = \"{}\"\n\
         key_id = \"{}\"\n\
         public_key = \"{public_key}\"\n",
        folder.display(),
        application.id,
        application.key_id,
    )
}

/// The line that has a store encrypted, under a key in a file of its own.
fn encrypted(site: Site<'_>, name: &str) -> anyhow::Result<String> {
    let key = site.folder.join(format!("{name}.key"));
    write_privately(&key, &to_base64(&STORE_KEY))?;
    Ok(format!("root_key_file = \"{}\"\n", key.display()))
}

/// Writes a file that nobody but its owner may read.
fn write_privately(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
