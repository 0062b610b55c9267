//! The API key file: what a program signs in with, and where, as TOML.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use serde::{Deserialize, Serialize};
use strongroom_client::api_keys::{ApiKeyCredential, ApiKeyMade};
use strongroom_primitives::{
    encoding::{array_from_hex, to_hex},
    nacl::BoxKey,
    secret::Secret,
    sign::VerifyingKey,
};
use zeroize::Zeroizing;

use crate::{
    output,
    place::Place,
    secret_toml::{self, Hidden},
};

/// What the file is called unless said otherwise.
pub(super) const API_KEY_FILE: &str = ".api-key.toml";

/// The variable that names another one.
pub(super) const API_KEY_VARIABLE: &str = "STRONGROOM_API_KEY_FILE";

/// What a program signs in with, and where.
#[derive(Debug)]
pub(super) struct ApiKeyFile {
    /// The server's URL.
    pub(super) server_url: String,
    /// Which key, and the server that it was made at.
    pub(super) credential: ApiKeyCredential,
    /// What opens the keys of its owner and of the secrets attached to it.
    pub(super) secret_key: BoxKey,
}

/// The fields as they stand in the file. Keys are 64 hexadecimal digits of lower case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    server_url: String,
    api_key_id: String,
    api_key_seed: Hidden,
    api_key_secret_key: Hidden,
    server_verify_key: String,
}

/// The same as a document.
#[derive(Serialize)]
struct Shown<'f> {
    server_url: &'f str,
    api_key_id: String,
    api_key_seed: &'f str,
    api_key_secret_key: &'f str,
    server_verify_key: String,
}

impl ApiKeyFile {
    /// The file of an API key that was made at this server.
    pub(super) fn new(server_url: &str, made: ApiKeyMade) -> Self {
        Self { server_url: server_url.to_owned(), credential: made.credential, secret_key: made.secret_key }
    }

    /// Reads a file that nobody else can read.
    ///
    /// # Errors
    /// One line that names the place and the fix, and repeats nothing of the file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        ensure!(
            path.exists(),
            "no API key file at {shown}: its owner makes one with `strongroom api-key create -o {shown}`; another is named \
             with --api-key"
        );
        parse(&secret_toml::read(path, "API key")?).with_context(|| shown.to_string())
    }

    /// Prints it, or writes it where `place` says.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn put(&self, place: &Place, as_json: bool) -> anyhow::Result<()> {
        let (seed, secret) = self.hex();
        let shown = Shown {
            server_url: &self.server_url,
            api_key_id: self.credential.id.to_string(),
            api_key_seed: &seed,
            api_key_secret_key: &secret,
            server_verify_key: to_hex(self.credential.server.as_bytes()),
        };
        if as_json && !place.is_file() {
            return output::json(&shown);
        }
        place.put_line("api_key_file", None, &text(&shown), false)
    }

    fn hex(&self) -> (Zeroizing<String>, Zeroizing<String>) {
        let hex = |bytes: &[u8]| Zeroizing::new(to_hex(bytes));
        (hex(&*self.credential.seed), hex(self.secret_key.expose()))
    }
}

/// As TOML, without the line break at its end.
fn text(shown: &Shown<'_>) -> Zeroizing<String> {
    let url = toml::Value::from(shown.server_url).to_string();
    let quoted = [
        ("api_key_id", shown.api_key_id.as_str()),
        ("api_key_seed", shown.api_key_seed),
        ("api_key_secret_key", shown.api_key_secret_key),
        ("server_verify_key", &shown.server_verify_key),
    ];
    // Room for all of it at once: a buffer that grows leaves pieces of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(url.len() + 512));
    text.push_str("server_url = ");
    text.push_str(&url);
    for (name, value) in quoted {
        for part in ["\n", name, " = \"", value, "\""] {
            text.push_str(part);
        }
    }
    text
}

fn parse(bytes: &Secret) -> anyhow::Result<ApiKeyFile> {
    let fields: Fields = secret_toml::fields(bytes, "API key file")?;
    let key = |name: &str, text: &str| {
        let key = array_from_hex::<32>(text).ok().map(Zeroizing::new);
        key.with_context(|| format!("`{name}` is no key: that is 64 hexadecimal digits in lower case"))
    };
    let id = fields.api_key_id.parse().map_err(|error| anyhow!("`api_key_id`: {error}"))?;
    let seed = key("api_key_seed", fields.api_key_seed.0.expose())?;
    let secret_key = key("api_key_secret_key", fields.api_key_secret_key.0.expose())?;
    let server = key("server_verify_key", &fields.server_verify_key)?;
    let server =
        VerifyingKey::from_bytes(&server).map_err(|_| anyhow!("`server_verify_key` is no Ed25519 key"))?;
    Ok(ApiKeyFile {
        server_url: fields.server_url.trim_end_matches('/').to_owned(),
        credential: ApiKeyCredential { id, seed, server },
        secret_key: BoxKey::from_bytes(*secret_key),
    })
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::{id::ApiKeyId, sign::SigningKey};

    use super::*;

    fn file() -> String {
        let file = ApiKeyFile {
            server_url: "http://[::1]:8470/\"a".to_owned(),
            credential: ApiKeyCredential {
                id: ApiKeyId::from_bytes([1; 16]),
                seed: Zeroizing::new([0xca; 32]),
                server: SigningKey::from_seed(&[2; 32]).verifying_key(),
            },
            secret_key: BoxKey::from_bytes([0xcb; 32]),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        file.put(&Place::at(Some(&path), false), true).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", parse(&Secret::from(text.as_bytes())).unwrap_err())
    }

    #[test]
    fn an_api_key_file_reads_as_it_was_written() {
        let read = parse(&Secret::from(file().as_bytes())).unwrap();
        assert_eq!(read.server_url, "http://[::1]:8470/\"a");
        assert_eq!(read.credential.id, ApiKeyId::from_bytes([1; 16]));
        assert_eq!((*read.credential.seed, *read.secret_key.expose()), ([0xca; 32], [0xcb; 32]));
        assert_eq!(read.credential.server, SigningKey::from_seed(&[2; 32]).verifying_key());
        let printed = format!("{read:?}");
        assert!(!printed.contains("202") && !printed.contains("caca"), "{printed}");
    }

    /// A-LEAK-01: what is wrong is named by its place, and nothing of the file is repeated.
    #[test]
    fn a_file_has_exactly_the_five_names_and_is_never_repeated() {
        let good = file();
        for line in good.lines() {
            let name = line.split(' ').next().unwrap();
            let error = refusal(&good.replace(line, ""));
            assert!(error.contains(name), "without {name}: {error}");
        }
        assert!(refusal(&format!("{good}api_key_private_key = \"x\"\n")).contains("line 6"));
        for (name, bad) in [
            ("api_key_seed", good.replace("\"caca", "\"canary")),
            ("api_key_seed", good.replace("\"caca", "\"CACA")),
            ("api_key_secret_key", good.replace("\"cbcb", "\"cb")),
            ("line 4", good.replace("= \"cbcb", "= cbcb \"")),
            ("line 3", good.replace(&format!("\"{}\"", "ca".repeat(32)), "4711")),
            ("api_key_id", good.replace("\"0101", "\"canary")),
            ("server_verify_key", good.replace("server_verify_key = \"", "server_verify_key = \"canary")),
        ] {
            let error = refusal(&bad);
            assert!(error.contains(name), "{name}: {error}");
            assert!(
                !["canary", "caca", "CACA", "cbcb", "4711"].iter().any(|text| error.contains(text)),
                "{error}"
            );
        }
    }
}
