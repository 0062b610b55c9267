//! The 1,024 words, and both ways between a word and its number.
//!
//! `words.txt` is data of the standard, taken from the package `shamir-mnemonic` 0.3.0 (MIT, `words.LICENSE`). Words
//! have 4 to 8 letters, so one is kept as a number of 64 bits: its letters from the highest byte on, then zeros.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

/// How many words there are.
const COUNT: usize = 1024;
/// Most letters of a word.
pub(super) const LETTERS_MAX: usize = 8;

static WORDS: [u64; COUNT] = packed(include_bytes!("words.txt"));

const fn packed(list: &[u8]) -> [u64; COUNT] {
    let mut words = [0; COUNT];
    let (mut word, mut letters, mut at) = (0, 0, 0);
    let mut read = 0;
    while read < list.len() {
        if list[read] == b'\n' {
            words[at] = word;
            at += 1;
            (word, letters) = (0, 0);
        } else {
            assert!(letters < LETTERS_MAX && list[read].is_ascii_lowercase());
            word |= (list[read] as u64) << (56 - 8 * letters);
            letters += 1;
        }
        read += 1;
    }
    assert!(at == COUNT);
    words
}

/// The number of a word, 0 to 1023. Looks at the whole list.
pub(super) fn number(word: &str) -> Option<u16> {
    let letters = word.as_bytes();
    // A zero would read as the end of a word.
    if letters.len() > LETTERS_MAX || letters.contains(&0) {
        return None;
    }
    let mut padded = Zeroizing::new([0; LETTERS_MAX]);
    padded[..letters.len()].copy_from_slice(letters);
    let wanted = Zeroizing::new(u64::from_be_bytes(*padded));
    let (mut number, mut found) = (0, Choice::from(0));
    for (at, word) in (0..).zip(&WORDS) {
        let same = word.ct_eq(&wanted);
        number.conditional_assign(&at, same);
        found |= same;
    }
    bool::from(found).then_some(number)
}

/// Writes the word of a number below 1024. Looks at the whole list.
pub(super) fn write(number: u16, text: &mut String) {
    let mut word = Zeroizing::new(0);
    for (at, candidate) in (0_u16..).zip(&WORDS) {
        word.conditional_assign(candidate, at.ct_eq(&number));
    }
    let letters = Zeroizing::new(word.to_be_bytes());
    text.extend(letters.iter().take_while(|letter| **letter != 0).map(|letter| char::from(*letter)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(at: u16) -> String {
        let mut text = String::new();
        write(at, &mut text);
        text
    }

    /// The standard's own rules for the list: sorted, 4 to 8 letters, told apart by the first four.
    #[test]
    fn the_list_is_that_of_the_standard_and_both_ways_agree() {
        let words = (0..1024).map(word).collect::<Vec<_>>();
        assert!(words.is_sorted_by(|one, next| one[..4] < next[..4]));
        assert!(words.iter().all(|word| (4..=LETTERS_MAX).contains(&word.len())));
        assert!((0..).zip(&words).all(|(at, word)| number(word) == Some(at)));
        for (at, word) in [(0, "academic"), (511, "lawsuit"), (1023, "zero")] {
            assert_eq!(words[at], word);
        }
        let list = words.iter().flat_map(|word| [word, "\n"]).collect::<String>();
        assert_eq!(
            crate::encoding::to_hex(&crate::hash::sha256(list.as_bytes())),
            "bcc4555340332d169718aed8bf31dd9d5248cb7da6e5d355140ef4f1e601eec3"
        );
    }

    #[test]
    fn what_is_no_word_has_no_number() {
        for text in ["", "a", "acad", "academics", "academi", "Academic", "zero\0", "\0", "zer\u{f6}"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }
}
