//! The profile: one small TOML file that says which server, who the user is, and how a token is had.
//!
//! Paths in it are meant from the folder that it lies in. Secrets belong into files of their own or into the
//! environment; one that stands in the profile itself is taken with a warning where others can read it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    encoding,
    id::{RealmId, Subject},
    secret::SecretText,
    sign::SigningKey,
};
use zeroize::Zeroizing;

use crate::config::{PublicKey, is_world_readable, read_secret};

/// Largest profile that is read, in bytes.
const PROFILE_BYTES_MAX: u64 = 64 * 1024;

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum LinkKind {
    /// As HTTP requests.
    #[default]
    Http,
    /// As frames over a WebSocket.
    #[value(name = "websocket")]
    WebSocket,
}

/// The profile as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile {
    /// The server's URL, with the path of its native interface if that is not `/v1`.
    pub(super) server: String,
    /// `http` or `websocket`.
    #[serde(default)]
    pub(super) link: LinkKind,
    /// Who the user is, as tokens say it.
    pub(super) identity: Subject,
    /// The file with the user's private key: PKCS#8 in base64, or PEM. Without it the key is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) private_key: Option<PathBuf>,
    /// Public keys of the user's other devices: they read what is stored, and what they store is trusted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) readers: Vec<PublicKey>,
    /// The encrypted file of the keys on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) store: Option<PathBuf>,
    /// A PEM file: the certificates that the server's must descend from, instead of this machine's roots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trusted_certificates: Option<PathBuf>,
    /// Whether the token may travel unencrypted to another machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) allow_plaintext: bool,
    /// How a token is had: exactly one of the ways in it.
    pub(super) token: TokenWays,
}

/// The ways to a token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenWays {
    /// A file with the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<PathBuf>,
    /// A variable of the environment with the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<String>,
    /// A program and its arguments, run without a shell; it prints the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<Vec<String>>,
    /// An application, with whose key tokens are made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) application: Option<ApplicationWay>,
    /// The token itself.
    #[serde(default, skip_serializing)]
    pub(super) value: Option<TokenText>,
}

/// A token that stands in a profile.
#[derive(Clone)]
pub(super) struct TokenText(pub(super) SecretText);

impl std::fmt::Debug for TokenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for TokenText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretText::new(text)))
    }
}

/// An application whose key lies here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationWay {
    /// Its id.
    pub(super) id: RealmId,
    /// The id of its key, as the server knows it.
    pub(super) key_id: String,
    /// The file with its private key: PKCS#8 in base64, or PEM.
    pub(super) key_file: PathBuf,
    /// How long tokens live, in seconds.
    #[serde(default = "life_s")]
    pub(super) life_s: u64,
}

/// Twenty minutes, as the published clients have it.
pub(super) fn life_s() -> u64 {
    20 * 60
}

/// A profile that was read, and where it lies.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) path: PathBuf,
    pub(super) file: ProfileFile,
    /// What is not wrong but should be known.
    pub(super) warnings: Vec<String>,
}

/// Where the profile lies unless said otherwise.
///
/// # Errors
/// If the user has no home.
pub(super) fn default_path() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let config =
        config.context("there is no home folder to look for a profile in; name one with --profile")?;
    Ok(config.join("strongroom").join("keys.toml"))
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// One line that names the place and the fix.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let metadata = fs::metadata(path).with_context(|| {
            format!(
                "no profile at {shown}: write one with `strongroom keys init`, or name another with --profile"
            )
        })?;
        ensure!(metadata.len() <= PROFILE_BYTES_MAX, "{shown} is too large for a profile");
        let text = Zeroizing::new(fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?);
        let file: ProfileFile = toml::from_str(&text).map_err(|error| complain(path, &text, &error))?;
        let profile = Self { path: path.to_owned(), file, warnings: Vec::new() };
        profile.checked(&metadata)
    }

    fn checked(mut self, metadata: &fs::Metadata) -> anyhow::Result<Self> {
        let ways = &self.file.token;
        let ways = [
            ways.file.is_some(),
            ways.environment.is_some(),
            ways.command.is_some(),
            ways.application.is_some(),
            ways.value.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            bail!(
                "{}: [token] says exactly one of `file`, `environment`, `command`, `application` and `value`",
                self.path.display()
            );
        }
        if self.file.token.value.is_some() && is_world_readable(metadata) {
            self.warnings.push(format!(
                "{0} holds a token and others on this machine can read it; run `chmod 600 {0}`",
                self.path.display()
            ));
        }
        Ok(self)
    }

    /// A path in the profile, as it is meant.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Where the keys lie on this machine.
    pub(super) fn store(&self) -> PathBuf {
        match &self.file.store {
            Some(path) => self.resolve(path),
            None => self.path.with_extension("store"),
        }
    }

    /// What the local store is bound to: it opens for no other server and no other user.
    pub(super) fn binding(&self) -> String {
        format!("{}\n{}", self.file.server.trim_end_matches('/'), self.file.identity)
    }

    /// The user's private key, asked for where the profile names no file.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn private_key(&self) -> anyhow::Result<SigningKey> {
        if let Some(path) = &self.file.private_key {
            return read_key(&self.resolve(path));
        }
        let question = format!(
            "private key of {} (PKCS#8 in base64): ",
            crate::table::shown(self.file.identity.as_str())
        );
        let text = rpassword::prompt_password(question).with_context(|| {
            format!(
                "no terminal to ask for the private key; name its file as `private_key` in {}",
                self.path.display()
            )
        })?;
        let text = Zeroizing::new(text);
        parse_key(&text).context("what was typed is not an Ed25519 private key (PKCS#8 in base64)")
    }
}

