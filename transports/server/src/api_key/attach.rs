//! Which secrets an API key reaches by itself: all that a restricted one reaches.

use std::io::{self, Write};

use anyhow::Context;
use clap::Args;
use serde_json::json;
use strongroom_client::api_keys::AttachedSecret;
use strongroom_primitives::{
    encoding::array_from_hex,
    id::{ApiKeyId, ApiKeySecretId, SecretId},
    secret::Secret,
};
use zeroize::Zeroizing;

use super::{Open, advice::explain_owner};
use crate::{
    input, output,
    secrets::{STDIN, Stdin, check_private, one_line},
    table::{self, shown},
    user::Auth,
};

/// Largest text of a secret's key that is read, in bytes: 64 digits and a line break.
const KEY_TEXT_BYTES_MAX: usize = 66;

/// A secret by its 32 hexadecimal digits, or by the UUID that Psono's clients show.
fn secret_id(text: &str) -> Result<SecretId, String> {
    let uuid = SecretId::from_uuid(text);
    uuid.or_else(|_| text.parse()).map_err(|_| "a secret's id is 32 hexadecimal digits, or a UUID".to_owned())
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom api-key attach 5f0c... 6b0ee7a3-4c0c-4a3f-8d4a-0a8d3a6f1c11 --key secret.key --title 'web server'

The server keeps the secret's key sealed for the API key, and reads neither that nor the title.")]
pub(super) struct Attach {
    /// To which API key
    api_key: ApiKeyId,
    /// Which secret
    #[arg(value_parser = secret_id)]
    secret: SecretId,
    /// The file with the secret's key, 64 hexadecimal digits; - takes it from standard input
    #[arg(long, value_name = "FILE")]
    key: std::path::PathBuf,
    /// What to call it, for its owner alone
    #[arg(long)]
    title: String,
    #[command(flatten)]
    auth: Auth,
}

impl Attach {
    /// Attaches the secret, and prints which attachment it is.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let secret_key = self.secret_key()?;
        let api_key = open.find(self.api_key).await?;
        let attached = open.keys.attach(&api_key, self.secret, &secret_key, &self.title, &open.owner).await;
        let attached = attached.map_err(|error| explain_owner(error, &open.server))?;
        if as_json {
            return output::json(&json!({ "attachment": attached }));
        }
        Ok(writeln!(io::stdout(), "{attached}")?)
    }

    fn secret_key(&self) -> anyhow::Result<Zeroizing<[u8; 32]>> {
        let text = if self.key.as_os_str() == STDIN {
            Stdin::default().read("secret's key", KEY_TEXT_BYTES_MAX)?
        } else {
            check_private(&self.key, "secret's key")?;
            input::all_of_file(&self.key, KEY_TEXT_BYTES_MAX)?
        };
        read_key(&text).with_context(|| {
            format!("{}: this is no key of a secret, which is 64 hexadecimal digits", self.key.display())
        })
    }
}

fn read_key(text: &Secret) -> Option<Zeroizing<[u8; 32]>> {
    array_from_hex(one_line(text)?.expose()).ok().map(Zeroizing::new)
}

#[derive(Debug, Args)]
pub(super) struct Attached {
    /// To which API key
    api_key: ApiKeyId,
    #[command(flatten)]
    auth: Auth,
}

impl Attached {
    /// Lists what is attached.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let attached = open.keys.attached(self.api_key, &open.owner).await;
        let attached = attached.map_err(|error| explain_owner(error, &open.server))?;
        let title = |each: &AttachedSecret| each.title.as_ref().map(|title| title.expose().to_owned());
        if as_json {
            let described = |each: &AttachedSecret| json!({ "attachment": each.attachment, "secret": each.secret, "title": title(each) });
            return output::json(&attached.iter().map(described).collect::<Vec<_>>());
        }
        let row = |each: &AttachedSecret| {
            let title = title(each).map_or_else(|| "(does not open)".to_owned(), |title| shown(&title));
            [each.attachment.to_string(), each.secret.to_string(), title]
        };
        Ok(table::print(["ATTACHMENT", "SECRET", "TITLE"], &attached.iter().map(row).collect::<Vec<_>>())?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Detach {
    /// Which, as listed by `attached`
    #[arg(required = true, value_name = "ATTACHMENT")]
    attachments: Vec<ApiKeySecretId>,
    #[command(flatten)]
    auth: Auth,
}

impl Detach {
    /// Takes secrets off the keys that they are attached to.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        for attachment in &self.attachments {
            open.keys.detach(*attachment).await.map_err(|error| explain_owner(error, &open.server))?;
        }
        if as_json { output::json(&json!({ "detached": self.attachments })) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_its_key_are_read_in_the_spellings_that_clients_show() {
        let hex = "6b0ee7a34c0c4a3f8d4a0a8d3a6f1c11";
        let uuid = secret_id("6b0ee7a3-4c0c-4a3f-8d4a-0a8d3a6f1c11").unwrap();
        assert_eq!((uuid.to_string().as_str(), secret_id(hex)), (hex, Ok(uuid)));
        assert!(secret_id("canary").is_err());
        let key = "0a".repeat(32);
        for good in [key.clone(), format!("{key}\n"), format!("{key}\r\n")] {
            assert_eq!(*read_key(&Secret::from(good.as_bytes())).unwrap(), [10; 32]);
        }
        for bad in [String::new(), key[2..].to_owned(), format!("{key}\n\n"), key.to_uppercase()] {
            assert!(read_key(&Secret::from(bad.as_bytes())).is_none(), "{bad}");
        }
    }
}
