//! Files of TOML with secrets in them: read only where nobody else can read them, and never repeated in a complaint.

use std::path::Path;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use strongroom_primitives::secret::{Secret, SecretText};

use crate::{input, secrets::check_private};

/// Largest file that is read, in bytes; one has about 500.
const FILE_BYTES_MAX: usize = 16 * 1024;

/// A text that is wiped.
pub(crate) struct Hidden(pub(crate) SecretText);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretText::new(text)))
    }
}

/// The bytes of a file that nobody else can read; `what` it holds.
///
/// # Errors
/// One line that names the fix.
pub(crate) fn read(path: &Path, what: &str) -> anyhow::Result<Secret> {
    check_private(path, what)?;
    input::all_of_file(path, FILE_BYTES_MAX)
}

/// The fields of such a file; `what` it is.
///
/// # Errors
/// One line that names the place in the file, and repeats nothing of it.
pub(crate) fn fields<T: DeserializeOwned>(bytes: &Secret, what: &str) -> anyhow::Result<T> {
    let text =
        str::from_utf8(bytes.expose()).ok().with_context(|| format!("this is no text, so no {what}"))?;
    toml::from_str(text).map_err(|error| {
        // The whole of the error shows the line that it is about, and the wrong type of a value is named with the value.
        let before = error.span().and_then(|span| text.get(..span.start));
        let what = error.message().lines().next().unwrap_or_default();
        let what = if what.starts_with("invalid type") { "expected a text in quotation marks" } else { what };
        match before {
            Some(before) => anyhow!("line {}: {what}", before.matches('\n').count() + 1),
            None => anyhow!("{what}"),
        }
    })
}
