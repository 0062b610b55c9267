//! The permissions document, version "1": what a key may do, and that no key grants more than it holds.
//!
//! A document is four layers, and the innermost that speaks decides: the default, the class of operation, the class
//! within a resource, the endpoint. Which key is root, and that root needs no document, belongs to whoever keeps keys.
//! Names of transaction types are the only strings here that a stranger chooses; the caller bounds the text.
//! Source: `dialects/dragonchain.md`, section 5.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

pub use self::table::{Class, ENDPOINTS, Endpoint};

const VERSION: &str = "1";
const ALLOWED: &str = "allowed";
const TYPES: &str = "transaction_types";

/// What is wrong with a document. `place` is a path such as `permissions.api_keys`, of names that the version knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Another version than "1".
    #[error("version is not \"1\"")]
    Version,
    /// A required member is not there.
    #[error("{place} is missing")]
    Missing {
        /// Which one.
        place: String,
    },
    /// A member that the version does not know.
    #[error("{place} holds an unknown name")]
    Unknown {
        /// The object that holds it.
        place: String,
    },
    /// Another kind of value than an object.
    #[error("{place} is not an object")]
    NotObject {
        /// Which one.
        place: String,
    },
    /// Another kind of value than `true` or `false`.
    #[error("{place} is not a boolean")]
    NotBoolean {
        /// Which one.
        place: String,
    },
}

/// What a key may do. Two documents are equal when they were written alike, not when they allow the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionsDocument {
    default_allow: bool,
    classes: Classes,
    resources: BTreeMap<&'static str, Resource>,
}

/// `allow_create` and its like, where they are there.
type Classes = BTreeMap<Class, bool>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Resource {
    classes: Classes,
    endpoints: BTreeMap<&'static str, Rule>,
}

/// What a document says of one endpoint. Only `create_transaction` has types, and may leave out `allowed`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allowed: Option<bool>,
    types: Option<BTreeMap<String, bool>>,
}

impl Rule {
    /// What the rule says of a transaction type, `None` standing for all that it does not name.
    fn for_type(&self, name: Option<&str>) -> Option<bool> {
        let named = self.types.as_ref().and_then(|types| name.and_then(|name| types.get(name)));
        match (self.allowed, named) {
            // Denied as a whole, so only what is allowed by name is allowed.
            (Some(false), named) => Some(named == Some(&true)),
            (_, Some(false)) => Some(false),
            // A type that is allowed by name adds nothing to what is allowed anyway.
            (allowed, _) => allowed,
        }
    }
}

impl PermissionsDocument {
    /// What a key gets that is made without a document: everything but making, changing and deleting keys.
    #[must_use]
    pub fn for_new_keys() -> Self {
        let denied = [Class::Create, Class::Update, Class::Delete].map(|class| (class, false));
        let keys = Resource { classes: denied.into(), endpoints: BTreeMap::new() };
        Self { resources: [(Endpoint::CREATE_API_KEY.resource(), keys)].into(), ..Self::for_root() }
    }

    /// What a root key shows: everything.
    #[must_use]
    pub fn for_root() -> Self {
        Self { default_allow: true, classes: Classes::new(), resources: BTreeMap::new() }
    }

    /// Reads a document, which came out of [`crate::json::parse`].
    ///
    /// # Errors
    /// [`DocumentError`], the first that is found.
    pub fn read(value: &Value) -> Result<Self, DocumentError> {
        let place = Place("the document".to_owned());
        let members = place.object(value)?;
        for name in ["version", "default_allow", "permissions"] {
            if !members.contains_key(name) {
                return Err(DocumentError::Missing { place: name.to_owned() });
            }
        }
        if members.len() != 3 {
            return Err(place.unknown());
        }
        if members["version"] != VERSION {
            return Err(DocumentError::Version);
        }
        let default_allow = Place("default_allow".to_owned()).boolean(&members["default_allow"])?;
        let place = Place("permissions".to_owned());
        let (mut classes, mut resources) = (Classes::new(), BTreeMap::new());
        for (name, value) in place.object(&members["permissions"])? {
            if let Some(class) = Class::allowed_by(name) {
                classes.insert(class, place.of(class.member()).boolean(value)?);
            } else {
                let resource = table::resource(name).ok_or_else(|| place.unknown())?;
                resources.insert(resource, read_resource(&place.of(resource), resource, value)?);
            }
        }
        Ok(Self { default_allow, classes, resources })
    }

