//! Flags over environment over file over defaults: reading each layer and putting them together.
//!
//! Every layer is searched for unknown keys by itself, before anything is merged, so that a slip is named where it
//! was made. A secret `x` may be given as `x_file`, a file whose text it is, in every layer.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use toml::{Table, de::DeTable};

use super::{
    places::{Complaint, Lines, Origin, nearest},
    section::{Key, Kind, Section, find, within},
    sections::Config,
};

/// What begins the name of every variable that sets a key.
pub(crate) const VARIABLE_PREFIX: &str = "STRONGROOM__";

/// The variable that names the data folder, as `STRONGROOM__STORAGE__PATH` does.
const DATA_VARIABLE: &str = "STRONGROOM_DATA";

/// Further variables that set a key by a short name, and the key.
const SHORT_VARIABLES: [(&str, [&str; 2]); 6] = [
    (DATA_VARIABLE, ["storage", "path"]),
    ("STRONGROOM_ROOT_KEY_FILE", ["storage", "root_key_file"]),
    ("STRONGROOM_DRAGONCHAIN_ID", ["dragonchain", "chain"]),
    ("STRONGROOM_DRAGONCHAIN_ROOT_KEY_ID", ["dragonchain", "root_key_id"]),
    ("STRONGROOM_DRAGONCHAIN_ROOT_KEY", ["dragonchain", "root_key"]),
    ("STRONGROOM_DRAGONCHAIN_ROOT_KEY_FILE", ["dragonchain", "root_key_file"]),
];

/// Further variables that name a file with the text of a key that is no secret, and the key.
const FILE_VARIABLES: [(&str, [&str; 2]); 2] = [
    ("STRONGROOM_DRAGONCHAIN_ID_FILE", ["dragonchain", "chain"]),
    ("STRONGROOM_DRAGONCHAIN_ROOT_KEY_ID_FILE", ["dragonchain", "root_key_id"]),
];

/// What is read where no file is named and this one is there.
pub(crate) const USUAL_FILE: &str = "strongroom.toml";

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A key set on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// The flag, as it was written.
    pub(crate) flag: String,
    /// The key, by its path.
    pub(crate) key: String,
    /// The value, as text.
    pub(crate) text: String,
}

/// What a configuration is read from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// The file, if one is named.
    pub(crate) file: Option<PathBuf>,
    /// The environment.
    pub(crate) variables: Vec<(String, String)>,
    /// The command line.
    pub(crate) flags: Vec<Flag>,
}

/// All layers, merged but not yet read.
pub(crate) struct Layers {
    figment: Figment,
    origins: Vec<Origin>,
    lines: Option<Lines>,
    /// What is not wrong but should be known.
    pub(crate) warnings: Vec<String>,
}

