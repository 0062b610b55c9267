//! The `strongroom` binary: the one place where storage, engine and transports meet.
//!
//! Every refusal to start is one line on standard error and exit code 1; a command line that cannot be read is 2.

mod admin;
mod api_key;
mod banner;
mod chain;
mod cli;
mod compose;
mod config;
mod creds;
mod cryppo;
mod data;
mod first;
mod health;
mod input;
mod keys;
mod logs;
mod marks;
mod output;
mod place;
mod process;
mod psono;
mod recovery;
mod secret_toml;
mod secrets;
mod serve;
mod session;
mod span;
mod spool;
mod store;
mod table;
mod trust;
mod user;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, Parser};

use cli::{Cli, Command, ConfigCommand};
use creds::{COIIN, Coiin};
use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// What one thread allocates another frees here, on every write; the system's allocator makes them wait for each other.
/// Whatever is freed is wiped, so that tokens do not outlive the buffers that they travel in (THREATS A-LEAK-02).
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    let name = std::env::args_os().next().map(PathBuf::from);
    let is_coiin = name.is_some_and(|name| name.file_stem().is_some_and(|stem| stem == COIIN));
    match if is_coiin { Coiin::parse().run() } else { run(&Cli::parse()) } {
        Ok(code) => code,
        Err(error) => {
            // Whoever reads the end of a pipe may be gone; the exit code says it as well.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "strongroom", &mut io::stdout());
            return Ok(ExitCode::SUCCESS);
        }
        Command::Man { folder } => {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Config(ConfigCommand::Example) => {
            io::stdout().write_all(config::example().as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        // The user's side: what configures a server is none of its business.
        Command::Keys(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Cryppo(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::User(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Key(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Item(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Kek(command) => return command.run(),
        Command::ApiKey(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Creds(command) => return command.run(),
        Command::Session(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Recovery(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Datastore(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Secret(command) => {
            command.run()?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let loaded = config::load(&cli.sources()?)?;
    match &cli.command {
        Command::Config(ConfigCommand::Show { json }) => config::print(&loaded, *json)?,
        Command::Config(_) => {
            serve::tls(&loaded)?;
            let root_key = loaded.root_key()?;
            for warning in &loaded.warnings {
                writeln!(io::stdout(), "warning: {warning}")?;
            }
            match root_key {
                Some(key) => {
                    writeln!(io::stdout(), "the store is encrypted under the root key {}", key.id())?
                }
                None => writeln!(io::stdout(), "the store is not encrypted: no root key is configured")?,
            }
            writeln!(io::stdout(), "the configuration is good")?;
        }
        Command::Admin(command) => command.run(&loaded.config)?,
        Command::Health { server } => return health::run(server.as_deref(), &loaded.config),
        Command::Store(command) => store::run(command, &loaded)?,
        Command::Serve(_) | Command::Dev(_) => return serve::run(&loaded),
        // Done above, because they need no configuration.
        Command::Completions { .. } | Command::Man { .. } => {}
        Command::Keys(_) | Command::Cryppo(_) => {}
        Command::User(_) | Command::Key(_) | Command::Item(_) | Command::Kek(_) => {}
        Command::ApiKey(_) | Command::Session(_) | Command::Recovery(_) => {}
        Command::Datastore(_) | Command::Secret(_) | Command::Creds(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}