    /// Writes the document: the same value that was read.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut permissions = write_classes(&self.classes);
        for (name, resource) in &self.resources {
            let mut members = write_classes(&resource.classes);
            members
                .extend(resource.endpoints.iter().map(|(name, rule)| ((*name).to_owned(), rule.to_json())));
            permissions.insert((*name).to_owned(), Value::Object(members));
        }
        json!({"version": VERSION, "default_allow": self.default_allow, "permissions": permissions})
    }

    /// The document as JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_json().to_string()
    }

    /// Whether a key with this document may use an endpoint. For `create_transaction`: whether there is a type of
    /// transaction that it may create; which ones says [`PermissionsDocument::allows_transaction`].
    #[must_use]
    pub fn allows(&self, endpoint: Endpoint) -> bool {
        let named = self.types_of(endpoint).map(|name| Some(name.as_str()));
        named.chain([None]).any(|name| self.decide(endpoint, name))
    }

    /// Whether a key with this document may create transactions of a type.
    #[must_use]
    pub fn allows_transaction(&self, type_name: &str) -> bool {
        self.decide(Endpoint::CREATE_TRANSACTION, Some(type_name))
    }

    /// Whether everything that `other` allows is allowed here too: whether a key with this document may give `other` to
    /// a key. Every transaction type that either names is compared, and the unnamed rest.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        ENDPOINTS.iter().all(|endpoint| {
            let types: BTreeSet<&String> =
                self.types_of(*endpoint).chain(other.types_of(*endpoint)).collect();
            let mut names = types.into_iter().map(|name| Some(name.as_str())).chain([None]);
            names.all(|name| self.decide(*endpoint, name) || !other.decide(*endpoint, name))
        })
    }

    fn rule(&self, endpoint: Endpoint) -> Option<&Rule> {
        self.resources.get(endpoint.resource())?.endpoints.get(endpoint.name())
    }

    fn types_of(&self, endpoint: Endpoint) -> impl Iterator<Item = &String> {
        self.rule(endpoint).and_then(|rule| rule.types.as_ref()).into_iter().flat_map(BTreeMap::keys)
    }

    fn decide(&self, endpoint: Endpoint, type_name: Option<&str>) -> bool {
        let resource = self.resources.get(endpoint.resource());
        let of_class = |classes: &Classes| classes.get(&endpoint.class()).copied();
        self.rule(endpoint)
            .and_then(|rule| rule.for_type(type_name))
            .or_else(|| resource.and_then(|resource| of_class(&resource.classes)))
            .or_else(|| of_class(&self.classes))
            .unwrap_or(self.default_allow)
    }
}

/// As its text, so that one form serves rows and answers.
impl Serialize for PermissionsDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for PermissionsDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = crate::json::parse(text.as_bytes()).map_err(de::Error::custom)?;
        Self::read(&value).map_err(de::Error::custom)
    }
}

fn read_resource(place: &Place, resource: &str, value: &Value) -> Result<Resource, DocumentError> {
    let mut read = Resource::default();
    for (name, value) in place.object(value)? {
        if let Some(class) = Class::allowed_by(name) {
            read.classes.insert(class, place.of(class.member()).boolean(value)?);
        } else {
            let endpoint = Endpoint::named(name).filter(|endpoint| endpoint.resource() == resource);
            let endpoint = endpoint.ok_or_else(|| place.unknown())?;
            read.endpoints.insert(endpoint.name(), read_rule(&place.of(endpoint.name()), endpoint, value)?);
        }
    }
    Ok(read)
}

fn read_rule(place: &Place, endpoint: Endpoint, value: &Value) -> Result<Rule, DocumentError> {
    let has_types = endpoint == Endpoint::CREATE_TRANSACTION;
    let mut rule = Rule { allowed: None, types: None };
    for (name, value) in place.object(value)? {
        match name.as_str() {
            ALLOWED => rule.allowed = Some(place.of(ALLOWED).boolean(value)?),
            TYPES if has_types => {
                let place = place.of(TYPES);
                let types = place.object(value)?.iter();
                let types = types.map(|(name, value)| Ok((name.clone(), place.boolean_within(value)?)));
                rule.types = Some(types.collect::<Result<_, _>>()?);
            }
            _ => return Err(place.unknown()),
        }
    }
    if rule.allowed.is_none() && !has_types {
        return Err(DocumentError::Missing { place: place.of(ALLOWED).0 });
    }
    Ok(rule)
}

impl Rule {
    fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.extend(self.allowed.map(|allowed| (ALLOWED.to_owned(), allowed.into())));
        members.extend(self.types.as_ref().map(|types| (TYPES.to_owned(), json!(types))));
        Value::Object(members)
    }
}

fn write_classes(classes: &Classes) -> Map<String, Value> {
    classes.iter().map(|(class, allowed)| (class.member().to_owned(), (*allowed).into())).collect()
}

/// Where in a document the reader is.
struct Place(String);

impl Place {
    fn of(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    fn unknown(&self) -> DocumentError {
        DocumentError::Unknown { place: self.0.clone() }
    }

    fn object<'a>(&self, value: &'a Value) -> Result<&'a Map<String, Value>, DocumentError> {
        value.as_object().ok_or_else(|| DocumentError::NotObject { place: self.0.clone() })
    }

    fn boolean(&self, value: &Value) -> Result<bool, DocumentError> {
        value.as_bool().ok_or_else(|| DocumentError::NotBoolean { place: self.0.clone() })
    }

    /// A member whose name a stranger chose is not repeated.
    fn boolean_within(&self, value: &Value) -> Result<bool, DocumentError> {
        self.of("*").boolean(value)
    }
}

#[cfg(test)]
mod tests;
