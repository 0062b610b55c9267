//! PostgreSQL: a guarded `UPDATE ... RETURNING` and a `SELECT`, both prepared, over loopback TCP.
//!
//! Exceptions from its shipped settings: room for 300 connections, no Unix socket, and trust instead of passwords on
//! loopback. `fsync`, `synchronous_commit` and everything else stay as shipped. Its server refuses to be root, so as
//! root it runs under the account that Debian's package makes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use rustix::process::Signal;
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::payload::Payload;
use crate::process::{Launch, ServerProcess, free_address};
use crate::run::{Connector, Driver, Outcome};
use crate::target::{Site, Target, block_on};

/// The account that Debian's package makes.
const ACCOUNT: &str = "postgres";
/// Where Debian keeps the server's programs, one folder per major version.
const PROGRAMS: &str = "/usr/lib/postgresql";
const CONNECTIONS_MAX: u32 = 300;
const START_PATIENCE: Duration = Duration::from_secs(30);

const SCHEMA: &str =
    "CREATE TABLE records (key text PRIMARY KEY, version bigint NOT NULL, value bytea NOT NULL)";
const CREATE: &str = "INSERT INTO records VALUES ($1, 1, $2) ON CONFLICT (key) DO NOTHING";
const PUT: &str =
    "UPDATE records SET version = version + 1, value = $3 WHERE key = $1 AND version = $2 RETURNING version";
const GET: &str = "SELECT version, value FROM records WHERE key = $1";

/// A cluster of our own.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: ServerProcess,
    address: SocketAddr,
    folder: PathBuf,
}

impl Postgres {
    /// Makes a cluster in an empty folder, starts it and lays the one table.
    pub(crate) fn start(site: Site<'_>) -> anyhow::Result<Postgres> {
        let programs = newest_programs()?;
        let folder = site.folder.join("postgres");
        fs::create_dir(&folder)?;
        let user = rustix::process::geteuid().is_root().then_some(ACCOUNT);
        initialise(&programs.join("initdb"), &folder, user)?;
        let address = free_address()?;
        let launch = Launch {
            name: "postgres",
            program: &programs.join("postgres"),
            arguments: vec![
                "-D".to_owned(),
                folder.display().to_string(),
                "-p".to_owned(),
                address.port().to_string(),
                "--listen_addresses=127.0.0.1".to_owned(),
                "--unix_socket_directories=".to_owned(),
                format!("--max_connections={CONNECTIONS_MAX}"),
            ],
            environment: Vec::new(),
            user,
            core: site.core,
            log: site.folder.join("postgres.log"),
            // The fast shutdown: it does not wait for clients to leave.
            stop_with: Signal::INT,
        };
        let mut server = launch.start()?;
        let answers = || block_on(connect(address)).is_ok();
        server.wait_until(START_PATIENCE, Duration::from_millis(50), answers)?;
        block_on(async { Ok(connect(address).await?.batch_execute(SCHEMA).await?) })?;
        Ok(Postgres { server, address, folder })
    }
}

impl Target for Postgres {
    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(PostgresConnector { address: self.address })
    }

    fn tidy(&self) -> anyhow::Result<()> {
        block_on(async {
            let connection = connect(self.address).await?;
            // Apart, because a vacuum cannot run within the transaction that several statements in one would make.
            connection.batch_execute("VACUUM").await?;
            connection.batch_execute("CHECKPOINT").await?;
            Ok(())
        })
    }
}

struct PostgresConnector {
    address: SocketAddr,
}

impl Connector for PostgresConnector {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let connection = connect(self.address).await?;
            let payload = Payload::new(client, value_bytes);
            let key = format!("records/{value_bytes}/{client}");
            connection.execute(CREATE, &[&key, &payload.bytes()]).await?;
            let (put, get) = (connection.prepare(PUT).await?, connection.prepare(GET).await?);
            let mut driver = PostgresDriver { connection, put, get, key, payload, version: 0 };
            driver.reread().await?;
            Ok(Box::new(driver) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

struct PostgresDriver {
    connection: Client,
    put: Statement,
    get: Statement,
    key: String,
    payload: Payload,
    version: i64,
}

impl PostgresDriver {
    async fn reread(&mut self) -> anyhow::Result<()> {
        self.version = self.connection.query_one(&self.get, &[&self.key]).await?.try_get(0)?;
        Ok(())
    }
}

impl Driver for PostgresDriver {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            self.payload.turn();
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&self.key, &self.version, &self.payload.bytes()];
            match self.connection.query_opt(&self.put, &values).await? {
                Some(row) => {
                    self.version = row.try_get(0)?;
                    Ok(Outcome::Done)
                }
                None => {
                    self.reread().await?;
                    Ok(Outcome::Refused)
                }
            }
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            let row = self.connection.query_one(&self.get, &[&self.key]).await?;
            let (version, value): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
            if version != self.version || value.len() != self.payload.bytes().len() {
                bail!("read another record than the one written");
            }
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}

/// A connection whose own work runs on the current runtime and ends with it.
async fn connect(address: SocketAddr) -> anyhow::Result<Client> {
    let mut config = Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(ACCOUNT).dbname("postgres");
    let (client, connection) = config.connect(NoTls).await?;
    // An error here also fails the statements in flight, and they report it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The folder with `initdb` and `postgres` of the highest major version installed.
fn newest_programs() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir(PROGRAMS).context("PostgreSQL is not installed (Debian: postgresql)")?;
    let numbered = versions.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let (_, newest) = numbered
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .max()
        .context("no PostgreSQL server installed")?;
    Ok(newest)
}

fn initialise(initdb: &Path, folder: &Path, user: Option<&str>) -> anyhow::Result<()> {
    let mut command = match user {
        Some(user) => {
            let owned = Command::new("chown").arg(user).arg(folder).status()?;
            if !owned.success() {
                bail!("there is no account {user}");
            }
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", user, "--init-groups"]).arg(initdb);
            command
        }
        None => Command::new(initdb),
    };
    // Its default folder may be closed to the account that it runs under.
    command.current_dir("/").args([
        "--auth=trust",
        "--no-locale",
        "--encoding=UTF8",
        "--username",
        ACCOUNT,
        "-D",
    ]);
    let output = command.arg(folder).output().context("cannot run initdb")?;
    if !output.status.success() {
        bail!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
