//! The credentials file in memory: a tolerant reader, and a writer of one form.
//!
//! The published SDKs have two INI parsers that disagree about nearly everything, so what one of them reads in another
//! way is refused with its line, and what would be written for them to disagree about is refused with its place.
//! Comments, spaces around `=`, CRLF and a byte order mark are read and never written. Options that nobody here knows
//! are kept. Source: `dialects/dragonchain.md`, section 7.

use strongroom_primitives::dc1::ChainId;
use strongroom_primitives::secret::SecretText;
use zeroize::Zeroizing;

use super::CredentialsError;
use super::value::{Endpoint, ServiceKey, clear};

/// Largest file that is read or written, in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Most sections of a file.
pub const SECTIONS_MAX: usize = 1_024;
/// Most options of a section.
pub const OPTIONS_MAX: usize = 64;
/// Longest name of a section or an option, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// The section that names the default chain. No chain's id, because base58 has no `l`.
const DEFAULT: &str = "default";
const CHAIN: &str = "dragonchain_id";
const KEY: &str = "auth_key";
const KEY_ID: &str = "auth_key_id";
const ENDPOINT: &str = "endpoint";
/// Options that are written first, in this order.
const FIRST: [&str; 4] = [KEY, KEY_ID, ENDPOINT, CHAIN];

/// A credentials file: sections in their order, `default` last.
#[derive(Debug, Default)]
pub struct CredentialsFile {
    sections: Vec<Section>,
}

/// One section: a chain, or `default`.
#[derive(Debug)]
pub struct Section {
    name: String,
    options: Vec<(String, SecretText)>,
}

/// What a file knows of a chain. Either may be missing.
#[derive(Debug, Clone)]
pub struct StoredCredentials {
    /// What signs; `None` unless both parts are there.
    pub key: Option<ServiceKey>,
    /// Where the chain is served.
    pub endpoint: Option<Endpoint>,
}

impl Section {
    /// A chain's id, or `default`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its options, by name.
    pub fn options(&self) -> impl Iterator<Item = (&str, &SecretText)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether an option is known to hold no secret. What nobody here knows may well be one.
    #[must_use]
    pub fn is_public(option: &str) -> bool {
        matches!(option, KEY_ID | ENDPOINT | CHAIN)
    }

    fn option(&self, name: &str) -> Option<&SecretText> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// As errors call it.
    fn place(&self) -> String {
        format!("[{}]", self.name)
    }
}

