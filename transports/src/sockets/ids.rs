//! Names for requests, as they stand in answers and in the log.

use std::{cell::Cell, hash::BuildHasher, sync::Arc};

/// Makes request ids: 16 hexadecimal digits that tell the requests of a server apart. They are no secret.
#[derive(Default)]
pub(crate) struct RequestIds {
    mix: std::hash::RandomState,
    count: Cell<u64>,
}

impl RequestIds {
    /// The next one.
    pub(crate) fn next(&self) -> Arc<str> {
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        let mixed = self.mix.hash_one(count);
        let digits: [u8; 16] =
            std::array::from_fn(|at| b"0123456789abcdef"[(mixed >> (60 - 4 * at) & 15) as usize]);
        std::str::from_utf8(&digits).expect("hexadecimal digits are text").into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_requests_are_named_alike() {
        let ids = RequestIds::default();
        let names: BTreeSet<_> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
