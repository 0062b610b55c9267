//! The user file: what a device keeps of a user between commands. Field names are those of the seed's `.user.yaml`, and
//! `server` is ours.
//!
//! It is YAML of one fixed shape, so it is written and read here: one mapping of plain texts in another. What a YAML
//! library would accept beyond that shape (anchors, tags, several documents, the last of two equal keys) is refused.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use strongroom_primitives::{
    cryppo::WrappingKey,
    secret::{Secret, SecretText},
    secret_key::SecretKey,
};
use zeroize::Zeroizing;

use crate::{
    input,
    place::{Place, Readers, check_free, write},
    secrets::check_private,
};

/// Largest user file that is read, in bytes; one has about 700.
const FILE_BYTES_MAX: usize = 16 * 1024;

/// The value of `kind`.
const KIND: &str = "User";

/// What a device keeps of a user. Whoever has it needs no passphrase.
#[derive(Debug, Clone)]
pub(crate) struct UserFile {
    /// User name and secret.
    pub(super) secret: SecretKey,
    /// The server's URL.
    pub(super) server: Option<String>,
    /// Of the keystore session.
    pub(super) keystore_access_token: SecretText,
    /// Of the vault session.
    pub(super) vault_access_token: SecretText,
    /// Opens the KEK.
    pub(super) passphrase_derived_key: WrappingKey,
    /// Opens DEKs and private keys.
    pub(super) key_encryption_key: WrappingKey,
    /// Opens the values of items.
    pub(crate) data_encryption_key: WrappingKey,
}

impl UserFile {
    /// Reads a file that nobody else can read.
    ///
    /// # Errors
    /// One line that names the place and the fix, and repeats nothing of the file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        ensure!(
            path.exists(),
            "no user file at {shown}: make a user with `strongroom user create -o {shown}`, or name another with --auth"
        );
        check_private(path, "user's keys")?;
        let bytes = input::all_of_file(path, FILE_BYTES_MAX)?;
        Self::parse(&bytes).with_context(|| shown.to_string())
    }

    fn parse(bytes: &Secret) -> anyhow::Result<Self> {
        let text = str::from_utf8(bytes.expose()).map_err(|_| anyhow!("this is no text, so no user file"))?;
        let mut fields = Fields::read(text)?;
        let file = Self {
            secret: SecretKey::parse(fields.take("secret")?.expose()).map_err(|error| anyhow!("{error}"))?,
            server: fields.find("server").map(|server| server.expose().to_owned()),
            keystore_access_token: fields.take("keystore_access_token")?,
            vault_access_token: fields.take("vault_access_token")?,
            passphrase_derived_key: fields.key("passphrase_derived_key")?,
            key_encryption_key: fields.key("key_encryption_key")?,
            data_encryption_key: fields.key("data_encryption_key")?,
        };
        match fields.0.first() {
            Some(Field { name, line, .. }) => Err(anyhow!("line {line}: unknown field `{name}`")),
            None => Ok(file),
        }
    }

    /// The key encryption key, as clients print keys.
    pub(crate) fn kek_text(&self) -> SecretText {
        self.key_encryption_key.expose_text()
    }

    /// All fields in the order in which they are written.
    fn fields(&self) -> [(&'static str, Option<SecretText>); 7] {
        let key = |key: &WrappingKey| Some(key.expose_text());
        [
            ("secret", Some(self.secret.expose_grouped())),
            ("server", self.server.clone().map(SecretText::new)),
            ("keystore_access_token", Some(self.keystore_access_token.clone())),
            ("vault_access_token", Some(self.vault_access_token.clone())),
            ("passphrase_derived_key", key(&self.passphrase_derived_key)),
            ("key_encryption_key", key(&self.key_encryption_key)),
            ("data_encryption_key", key(&self.data_encryption_key)),
        ]
    }

    /// As YAML, without the line break at its end.
    fn yaml(&self) -> Zeroizing<String> {
        // Room for all of it at once: a buffer that grows leaves pieces of a secret behind.
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX));
        text.push_str("kind: ");
        text.push_str(KIND);
        text.push_str("\nmetadata:");
        for (name, value) in self.fields() {
            if let Some(value) = value {
                for part in ["\n  ", name, ": ", value.expose()] {
                    text.push_str(part);
                }
            }
        }
        text
    }

    /// Prints it, or writes it where `place` says.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn put(&self, place: &Place, as_json: bool) -> anyhow::Result<()> {
        if as_json && !place.is_file() {
            return crate::output::json(&Shown(self));
        }
        place.put_line("user_file", None, &self.yaml(), as_json)
    }

    /// Writes it over the file that it was read from.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn replace(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = self.yaml();
        text.push('\n');
        write(path, text.as_bytes(), Readers::Owner, true)
    }

    /// Refuses a file that [`UserFile::replace`] could not replace, before anything is done for it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn check_replaceable(path: &Path) -> anyhow::Result<()> {
        check_free(path, true)
    }
}

