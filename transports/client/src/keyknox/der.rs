//! The few DER forms that an envelope is made of: nested lengths, written shortest, read strictly.
//!
//! Which structures there are, and in which order, is told by the reader's caller, one level at a time; so nothing
//! recurses, and the input's own length bounds all work. Object identifiers are compared as bytes, never taken apart.

/// A constructed sequence.
pub(super) const SEQUENCE: u8 = 0x30;
/// A constructed set.
pub(super) const SET: u8 = 0x31;
/// A whole number.
pub(super) const INTEGER: u8 = 0x02;
/// A string of bits; the ones here have no unused bits.
pub(super) const BIT_STRING: u8 = 0x03;
/// A string of bytes.
pub(super) const OCTET_STRING: u8 = 0x04;
/// Nothing, as an algorithm's parameter.
pub(super) const NULL: u8 = 0x05;
/// An object identifier.
pub(super) const OID: u8 = 0x06;
/// Text.
pub(super) const UTF8_STRING: u8 = 0x0c;
/// The constructed context tag `[0]`.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// The constructed context tag `[2]`.
pub(super) const CONTEXT_2: u8 = 0xa2;

/// The bytes are not the structure that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DerError;

/// Reads one level of a structure from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), DerError> {
        if self.is_done() { Ok(()) } else { Err(DerError) }
    }

    /// The tag of what comes next.
    pub(super) fn next_tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn read(&mut self, tag: u8) -> Result<&'a [u8], DerError> {
        if self.next_tag() != Some(tag) {
            return Err(DerError);
        }
        let (length, head_bytes) = read_length(&self.0[1..])?;
        let rest = &self.0[1 + head_bytes..];
        let (contents, rest) = rest.split_at_checked(length).ok_or(DerError)?;
        self.0 = rest;
        Ok(contents)
    }

    /// A reader of the next element's contents.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        self.read(tag).map(Reader)
    }

    /// The next element, whose contents must be exactly these.
    pub(super) fn expect(&mut self, tag: u8, contents: &[u8]) -> Result<(), DerError> {
        if self.read(tag)? == contents { Ok(()) } else { Err(DerError) }
    }

    /// An algorithm without parameters: the identifier, then NULL or nothing.
    pub(super) fn algorithm(&mut self, oid: &[u8]) -> Result<(), DerError> {
        let mut inner = self.enter(SEQUENCE)?;
        inner.expect(OID, oid)?;
        if !inner.is_done() {
            inner.expect(NULL, &[])?;
        }
        inner.end()
    }
}

/// A definite length in its shortest form, and how many bytes it takes. Three bytes of length are enough for 16 MiB.
fn read_length(bytes: &[u8]) -> Result<(usize, usize), DerError> {
    let (first, rest) = bytes.split_first().ok_or(DerError)?;
    if *first < 0x80 {
        return Ok((usize::from(*first), 1));
    }
    let count = usize::from(*first & 0x7f);
    let digits = rest.get(..count).filter(|_| (1..=3).contains(&count)).ok_or(DerError)?;
    let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
    let shortest = digits[0] != 0 && length >= 0x80;
    if shortest { Ok((length, 1 + count)) } else { Err(DerError) }
}

/// One element of these parts, laid end to end.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 5);
    bytes.push(tag);
    if length < 0x80 {
        bytes.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let digits = &digits[length.leading_zeros() as usize / 8..];
        bytes.push(0x80 | digits.len() as u8);
        bytes.extend_from_slice(digits);
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// A set: its members in ascending order of their encodings, as DER wants them.
pub(super) fn set(mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort_unstable();
    let members: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
    element(SET, &members)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_written_shortest_and_read_back() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let contents = vec![7; length];
            let bytes = element(OCTET_STRING, &[&contents]);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.read(OCTET_STRING).unwrap(), contents);
            reader.end().unwrap();
        }
        assert_eq!(element(NULL, &[]), [5, 0]);
        assert_eq!(element(OCTET_STRING, &[&[0; 0x80]])[..3], [4, 0x81, 0x80]);
    }

    #[test]
    fn lengths_that_are_long_indefinite_or_beyond_the_input_are_refused() {
        for bad in [
            &[4][..],
            &[4, 0x81],
            &[4, 0x81, 0x01, 7],
            &[4, 0x82, 0x00, 0x80],
            &[4, 0x80, 0, 0],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[4, 0xff],
            &[4, 2, 7],
            &[5, 0],
        ] {
            assert_eq!(Reader::new(bad).read(OCTET_STRING), Err(DerError), "{bad:?}");
        }
    }

    #[test]
    fn an_algorithm_may_come_with_null_or_nothing_and_nothing_else() {
        let oid = element(OID, &[&[1, 2]]);
        for (good, parameter) in [(true, &[][..]), (true, &[5, 0]), (false, &[4, 0]), (false, &[5, 0, 5, 0])]
        {
            let bytes = element(SEQUENCE, &[&oid, parameter]);
            assert_eq!(Reader::new(&bytes).algorithm(&[1, 2]).is_ok(), good, "{parameter:?}");
        }
        let bytes = element(SEQUENCE, &[&oid]);
        assert_eq!(Reader::new(&bytes).algorithm(&[1, 3]), Err(DerError));
    }

    proptest! {
        #[test]
        fn no_input_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), tag in any::<u8>()) {
            let mut reader = Reader::new(&bytes);
            while let Ok(contents) = reader.read(reader.next_tag().unwrap_or(tag)) {
                prop_assert!(contents.len() < bytes.len());
            }
        }
    }
}