/// Reads a private key from a file that nobody else can read.
///
/// # Errors
/// One line that names the fix.
pub(super) fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let shown = path.display();
    let metadata = fs::metadata(path).with_context(|| format!("cannot read the private key {shown}"))?;
    ensure!(
        !is_world_readable(&metadata),
        "{shown} holds a private key and others on this machine can read it; run `chmod 600 {shown}`"
    );
    let text = Zeroizing::new(read_secret(path).map_err(|error| anyhow::anyhow!("{shown}: {error}"))?);
    parse_key(&text)
        .with_context(|| format!("{shown} is not an Ed25519 private key (PKCS#8 in base64, or PEM)"))
}

/// Writes a private key as [`read_key`] reads it.
pub(super) fn key_text(key: &SigningKey) -> SecretText {
    SecretText::new(format!("{}\n", encoding::to_base64(&*key.to_pkcs8())))
}

fn parse_key(text: &str) -> Option<SigningKey> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    let base64 = Zeroizing::new(lines.collect::<String>());
    let der = Zeroizing::new(encoding::from_base64(&base64).ok()?);
    SigningKey::from_pkcs8(&der).ok()
}

/// A complaint about the profile's text: where, what, and which keys there are. The text itself may hold a secret and
/// is not repeated.
fn complain(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
    anyhow::anyhow!(
        "{}, line {line}: {}",
        path.display(),
        error.message().lines().next().unwrap_or("not a profile")
    )
}

/// A profile as text.
///
/// # Errors
/// If a value cannot be written.
pub(super) fn written(file: &ProfileFile) -> anyhow::Result<String> {
    const HEAD: &str =
        "# A profile of `strongroom keys`. Paths are meant from the folder that this file lies in.\n\n";
    Ok(format!("{HEAD}{}", toml::to_string(file)?))
}

/// Notes beside a key.
pub(super) type Notes = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Profile> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        fs::write(&path, text).unwrap();
        Profile::read(&path)
    }

    const HEAD: &str = "server = \"http://127.0.0.1:8470\"\nidentity = \"alice\"\n";

    #[test]
    fn a_profile_is_read_back_as_it_was_written() {
        let key = SigningKey::from_seed(&[1; 32]).verifying_key();
        let application = ApplicationWay {
            id: "app".parse().unwrap(),
            key_id: "k1".to_owned(),
            key_file: "app.key".into(),
            life_s: life_s(),
        };
        let file = ProfileFile {
            server: "https://keys.example".to_owned(),
            link: LinkKind::WebSocket,
            identity: "zo\u{e9} \"x\"".parse().unwrap(),
            private_key: Some("me.key".into()),
            readers: vec![PublicKey(key)],
            store: None,
            trusted_certificates: None,
            allow_plaintext: false,
            token: TokenWays { application: Some(application), ..TokenWays::default() },
        };
        let profile = read(&written(&file).unwrap()).unwrap();
        assert_eq!(format!("{:?}", profile.file), format!("{file:?}"));
        assert_eq!(profile.resolve(Path::new("me.key")), profile.path.with_file_name("me.key"));
        assert_eq!(profile.resolve(Path::new("/abs")), Path::new("/abs"));
    }

    /// A-LEAK-01: what is wrong is named with its line, and a secret that stands there is not repeated.
    #[test]
    fn what_is_wrong_is_named_with_its_line_and_without_its_text() {
        for (text, expected) in [
            ("servr = \"canary\"\n".to_owned(), "line 1: unknown field `servr`"),
            (format!("{HEAD}[token]\nvalue = [\"canary\"]\n"), "line 4: "),
            (format!("{HEAD}readers = [\"canary\"]\n[token]\nfile = \"x\"\n"), "line 3: "),
            (format!("{HEAD}[token]\nvalue = \"canary\n"), "line 4: "),
            (format!("{HEAD}[token]\n"), "[token] says exactly one of"),
            (format!("{HEAD}[token]\nvalue = \"canary\"\nfile = \"x\"\n"), "[token] says exactly one of"),
            (HEAD.to_owned(), "missing field `token`"),
        ] {
            let error = format!("{:#}", read(&text).unwrap_err());
            assert!(error.contains(expected) && !error.contains("canary"), "{text}: {error}");
        }
    }

    /// A-ADM-07: a token in a profile that others can read is taken with a warning; a private key is refused.
    #[test]
    fn secrets_that_others_can_read_are_warned_of_or_refused() {
        use std::os::unix::fs::PermissionsExt;
        let profile = read(&format!("{HEAD}[token]\nvalue = \"srt_canary\"\n")).unwrap();
        assert_eq!(profile.warnings.len(), 1);
        assert!(!format!("{profile:?}").contains("canary"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("me.key");
        let key = SigningKey::from_seed(&[1; 32]);
        crate::data::write_private(&path, key_text(&key).expose().as_bytes()).unwrap();
        assert_eq!(read_key(&path).unwrap().verifying_key(), key.verifying_key());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read_key(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_private_key_is_read_as_base64_and_as_pem() {
        let key = SigningKey::from_seed(&[1; 32]);
        let text = key_text(&key);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", text.expose());
        for text in [text.expose(), &pem] {
            assert_eq!(parse_key(text).unwrap().verifying_key(), key.verifying_key());
        }
        for bad in ["", "x", "MC4=", "-----BEGIN PRIVATE KEY-----"] {
            assert!(parse_key(bad).is_none());
        }
    }
}