impl CredentialsFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`CredentialsError::TooLarge`], [`CredentialsError::NotText`], [`CredentialsError::Line`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CredentialsError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(CredentialsError::TooLarge);
        }
        let text = str::from_utf8(bytes).map_err(|_| CredentialsError::NotText)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut file = Self::default();
        for (index, line) in text.split('\n').enumerate() {
            let refused = |what| CredentialsError::Line { line: index + 1, what };
            let line = line.strip_suffix('\r').unwrap_or(line);
            let is_comment = line.trim_start().starts_with([';', '#']);
            if line.trim().is_empty() || is_comment {
                continue;
            }
            match Line::read(line).map_err(refused)? {
                Line::Section(name) => {
                    if file.section(name).is_some() {
                        return Err(refused("begins a section that is there already"));
                    }
                    if file.sections.len() == SECTIONS_MAX {
                        return Err(CredentialsError::TooLarge);
                    }
                    file.sections.push(Section { name: name.to_owned(), options: Vec::new() });
                }
                Line::Option(name, value) => {
                    let Some(section) = file.sections.last_mut() else {
                        return Err(refused("stands before any section"));
                    };
                    if section.option(name).is_some() {
                        return Err(refused("sets what is set already"));
                    }
                    if section.options.len() == OPTIONS_MAX {
                        return Err(CredentialsError::TooLarge);
                    }
                    section.options.push((name.to_owned(), SecretText::new(value.to_owned())));
                }
            }
        }
        file.sort();
        Ok(file)
    }

    /// The one form in which it is written.
    ///
    /// # Errors
    /// [`CredentialsError::Value`] for a value that parsers would read in several ways, wherever it came from;
    /// [`CredentialsError::TooLarge`].
    pub fn to_text(&self) -> Result<Zeroizing<String>, CredentialsError> {
        // Room for all of it at once: a buffer that grows leaves pieces of a secret behind.
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX));
        for section in &self.sections {
            let gap = if text.is_empty() { "" } else { "\n" };
            let mut lines = vec![gap, "[", &section.name, "]\n"];
            for (name, value) in &section.options {
                let value = value.expose();
                if !value.is_empty() {
                    clear(&section.place(), name, value)?;
                }
                lines.extend([name, "=", value, "\n"]);
            }
            if text.len() + lines.iter().map(|piece| piece.len()).sum::<usize>() > FILE_BYTES_MAX {
                return Err(CredentialsError::TooLarge);
            }
            lines.into_iter().for_each(|piece| text.push_str(piece));
        }
        Ok(text)
    }

    /// All sections, `default` last.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    /// The name of the default chain.
    #[must_use]
    pub fn default_chain(&self) -> Option<&str> {
        let chain = self.section(DEFAULT)?.option(CHAIN)?.expose();
        Some(chain).filter(|chain| !chain.is_empty())
    }

    /// Makes a chain of the file the default one.
    ///
    /// # Errors
    /// [`CredentialsError::UnknownChain`].
    pub fn set_default(&mut self, chain: &str) -> Result<(), CredentialsError> {
        self.known(chain)?;
        let value = SecretText::new(chain.to_owned());
        match self.sections.iter_mut().find(|section| section.name == DEFAULT) {
            Some(section) => {
                section.options.retain(|(name, _)| name != CHAIN);
                section.options.push((CHAIN.to_owned(), value));
            }
            None => self
                .sections
                .push(Section { name: DEFAULT.to_owned(), options: vec![(CHAIN.to_owned(), value)] }),
        }
        self.sort();
        Ok(())
    }

    /// Leaves no default chain.
    pub fn unset_default(&mut self) {
        if let Some(section) = self.sections.iter_mut().find(|section| section.name == DEFAULT) {
            section.options.retain(|(name, _)| name != CHAIN);
        }
        self.sections.retain(|section| section.name != DEFAULT || !section.options.is_empty());
    }

    /// What the file knows of a chain; `None` if it has no section.
    ///
    /// # Errors
    /// [`CredentialsError::Value`] and [`CredentialsError::Endpoint`] for what is there and cannot be used.
    pub fn chain(&self, chain: &str) -> Result<Option<StoredCredentials>, CredentialsError> {
        let Ok(section) = self.known(chain) else { return Ok(None) };
        let part = |name| section.option(name).filter(|value| !value.expose().is_empty());
        let key = match (part(KEY_ID), part(KEY)) {
            (Some(id), Some(secret)) => Some(ServiceKey::new(&section.place(), id.expose(), secret)?),
            _ => None,
        };
        let endpoint = section.option(ENDPOINT).map(|text| Endpoint::read(&section.place(), text.expose()));
        Ok(Some(StoredCredentials { key, endpoint: endpoint.transpose()?.flatten() }))
    }

    /// Writes a chain's section anew; nothing of one that was there stays.
    ///
    /// # Errors
    /// [`CredentialsError::TooLarge`].
    pub fn put(
        &mut self,
        chain: &ChainId,
        key: &ServiceKey,
        endpoint: Option<&Endpoint>,
    ) -> Result<(), CredentialsError> {
        let mut options = vec![
            (KEY.to_owned(), key.secret().clone()),
            (KEY_ID.to_owned(), SecretText::new(key.id().to_owned())),
        ];
        options.extend(endpoint.map(|url| (ENDPOINT.to_owned(), SecretText::new(url.to_string()))));
        let is_full = self.sections.len() == SECTIONS_MAX;
        match self.sections.iter_mut().find(|section| section.name == chain.as_str()) {
            Some(section) => section.options = options,
            None if is_full => return Err(CredentialsError::TooLarge),
            None => self.sections.push(Section { name: chain.to_string(), options }),
        }
        self.sort();
        Ok(())
    }

    /// Takes a chain's section out. The default stays what it is.
    ///
    /// # Errors
    /// [`CredentialsError::UnknownChain`].
    pub fn remove(&mut self, chain: &str) -> Result<(), CredentialsError> {
        self.known(chain)?;
        self.sections.retain(|section| section.name != chain);
        Ok(())
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn known(&self, chain: &str) -> Result<&Section, CredentialsError> {
        let section = self.section(chain).filter(|_| chain != DEFAULT);
        section.ok_or_else(|| CredentialsError::UnknownChain { chain: chain.to_owned() })
    }

    /// One order for one content: `default` after the chains, known options before others.
    fn sort(&mut self) {
        self.sections.sort_by_key(|section| section.name == DEFAULT);
        for section in &mut self.sections {
            let rank = |name: &str| FIRST.iter().position(|known| *known == name).unwrap_or(FIRST.len());
            section.options.sort_by_key(|(name, _)| rank(name));
        }
    }
}

/// A line that says something.
enum Line<'l> {
    Section(&'l str),
    Option(&'l str, &'l str),
}

impl<'l> Line<'l> {
    fn read(line: &'l str) -> Result<Self, &'static str> {
        if line.starts_with([' ', '\t']) {
            return Err("is indented, which continues the line above it for some parsers");
        }
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err("holds a control character");
        }
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.strip_suffix(']').filter(|name| is_section(name));
            return name
                .map(Self::Section)
                .ok_or("is not [NAME]: `default`, or 1 to 64 letters, digits and hyphens, without spaces");
        }
        let (name, value) = line.split_once('=').ok_or("is neither [NAME] nor NAME=VALUE")?;
        let name = name.trim_end();
        if !is_option(name) {
            return Err(
                "does not name an option in lower-case letters, digits and underscores, with = after it",
            );
        }
        Ok(Self::Option(name, value.trim_start()))
    }
}

/// No dot, which nests sections in one parser; no `Default`, which is a section of its own kind in the other.
fn is_section(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(known)
        && (name == DEFAULT || !name.eq_ignore_ascii_case(DEFAULT))
}

fn is_option(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(known)
}

#[cfg(test)]
mod tests;