/// As a document. Not a map of `serde_json`, which would keep copies of the texts.
struct Shown<'f>(&'f UserFile);

impl serde::Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Metadata<'f>(&'f UserFile);
        impl serde::Serialize for Metadata<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in self.0.fields() {
                    if let Some(value) = value {
                        map.serialize_entry(name, value.expose())?;
                    }
                }
                map.end()
            }
        }
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("kind", KIND)?;
        map.serialize_entry("metadata", &Metadata(self.0))?;
        map.end()
    }
}

/// A field of `metadata`.
struct Field {
    name: String,
    value: SecretText,
    line: usize,
}

/// The fields of `metadata` that nobody has asked for yet.
struct Fields(Vec<Field>);

impl Fields {
    /// Reads the shape: `kind` and `metadata`, and below that lines of two blanks, a name, a colon and a text, which may
    /// stand in quotes. Comments and empty lines are passed over.
    fn read(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end()));
        let mut content = lines.by_ref().filter(|(_, line)| {
            let line = line.trim_start();
            !line.is_empty() && !line.starts_with('#')
        });
        for expected in [format!("kind: {KIND}"), "metadata:".to_owned()] {
            let (at, line) = content.next().unwrap_or((1, ""));
            ensure!(line == expected, "line {at}: expected `{expected}`: this is no user file");
        }
        let mut fields: Vec<Field> = Vec::new();
        for (line, said) in content {
            let field = said.strip_prefix("  ").and_then(|said| said.split_once(": "));
            let (name, value) = field
                .filter(|(name, _)| {
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                })
                .with_context(|| format!("line {line}: expected two blanks, a name, a colon and a text"))?;
            ensure!(fields.iter().all(|field| field.name != name), "line {line}: `{name}` is there twice");
            let value = unquoted(value.trim_start())
                .with_context(|| format!("line {line}: `{name}` is no plain text"))?;
            fields.push(Field { name: name.to_owned(), value: SecretText::new(value.to_owned()), line });
        }
        Ok(Self(fields))
    }

    fn find(&mut self, name: &str) -> Option<SecretText> {
        let at = self.0.iter().position(|field| field.name == name)?;
        Some(self.0.remove(at).value)
    }

    fn take(&mut self, name: &str) -> anyhow::Result<SecretText> {
        self.find(name).with_context(|| format!("missing field `{name}`"))
    }

    fn key(&mut self, name: &str) -> anyhow::Result<WrappingKey> {
        WrappingKey::from_text(&self.take(name)?).map_err(|error| anyhow!("`{name}`: {error}"))
    }
}

