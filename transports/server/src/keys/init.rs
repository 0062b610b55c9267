//! `strongroom keys init`: a profile, and a private key where there is none.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use strongroom_client::{Client, ClientOptions, Credentials, Token};
use strongroom_primitives::{
    id::{RealmId, Subject},
    secret::SecretText,
    sign::SigningKey,
};

use super::profile::{ApplicationWay, LinkKind, ProfileFile, TokenWays, key_text, life_s, read_key, written};
use crate::{
    config::PublicKey,
    data::{DataFolder, random, write_private},
    first::Application,
    output,
};

/// The data folder that a server makes when it is told nothing.
const USUAL_FOLDER: &str = "strongroom-data";

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The data folder of a server on this machine: takes its address and the application of its first start [default:
    /// strongroom-data, if it is there and nothing else is said]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["app", "token_file", "token_env", "token_command"])]
    from: Option<PathBuf>,
    /// The server's URL
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Whether to speak over HTTP or over a WebSocket
    #[arg(long, value_enum, default_value_t)]
    link: LinkKind,
    /// Who the user is, as tokens say it
    #[arg(long)]
    identity: Option<Subject>,
    #[command(flatten)]
    way: Way,
    /// The id of the application's key, with --app
    #[arg(long, requires = "app")]
    key_id: Option<String>,
    /// The file with the application's private key, with --app
    #[arg(long, value_name = "FILE", requires = "app")]
    app_key: Option<PathBuf>,
    /// An existing private key of the user; without it one is made beside the profile
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// The public key of another device of the user
    #[arg(long, value_name = "BASE64")]
    reader: Vec<PublicKey>,
    /// A PEM file with the certificates that the server's must descend from
    #[arg(long, value_name = "FILE")]
    trusted_certificates: Option<PathBuf>,
    /// Writes over a profile that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Way {
    /// Tokens are made with the key of this application
    #[arg(long, value_name = "ID", requires_all = ["key_id", "app_key"])]
    app: Option<RealmId>,
    /// A file with the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A variable of the environment with the token
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// A program that prints the token; run without a shell, split at blanks
    #[arg(long, value_name = "PROGRAM")]
    token_command: Option<String>,
}

impl Init {
    /// Writes the profile at `path`.
    ///
    /// # Errors
    /// One line that names the fix; a profile that is there stays as it was.
    pub(super) fn run(&self, path: &Path, json: bool) -> anyhow::Result<()> {
        let at = path.display();
        ensure!(
            self.force || !path.exists(),
            "{at} is there already; name another with --profile, or say --force"
        );
        let usual =
            || Some(PathBuf::from(USUAL_FOLDER)).filter(|folder| self.says_nothing() && folder.is_dir());
        let (server, identity, token) = match self.from.clone().or_else(usual) {
            Some(folder) => self.as_first_made(&folder)?,
            None => self.as_said()?,
        };
        check_address(&server)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let (private_key, key) = self.key(path)?;
        let public_key = PublicKey(key.verifying_key());
        let file = ProfileFile {
            server,
            link: self.link,
            identity,
            private_key: Some(private_key.clone()),
            readers: self.reader.clone(),
            store: None,
            trusted_certificates: self.trusted_certificates.as_deref().map(absolute).transpose()?,
            allow_plaintext: false,
            token,
        };
        write_private(path, written(&file)?.as_bytes())?;
        if json {
            return output::json(&serde_json::json!({
                "profile": path, "private_key": private_key, "public_key": public_key.to_string(),
            }));
        }
        let mut out = io::stdout().lock();
        writeln!(out, "profile      {at}")?;
        writeln!(out, "private key  {}", private_key.display())?;
        writeln!(out, "public key   {public_key}")?;
        writeln!(out, "\nKeep a copy of the private key: without it nobody opens what is stored.")?;
        Ok(writeln!(
            out,
            "Other devices take part once their profiles name this public key in `readers`, and this one theirs."
        )?)
    }

    /// The user's private key: the one that was named, one that lies beside the profile, or a new one there.
    fn key(&self, path: &Path) -> anyhow::Result<(PathBuf, SigningKey)> {
        if let Some(file) = &self.private_key {
            return Ok((absolute(file)?, read_key(file)?));
        }
        let beside = path.with_extension("key");
        let beside = absolute(&beside)?;
        if beside.exists() {
            return Ok((beside.clone(), read_key(&beside)?));
        }
        let key = SigningKey::from_seed(&random()?);
        write_private(&beside, key_text(&key).expose().as_bytes())?;
        Ok((beside, key))
    }

    /// Whether nothing is said of where to and who.
    fn says_nothing(&self) -> bool {
        let Way { app, token_file, token_env, token_command } = &self.way;
        let way = app.is_some() || token_file.is_some() || token_env.is_some() || token_command.is_some();
        self.server.is_none() && self.identity.is_none() && !way
    }

    fn as_said(&self) -> anyhow::Result<(String, Subject, TokenWays)> {
        let (Some(server), Some(identity)) = (self.server.clone(), self.identity.clone()) else {
            bail!("say --server and --identity, or --from with the data folder of a server on this machine");
        };
        let Way { app, token_file, token_env, token_command } = &self.way;
        let application = match (app, &self.key_id, &self.app_key) {
            (Some(id), Some(key_id), Some(file)) => {
                read_key(file)?;
                let key_file = absolute(file)?;
                Some(ApplicationWay { id: id.clone(), key_id: key_id.clone(), key_file, life_s: life_s() })
            }
            _ => None,
        };
        let words = |text: &String| text.split_whitespace().map(str::to_owned).collect();
        let token = TokenWays {
            application,
            file: token_file.as_deref().map(absolute).transpose()?,
            environment: token_env.clone(),
            command: token_command.as_ref().map(words),
            value: None,
        };
        let said = token.application.is_some() || token.file.is_some();
        ensure!(
            said || token.environment.is_some() || token.command.is_some(),
            "say how a token is had: --token-file, --token-env, --token-command, or --app with its key"
        );
        Ok((server, identity, token))
    }

    /// What the first start of a server on this machine made.
    fn as_first_made(&self, folder: &Path) -> anyhow::Result<(String, Subject, TokenWays)> {
        let data = DataFolder::at(&absolute(folder)?);
        let first = data.first();
        let description = first.join("application.json");
        let text = fs::read(&description).with_context(|| {
            format!("{} cannot be read; was a server started on this data folder?", description.display())
        })?;
        let application: Application = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not the description of an application", description.display()))?;
        let running = data.read_running().and_then(|running| running.public.into_iter().next());
        let server = self.server.clone().or(running).with_context(|| {
            format!("no server runs on {} at the moment; name its URL with --server", folder.display())
        })?;
        let identity = match &self.identity {
            Some(identity) => identity.clone(),
            None => application.identity.parse().context("the first identity is none")?,
        };
        let key_file = first.join("application.key");
        read_key(&key_file)?;
        let application = ApplicationWay {
            id: application.id.parse().context("the first application's id is none")?,
            key_id: application.key_id,
            key_file,
            life_s: life_s(),
        };
        Ok((server, identity, TokenWays { application: Some(application), ..TokenWays::default() }))
    }
}

/// Refuses an address that no client would take, before anything is written.
fn check_address(server: &str) -> anyhow::Result<()> {
    let token = Token::read(&SecretText::new("srt_none".to_owned()))?;
    Ok(Client::http(server, Credentials::given(token), ClientOptions::default()).map(drop)?)
}

/// A path as it will be meant from anywhere.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is not a path", path.display()))
}
