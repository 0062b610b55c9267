//! The BSON form: one document of binary values (subtype 0), texts and 32-bit numbers.
//!
//! A document is its whole length, its entries and a zero byte; an entry is a type, a name ended by a zero byte, and a
//! value. All lengths and numbers are 32 bits, little endian. Source: `dialects/meeco.md`, 3.2 and 3.4.

use super::{ArtefactError, Map, Value};

const BINARY: u8 = 0x05;
const TEXT: u8 = 0x02;
const NUMBER: u8 = 0x10;
const END: u8 = 0;

pub(super) fn read(document: &[u8]) -> Result<Map, ArtefactError> {
    let mut rest = Rest(document);
    if rest.length()? != document.len() {
        return Err(ArtefactError::Malformed);
    }
    let mut map = Map::default();
    loop {
        let kind = rest.byte()?;
        if kind == END {
            break;
        }
        let name = rest.name()?;
        let value = match kind {
            BINARY => Value::Binary(rest.binary()?.to_vec()),
            TEXT => Value::Text(rest.text()?.to_owned()),
            NUMBER => Value::Number(i32::from_le_bytes(rest.array()?)),
            _ => return Err(ArtefactError::Malformed),
        };
        map.insert(name, value)?;
    }
    if rest.0.is_empty() { Ok(map) } else { Err(ArtefactError::Malformed) }
}

pub(super) fn write(map: &Map) -> Vec<u8> {
    let mut document = vec![0; 4];
    for (name, value) in &map.0 {
        let kind = match value {
            Value::Binary(_) => BINARY,
            Value::Text(_) => TEXT,
            Value::Number(_) => NUMBER,
        };
        document.push(kind);
        document.extend_from_slice(name.as_bytes());
        document.push(END);
        match value {
            Value::Binary(bytes) => {
                document.extend_from_slice(&length(bytes.len()));
                document.push(0);
                document.extend_from_slice(bytes);
            }
            Value::Text(text) => {
                document.extend_from_slice(&length(text.len() + 1));
                document.extend_from_slice(text.as_bytes());
                document.push(END);
            }
            Value::Number(number) => document.extend_from_slice(&number.to_le_bytes()),
        }
    }
    document.push(END);
    let whole = length(document.len());
    document[..4].copy_from_slice(&whole);
    document
}

fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).expect("maps are far below 2 GiB").to_le_bytes()
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], ArtefactError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(ArtefactError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array(&mut self) -> Result<[u8; 4], ArtefactError> {
        self.take(4)?.try_into().map_err(|_| ArtefactError::Malformed)
    }

    fn byte(&mut self) -> Result<u8, ArtefactError> {
        Ok(self.take(1)?[0])
    }

    fn length(&mut self) -> Result<usize, ArtefactError> {
        usize::try_from(i32::from_le_bytes(self.array()?)).map_err(|_| ArtefactError::Malformed)
    }

    fn name(&mut self) -> Result<&'a [u8], ArtefactError> {
        let end = self.0.iter().position(|byte| *byte == END).ok_or(ArtefactError::Malformed)?;
        let name = self.take(end)?;
        self.take(1)?;
        Ok(name)
    }

    fn binary(&mut self) -> Result<&'a [u8], ArtefactError> {
        let length = self.length()?;
        // The generic subtype, the only one that clients write.
        if self.byte()? != 0 {
            return Err(ArtefactError::Malformed);
        }
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str, ArtefactError> {
        let length = self.length()?;
        let (end, text) = self.take(length)?.split_last().ok_or(ArtefactError::Malformed)?;
        if *end != END || text.contains(&END) {
            return Err(ArtefactError::Malformed);
        }
        str::from_utf8(text).map_err(|_| ArtefactError::Malformed)
    }
}
