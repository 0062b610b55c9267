//! The API key file: the six variables of seed 001's script, under its names, as TOML.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use serde::Deserialize;
use strongroom_client::psono::{ApiKeyTexts, PsonoApiKey};
use strongroom_primitives::secret::Secret;

use crate::secret_toml::{self, Hidden};

/// What the file is called unless said otherwise.
pub(super) const API_KEY_FILE: &str = ".psono.toml";

/// Reads a file that nobody else can read.
///
/// # Errors
/// One line that names the place and the fix, and repeats nothing of the file.
pub(super) fn read(path: &Path) -> anyhow::Result<PsonoApiKey> {
    let shown = path.display();
    ensure!(
        path.exists(),
        "no API key file at {shown}: write api_key_id, api_key_private_key, api_key_secret_key, server_url, \
         server_public_key and server_signature into it as TOML, or name another with --api-key"
    );
    parse(&secret_toml::read(path, "API key")?).with_context(|| shown.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    server_url: String,
    api_key_id: String,
    api_key_private_key: Hidden,
    api_key_secret_key: Hidden,
    server_public_key: String,
    server_signature: String,
}

fn parse(bytes: &Secret) -> anyhow::Result<PsonoApiKey> {
    let fields: Fields = secret_toml::fields(bytes, "API key file")?;
    let texts = ApiKeyTexts {
        server_url: fields.server_url,
        api_key_id: fields.api_key_id,
        api_key_private_key: fields.api_key_private_key.0,
        api_key_secret_key: fields.api_key_secret_key.0,
        server_public_key: fields.server_public_key,
        server_signature: fields.server_signature,
    };
    PsonoApiKey::read(&texts).map_err(|error| anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> String {
        let key = "0a".repeat(32);
        let public = "02".repeat(32);
        // The key that RFC 8032 gives in its first test.
        let verify = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        format!(
            "server_url = \"https://x/psono\"\napi_key_id = \"F89d4c3a-0000-0000-0000-00000000000f\"\n\
             api_key_private_key = \"{key}\"\napi_key_secret_key = '{key}'\n# comment\n\
             server_public_key = \"{public}\"\nserver_signature = \"{verify}\"\n"
        )
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", parse(&Secret::from(text.as_bytes())).unwrap_err())
    }

    /// A-LEAK-01: what is wrong is named by its place, and nothing of the file is repeated.
    #[test]
    fn a_file_has_exactly_the_six_names_and_is_never_repeated() {
        let good = file();
        let key = parse(&Secret::from(good.as_bytes())).unwrap();
        assert_eq!(key.server_url(), "https://x/psono");
        assert!(!format!("{key:?}").contains("0a0a"));
        for line in good.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(' ').next().unwrap();
            let error = refusal(&good.replace(line, ""));
            assert!(error.contains(name), "without {name}: {error}");
        }
        assert!(refusal(&format!("{good}more = 1\n")).contains("more"));
        let twice = format!("{good}server_url = \"https://y\"\n");
        assert!(refusal(&twice).contains("line 8"), "{}", refusal(&twice));
        for bad in [
            good.replace("'0a0a", "'canary"),
            good.replace("'0a0a", "'0A0"),
            good.replace("api_key_secret_key = '", "api_key_secret_key = canary '"),
            good.replace(&format!("'{}'", "0a".repeat(32)), "4711"),
            good.replace("F89d4c3a-", "canary-"),
            good.replace("\"0202", "\"canary"),
            good.replace("\"d75a", "\"canary"),
        ] {
            let error = refusal(&bad);
            assert!(!["canary", "0a0a", "4711"].iter().any(|text| error.contains(text)), "{error}");
        }
        assert!(refusal(&good.replace(&"02".repeat(32), &"00".repeat(32))).contains("server_public_key"));
    }
}
