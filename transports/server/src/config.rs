//! The configuration: one TOML file under environment variables and flags, every key documented where it is declared.
//!
//! The one thing to believe: a configuration that loads is one that the server can start with. What is wrong is
//! named with its place, before anything was opened.

mod check;
mod layers;
mod places;
mod root_key;
mod section;
mod sections;
mod show;
mod values;

pub(crate) use check::warn_of_readers;
pub(crate) use layers::{Flag, Sources, is_world_readable, read_secret};
pub(crate) use places::Complaint;
pub(crate) use root_key::{ROOT_KEY_VARIABLE, read_root_key};
#[cfg(test)]
pub(crate) use sections::Application;
pub(crate) use sections::{
    Config, Dragonchain, Misakey, PeopleRates, PinRecovery, Psono, RecoveryRealm, Storage,
};
pub(crate) use show::{example, print};
pub(crate) use values::{LogFormat, PublicKey, RightsList, StorageKind};

use layers::Layers;
use strongroom_primitives::secret::SecretText;

/// A configuration that fits together, and where each of its values came from.
pub(crate) struct Loaded {
    /// The values.
    pub(crate) config: Config,
    /// What is not wrong but should be known.
    pub(crate) warnings: Vec<String>,
    /// The root key, where a variable holds it.
    root_key: Option<SecretText>,
    layers: Layers,
}

impl Loaded {
    /// A complaint about a key, at the place where its value stands.
    pub(crate) fn complain(&self, key: &str, what: impl Into<String>) -> Complaint {
        self.layers.complain(key, what)
    }
}

/// Reads all layers and checks what they come to.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn load(sources: &Sources) -> Result<Loaded, Complaint> {
    let mut layers = Layers::read(sources)?;
    let config = layers.extract()?;
    let warnings = std::mem::take(&mut layers.warnings);
    let root_key = root_key::in_variables(&sources.variables);
    let mut loaded = Loaded { config, warnings, root_key, layers };
    check::check(&mut loaded)?;
    Ok(loaded)
}

#[cfg(test)]
mod tests;
