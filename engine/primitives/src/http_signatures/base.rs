//! Components, and the signature base: the exact bytes that are signed (RFC 9421, section 2.5).

use sfv::{BareItem, FieldType, InnerList, Item, Key, Parameters, String as SfvString};

use super::message::Message;
use super::{COMPONENTS_MAX, Refusal, fields};

const DERIVED: [&str; 6] = ["@method", "@authority", "@path", "@query", "@target-uri", "@status"];
const OF_REQUEST: &str = "req";
const MEMBER: &str = "key";

/// One thing that a signature covers. Two are the same whatever the order of their parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    /// A derived component or a field, in lower case.
    pub(super) name: String,
    /// `;req`: of the request that a response answers.
    pub(super) of_request: bool,
    /// `;key`: one member of a dictionary field.
    pub(super) member: Option<String>,
}

impl Component {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), of_request: false, member: None }
    }

    pub(super) fn is_derived(&self) -> bool {
        self.name.starts_with('@')
    }

    /// Reads an item of a covered list. Every parameter but `;req` and `;key` changes how a value is written, and none
    /// of those is needed here.
    fn read(item: &Item) -> Result<Self, Refusal> {
        let name = item.bare_item.as_string().ok_or(Refusal::Component)?;
        let mut component = Self::named(name.as_str());
        for (parameter, value) in &item.params {
            match (parameter.as_str(), value) {
                (OF_REQUEST, BareItem::Boolean(true)) => component.of_request = true,
                (MEMBER, BareItem::String(member)) => component.member = Some(member.as_str().to_owned()),
                _ => return Err(Refusal::Component),
            }
        }
        let is_token = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        };
        let known = if component.is_derived() {
            DERIVED.contains(&component.name.as_str()) && component.member.is_none()
        } else {
            !component.name.is_empty() && component.name.bytes().all(is_token)
        };
        if known { Ok(component) } else { Err(Refusal::Component) }
    }

    /// Writes an item of a covered list.
    pub(super) fn to_item(&self) -> Result<Item, Refusal> {
        let string = |text: &str| SfvString::from_string(text.to_owned()).map_err(|_| Refusal::Component);
        let mut parameters = Parameters::new();
        if self.of_request {
            parameters.insert(key(OF_REQUEST), BareItem::Boolean(true));
        }
        if let Some(member) = &self.member {
            parameters.insert(key(MEMBER), BareItem::String(string(member)?));
        }
        Ok(Item::with_params(BareItem::String(string(&self.name)?), parameters))
    }
}

/// A name that this module spells.
pub(super) fn key(name: &'static str) -> Key {
    Key::from_string(name.to_owned()).expect("a name in lower case is a key")
}

/// The components of a covered list.
pub(super) fn components(list: &InnerList) -> Result<Vec<Component>, Refusal> {
    if list.items.len() > COMPONENTS_MAX {
        return Err(Refusal::TooMany);
    }
    let components = list.items.iter().map(Component::read).collect::<Result<Vec<_>, _>>()?;
    let repeated = components.iter().enumerate().any(|(at, component)| components[..at].contains(component));
    if repeated { Err(Refusal::ComponentRepeated) } else { Ok(components) }
}

/// The signature base: a line for each component, and the list itself with its parameters last.
pub(super) fn signature_base(message: Message<'_>, list: &InnerList) -> Result<String, Refusal> {
    let mut base = String::new();
    for (item, component) in list.items.iter().zip(components(list)?) {
        base.push_str(&item.serialize());
        base.push_str(": ");
        base.push_str(&message.value(&component)?);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&fields::write_list(list.clone()));
    Ok(base)
}