/// A text without the quotes around it. No text of a user file has blanks, quotes or anything that YAML reads in another
/// way.
fn unquoted(text: &str) -> Option<&str> {
    let inner =
        ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-=:/[]%+~@?&".contains(&byte);
    let fits = !inner.is_empty() && inner.bytes().all(plain) && !inner.starts_with(['[', '&', '@', '?', '%']);
    fits.then_some(inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn user_file() -> UserFile {
        let key = |byte| WrappingKey::from_bytes(&[byte; 32]);
        UserFile {
            secret: SecretKey::new("M9znjHbD5Xi", &[7; 32]).unwrap(),
            server: Some("http://[::1]:8470/v1".to_owned()),
            keystore_access_token: SecretText::new("srt_canary".to_owned()),
            vault_access_token: SecretText::new("-canary_1=.canary-2=".to_owned()),
            passphrase_derived_key: key(0xff),
            key_encryption_key: key(2),
            data_encryption_key: key(3),
        }
    }

    fn parse(text: &str) -> anyhow::Result<UserFile> {
        UserFile::parse(&Secret::from(text.as_bytes()))
    }

    #[test]
    fn a_user_file_reads_as_it_was_written() {
        let file = user_file();
        let text = file.yaml();
        let names =
            ["secret", "server", "keystore_access_token", "vault_access_token", "passphrase_derived_key"];
        for name in names {
            assert!(text.contains(&format!("\n  {name}: ")), "{name}");
        }
        assert_eq!(parse(&text).unwrap().yaml(), text);
        let without = UserFile { server: None, ..file };
        assert_eq!(parse(&without.yaml()).unwrap().yaml(), without.yaml());
        assert!(!without.yaml().contains("server"));
        let quoted =
            text.replace("secret: ", "secret:   '").replacen("\n  server", "'  \n# mine\n\n  server", 1);
        assert_eq!(parse(&quoted).unwrap().yaml(), text);
    }

    /// A-LEAK-01: what is wrong is named, and nothing that stands there is repeated.
    #[test]
    fn what_is_wrong_is_named_with_its_line_and_without_its_text() {
        let good = user_file().yaml();
        let key = user_file().data_encryption_key.expose_text();
        for (text, expected) in [
            (String::new(), "line 1: expected `kind: User`"),
            (good.replace("User", "Canary"), "line 1: expected `kind: User`"),
            (good.replace("metadata:", "metadata: canary"), "line 2: expected `metadata:`"),
            (format!("{}\n  color: canary", *good), "line 10: unknown field `color`"),
            (format!("{}\n  secret: canary", *good), "line 10: `secret` is there twice"),
            (format!("{}\n  canary", *good), "line 10: expected two blanks"),
            (format!("{}\ncanary: canary", *good), "line 10: expected two blanks"),
            (good.replace("srt_canary", "&canary"), "line 5: `keystore_access_token` is no plain text"),
            (good.replace("srt_canary", "|- canary"), "line 5: `keystore_access_token` is no plain text"),
            (good.replace("srt_canary", "''"), "line 5: `keystore_access_token` is no plain text"),
            (good.replace(key.expose(), "canary"), "`data_encryption_key`: "),
            (good.replace("1.M9", "2.M9"), "secret key has an unknown version"),
            (good.lines().take(8).collect::<Vec<_>>().join("\n"), "missing field `data_encryption_key`"),
            (format!("---\n{}", *good), "line 1: expected `kind: User`"),
        ] {
            let error = format!("{:#}", parse(&text).unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("anary") && !error.contains(key.expose()), "{error}");
        }
        assert!(UserFile::parse(&Secret::from(&b"kind: User\nmetadata:\n  secret: \xff"[..])).is_err());
    }

    /// A-LEAK-01, A-ADM-07: neither prints what it holds, and a file that others can read is not used.
    #[test]
    fn a_user_file_is_its_owners() {
        let file = user_file();
        assert!(!format!("{file:?}").contains("canary"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(USER_FILE_NAME);
        file.replace(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(UserFile::read(&path).unwrap().yaml(), file.yaml());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = UserFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        let error = UserFile::read(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("strongroom user create"), "{error}");
    }

    const USER_FILE_NAME: &str = "user.yaml";
}
