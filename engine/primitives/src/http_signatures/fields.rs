//! Structured fields (RFC 9651), in their one spelling.

use sfv::{Dictionary, FieldType, InnerList, ListEntry, Parser};

use super::{FIELD_BYTES_MAX, Refusal};

/// Fields that have one value. A reader that takes the first and a verifier that joins them would differ.
const SINGLE: [&str; 5] = ["authorization", "content-length", "content-type", "date", "host"];

/// The value of a field: its lines without surrounding white space, joined by a comma and a space.
/// `None` when there is no line.
pub(super) fn value(fields: &[(&str, &str)], name: &str) -> Result<Option<String>, Refusal> {
    let mut lines =
        fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, line)| *line);
    let Some(first) = lines.next() else { return Ok(None) };
    let mut joined = first.trim_matches([' ', '\t']).to_owned();
    for line in lines {
        if SINGLE.contains(&name) {
            return Err(Refusal::FieldRepeated);
        }
        joined.push_str(", ");
        joined.push_str(line.trim_matches([' ', '\t']));
    }
    Ok(Some(joined))
}

/// A dictionary field, measured before it is read. `None` when it is absent.
pub(super) fn dictionary(fields: &[(&str, &str)], name: &str) -> Result<Option<Dictionary>, Refusal> {
    let lines = fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
    if lines.map(|(_, line)| line.len() + 2).sum::<usize>() > FIELD_BYTES_MAX + 2 {
        return Err(Refusal::FieldLength);
    }
    value(fields, name)?.map(|text| read_dictionary(&text)).transpose()
}

/// The dictionary, if the text is what writing it gives: no member or parameter twice, no second spelling.
fn read_dictionary(text: &str) -> Result<Dictionary, Refusal> {
    let dictionary: Dictionary = Parser::new(text).parse().map_err(|_| Refusal::FieldForm)?;
    if dictionary.serialize().as_deref() == Some(text) { Ok(dictionary) } else { Err(Refusal::FieldForm) }
}

/// An inner list with its parameters, as it stands in a dictionary.
pub(super) fn write_list(list: InnerList) -> String {
    vec![ListEntry::InnerList(list)].serialize().expect("a list of one member is not empty")
}

/// A member of a dictionary, as it stands there.
pub(super) fn write_member(member: &ListEntry) -> String {
    match member {
        ListEntry::Item(item) => item.serialize(),
        ListEntry::InnerList(list) => write_list(list.clone()),
    }
}