impl Layers {
    /// Reads and merges everything.
    ///
    /// # Errors
    /// The first thing that is wrong with a layer.
    pub(crate) fn read(sources: &Sources) -> Result<Self, Complaint> {
        let mut layers =
            Self { figment: Figment::new(), origins: Vec::new(), lines: None, warnings: Vec::new() };
        let defaults = Table::try_from(Config::default()).expect("the defaults are a table");
        layers.add(Origin::Default, defaults)?;
        layers.read_file(sources.file.as_deref())?;
        // The short names come first, so that the key's own variable wins over them.
        layers.read_short_variables(&sources.variables)?;
        for (name, text) in &sources.variables {
            if let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) {
                let rest = rest.to_ascii_lowercase();
                let path: Vec<&str> = rest.split("__").collect();
                layers.add_text(Origin::Variable(name.clone()), &path, text)?;
            }
        }
        for Flag { flag, key, text } in &sources.flags {
            let path: Vec<&str> = key.split('.').collect();
            if find(all_keys(), path.iter().copied()).is_some_and(|key| matches!(key.kind, Kind::Secret)) {
                let variable = path.join("__").to_ascii_uppercase();
                return Err(Complaint {
                    place: format!("flag {flag}"),
                    key: key.clone(),
                    what: format!(
                        "a secret on the command line can be read by every user of this machine; put it into a \
                         file and name that in {VARIABLE_PREFIX}{variable}_FILE"
                    ),
                });
            }
            layers.add_text(Origin::Flag(flag.clone()), &path, text)?;
        }
        Ok(layers)
    }

    /// The configuration.
    ///
    /// # Errors
    /// The first value that does not fit its key.
    pub(crate) fn extract(&self) -> Result<Config, Complaint> {
        self.figment.extract().map_err(|error| {
            let key = error.path.join(".");
            let origin = error.metadata.as_ref().and_then(|metadata| self.named(&metadata.name));
            let place = match origin {
                Some(origin) => self.place(origin, &key),
                None => self.place_of(&key),
            };
            Complaint { place, key, what: error.kind.to_string() }
        })
    }

    /// Where the value of a key came from.
    pub(crate) fn origin_of(&self, key: &str) -> &Origin {
        // A list comes from one place as a whole.
        let is_position = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let path: Vec<&str> = key.split('.').take_while(|name| !is_position(name)).collect();
        let metadata = self.figment.find_metadata(&path.join("."));
        metadata.and_then(|metadata| self.named(&metadata.name)).unwrap_or(&Origin::Default)
    }

    /// The place to change for a key: a line of the file, a variable, a flag.
    pub(crate) fn place_of(&self, key: &str) -> String {
        self.place(self.origin_of(key), key)
    }

    /// A complaint about a key, at its place.
    pub(crate) fn complain(&self, key: &str, what: impl Into<String>) -> Complaint {
        Complaint { place: self.place_of(key), key: key.to_owned(), what: what.into() }
    }

    fn place(&self, origin: &Origin, key: &str) -> String {
        match (origin, &self.lines) {
            (Origin::File(_), Some(lines)) => lines.place_of(key.split('.')),
            _ => origin.to_string(),
        }
    }

    fn named(&self, name: &str) -> Option<&Origin> {
        self.origins.iter().find(|origin| origin.to_string() == name)
    }

    fn read_file(&mut self, named: Option<&Path>) -> Result<(), Complaint> {
        let path = named.unwrap_or(Path::new(USUAL_FILE));
        let whole = |what: String| Complaint { place: path.display().to_string(), key: String::new(), what };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(whole(format!("the configuration file cannot be read: {error}"))),
        };
        if metadata.len() > FILE_BYTES_MAX {
            return Err(whole(format!("a configuration file has at most {FILE_BYTES_MAX} bytes")));
        }
        let text = fs::read_to_string(path)
            .map_err(|error| whole(format!("the configuration file cannot be read: {error}")))?;
        let lines = Lines::new(path, text.clone());
        let at = |error: &toml::de::Error, what: String| Complaint {
            place: error.span().map_or_else(|| path.display().to_string(), |span| lines.place_at(&span)),
            key: String::new(),
            what,
        };
        // Only the messages of the parser: what else the errors say repeats the line, which may hold a secret.
        DeTable::parse(&text).map_err(|error| at(&error, error.message().trim().replace('\n', " ")))?;
        let table: Table =
            toml::from_str(&text).map_err(|error| at(&error, "a number that is too large".to_owned()))?;
        self.lines = Some(lines);
        let secret = first_secret(&table, all_keys(), "");
        if let Some(key) = secret
            && is_world_readable(&metadata)
        {
            self.warnings.push(format!(
                "{}: {key}: every user of this machine can read this secret; run chmod 600 {}",
                path.display(),
                path.display()
            ));
        }
        self.add(Origin::File(path.into()), table)
    }

    fn read_short_variables(&mut self, variables: &[(String, String)]) -> Result<(), Complaint> {
        let variables: BTreeMap<&str, &str> = variables
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (&**name, &**text))
            .collect();
        let complain =
            |name: &str, what| Complaint { place: format!("variable {name}"), key: String::new(), what };
        for (name, path) in SHORT_VARIABLES.into_iter().chain(FILE_VARIABLES) {
            let Some(text) = variables.get(name) else { continue };
            let other = name.strip_suffix("_FILE").filter(|other| variables.contains_key(other));
            // The store's root key has a word of its own for that.
            if let Some(other) = other.filter(|_| path[0] == "dragonchain") {
                return Err(complain(name, format!("{other} is given as well; one of the two has to go")));
            }
            let origin = Origin::Variable(name.to_owned());
            if FILE_VARIABLES.iter().any(|(file, _)| *file == name) {
                let read = read_secret(Path::new(text));
                let read = read.map_err(|error| complain(name, format!("{text}: {error}")))?;
                self.add_text(origin, &path, &read)?;
            } else {
                self.add_text(origin, &path, text)?;
            }
        }
        Ok(())
    }

    /// One key, given as text.
    fn add_text(&mut self, origin: Origin, path: &[&str], text: &str) -> Result<(), Complaint> {
        let kind = find(all_keys(), path.iter().copied()).map_or(Kind::Text, |key| key.kind);
        let mut value = read_text(kind, text);
        for name in path.iter().rev() {
            value = toml::Value::Table([((*name).to_owned(), value)].into_iter().collect());
        }
        let toml::Value::Table(table) = value else {
            let what = "a key has a name, as in server.listen".to_owned();
            return Err(Complaint { place: origin.to_string(), key: String::new(), what });
        };
        self.add(origin, table)
    }

    fn add(&mut self, origin: Origin, mut table: Table) -> Result<(), Complaint> {
        if origin != Origin::Default {
            self.resolve_secret_files(&origin, &mut table, all_keys(), "")?;
            self.refuse_unknown(&origin, &table, all_keys(), "")?;
        }
        let dict = match Value::serialize(&table) {
            Ok(Value::Dict(_, dict)) => dict,
            _ => Dict::new(),
        };
        let layer = Layer { metadata: Metadata::named(origin.to_string()), dict };
        self.figment = std::mem::take(&mut self.figment).merge(layer);
        self.origins.push(origin);
        Ok(())
    }

    /// Puts the text of the files that `x_file` names where `x` would stand.
    fn resolve_secret_files(
        &mut self,
        origin: &Origin,
        table: &mut Table,
        keys: &'static [Key],
        path: &str,
    ) -> Result<(), Complaint> {
        for key in keys {
            let here = join(path, key.name);
            if let Some(toml::Value::Table(inner)) = table.get_mut(key.name) {
                self.resolve_secret_files(origin, inner, within(key), &here)?;
            }
            if let (Kind::Tables(shape), Some(toml::Value::Array(list))) = (key.kind, table.get_mut(key.name))
            {
                for (position, item) in list.iter_mut().enumerate() {
                    if let toml::Value::Table(inner) = item {
                        let here = format!("{here}.{position}");
                        self.resolve_secret_files(origin, inner, (shape.keys)(), &here)?;
                    }
                }
            }
            if !matches!(key.kind, Kind::Secret) {
                continue;
            }
            let file_key = format!("{}_file", key.name);
            let place = self.place(origin, &join(path, &file_key));
            let Some(file) = table.remove(&file_key) else { continue };
            let complain =
                |what: String| Complaint { place: place.clone(), key: join(path, &file_key), what };
            if table.contains_key(key.name) {
                return Err(complain(format!("{} is given as well; one of the two has to go", key.name)));
            }
            let Some(file) = file.as_str() else {
                return Err(complain("the name of a file is text".to_owned()));
            };
            let text = read_secret(Path::new(file)).map_err(|error| complain(format!("{file}: {error}")))?;
            if fs::metadata(file).is_ok_and(|metadata| is_world_readable(&metadata)) {
                self.warnings.push(format!(
                    "{file}: every user of this machine can read this secret; run chmod 600 {file}"
                ));
            }
            table.insert(key.name.to_owned(), toml::Value::String(text));
        }
        Ok(())
    }

    fn refuse_unknown(
        &self,
        origin: &Origin,
        table: &Table,
        keys: &'static [Key],
        path: &str,
    ) -> Result<(), Complaint> {
        for (name, value) in table {
            let here = join(path, name);
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                return Err(Complaint {
                    place: self.place(origin, &here),
                    what: unknown(name, keys),
                    key: here,
                });
            };
            match (key.kind, value) {
                (Kind::Section(shape), toml::Value::Table(inner)) => {
                    self.refuse_unknown(origin, inner, (shape.keys)(), &here)?;
                }
                (Kind::Tables(shape), toml::Value::Array(list)) => {
                    for (position, item) in list.iter().enumerate() {
                        if let toml::Value::Table(inner) = item {
                            let here = format!("{here}.{position}");
                            self.refuse_unknown(origin, inner, (shape.keys)(), &here)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

struct Layer {
    metadata: Metadata,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok([(Profile::Default, self.dict.clone())].into_iter().collect())
    }
}

/// The sections.
fn all_keys() -> &'static [Key] {
    (Config::SHAPE.keys)()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn unknown(name: &str, keys: &'static [Key]) -> String {
    if let Some(near) = nearest(name, keys.iter().map(|key| key.name)) {
        return format!("there is no such key; did you mean {near}?");
    }
    let elsewhere = all_keys().iter().find(|section| within(section).iter().any(|key| key.name == name));
    match elsewhere {
        Some(section) => format!("there is no such key here; it belongs under [{}]", section.name),
        None => "there is no such key; `strongroom config example` lists all there are".to_owned(),
    }
}

/// Reads the text of a variable or flag as what its key holds. What cannot be read stays text, for the key's own
/// refusal to name.
fn read_text(kind: Kind, text: &str) -> toml::Value {
    let as_toml = || {
        let mut table: Table = toml::from_str(&format!("value = {text}")).ok()?;
        table.remove("value")
    };
    let parsed = match kind {
        Kind::Text | Kind::Secret => None,
        Kind::Number | Kind::Flag | Kind::Tables(_) | Kind::Section(_) => as_toml(),
        Kind::List if text.trim_start().starts_with('[') => as_toml(),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(items.map(toml::Value::from).collect::<Vec<_>>().into())
        }
    };
    parsed.unwrap_or_else(|| text.into())
}

/// Reads a file that holds one secret, less the line break that editors put at its end.
pub(crate) fn read_secret(path: &Path) -> Result<String, String> {
    const SECRET_BYTES_MAX: u64 = 64 * 1024;
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.len() > SECRET_BYTES_MAX {
        return Err("too large for a secret".to_owned());
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Err("the file is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// Whether users who are neither the owner nor in the file's group may read it.
pub(crate) fn is_world_readable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

fn first_secret(table: &Table, keys: &'static [Key], path: &str) -> Option<String> {
    keys.iter().find_map(|key| {
        let here = join(path, key.name);
        match (key.kind, table.get(key.name)?) {
            (Kind::Secret, _) => Some(here),
            (_, toml::Value::Table(inner)) => first_secret(inner, within(key), &here),
            _ => None,
        }
    })
}
