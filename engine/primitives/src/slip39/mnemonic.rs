//! One mnemonic: what it says of itself, a share, and the words for both.
//!
//! | bits | what |
//! |---|---|
//! | 15 | identifier |
//! | 1 | extendable |
//! | 4 | iteration exponent |
//! | 4, 4, 4 | group, group threshold - 1, number of groups - 1 |
//! | 4, 4 | member, member threshold - 1 |
//! | 0 to 8 | zeros, so that the rest fills whole words |
//! | 128 to 256 | share |
//! | 30 | checksum |

use std::fmt;

use zeroize::Zeroizing;

use super::checksum::{self, CHECKSUM_WORDS};
use super::words::{self, LETTERS_MAX};
use super::{SECRET_BYTES_MAX, SECRET_BYTES_MIN, Slip39Error};

/// Words before the share.
const HEAD_WORDS: usize = 4;
/// Bits of a word.
const WORD_BITS: u32 = 10;
const WORDS_MAX: usize = HEAD_WORDS + (SECRET_BYTES_MAX * 8).div_ceil(WORD_BITS as usize) + CHECKSUM_WORDS;
/// Longest text of a mnemonic, in bytes.
const TEXT_BYTES_MAX: usize = WORDS_MAX * (LETTERS_MAX + 1) - 1;

/// What a mnemonic says of itself. No secret, but it tells whose set it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Of the set: 15 bits, the same in all its mnemonics.
    pub identifier: u16,
    /// Whether the set is of the extendable form, whose encryption does not depend on the identifier.
    pub extendable: bool,
    /// How slow the passphrase is to try: 0 to 15.
    pub exponent: u8,
    /// Which group, from 0.
    pub group: u8,
    /// How many groups make the secret: 1 to 16.
    pub group_threshold: u8,
    /// How many groups there are: 1 to 16.
    pub group_count: u8,
    /// Which member of the group, from 0.
    pub member: u8,
    /// How many members make the group's share: 1 to 16.
    pub member_threshold: u8,
}

impl Head {
    fn to_words(self) -> [u16; HEAD_WORDS] {
        let form = u32::from(self.extendable) << 4 | u32::from(self.exponent);
        let set = u32::from(self.identifier) << 5 | form;
        let places = [
            self.group,
            self.group_threshold - 1,
            self.group_count - 1,
            self.member,
            self.member_threshold - 1,
        ];
        let places = places.into_iter().fold(0, |places, place| places << 4 | u32::from(place));
        [set >> 10, set & 0x3ff, places >> 10, places & 0x3ff].map(|word| word as u16)
    }

    fn from_words(words: [u16; HEAD_WORDS]) -> Self {
        let [set, places] = [0, 2].map(|at| u32::from(words[at]) << 10 | u32::from(words[at + 1]));
        let nibble = |shift: u32| (places >> shift & 0xf) as u8;
        Self {
            identifier: (set >> 5) as u16,
            extendable: set >> 4 & 1 == 1,
            exponent: (set & 0xf) as u8,
            group: nibble(16),
            group_threshold: nibble(12) + 1,
            group_count: nibble(8) + 1,
            member: nibble(4),
            member_threshold: nibble(0) + 1,
        }
    }
}

/// The words that one member of one group keeps. Wiped when dropped.
#[derive(Clone)]
pub struct Mnemonic {
    pub(super) head: Head,
    pub(super) share: Zeroizing<Vec<u8>>,
}

impl Mnemonic {
    /// Reads words in lower case with one space between them: what [`Mnemonic::expose`] writes and nothing else.
    /// Whoever takes them from a person brings them into this form.
    ///
    /// # Errors
    /// [`Slip39Error::Length`], [`Slip39Error::Word`], [`Slip39Error::Checksum`], [`Slip39Error::GroupThreshold`],
    /// [`Slip39Error::Padding`].
    pub fn from_text(text: &str) -> Result<Self, Slip39Error> {
        let count = text.split(' ').take(WORDS_MAX + 1).count();
        let (words_of_share, padding) = shape(count).ok_or(Slip39Error::Length)?;
        let mut numbers = Zeroizing::new(Vec::with_capacity(count));
        for (position, word) in (1..).zip(text.split(' ')) {
            numbers.push(words::number(word).ok_or(Slip39Error::Word { position })?);
        }
        let (head, rest) = numbers.split_first_chunk().ok_or(Slip39Error::Length)?;
        let head = Head::from_words(*head);
        if !checksum::verify(head.extendable, &numbers) {
            return Err(Slip39Error::Checksum);
        }
        if head.group_threshold > head.group_count {
            return Err(Slip39Error::GroupThreshold);
        }
        Ok(Self { head, share: unpack(&rest[..words_of_share], padding)? })
    }

    /// The words, with one space between them.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut numbers = Zeroizing::new(Vec::with_capacity(WORDS_MAX));
        numbers.extend(self.head.to_words());
        pack(&self.share, &mut numbers);
        let checksum = checksum::create(self.head.extendable, &numbers);
        numbers.extend(checksum);
        // Never grown, so that no copy stays behind.
        let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES_MAX));
        for (at, number) in numbers.iter().enumerate() {
            if at > 0 {
                text.push(' ');
            }
            words::write(*number, &mut text);
        }
        text
    }

    /// What it says of itself.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mnemonic").field("head", &self.head).finish_non_exhaustive()
    }
}

/// How many words the share of a mnemonic of `count` words has, and how many zero bits stand before it.
fn shape(count: usize) -> Option<(usize, u32)> {
    let words = count.checked_sub(HEAD_WORDS + CHECKSUM_WORDS)?;
    let bits = words * WORD_BITS as usize;
    // Shares have an even number of bytes.
    let padding = bits % 16;
    let bytes = (bits - padding) / 8;
    let fits = padding <= 8 && (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes);
    fits.then_some((words, padding as u32))
}

/// Appends the words of a share, with zero bits before it so that it fills them.
fn pack(share: &[u8], numbers: &mut Vec<u16>) {
    let bits = share.len() * 8;
    let mut held = (bits.div_ceil(WORD_BITS as usize) * WORD_BITS as usize - bits) as u32;
    let mut register = Zeroizing::new(0_u32);
    for byte in share {
        *register = *register << 8 | u32::from(*byte);
        held += 8;
        if held >= WORD_BITS {
            held -= WORD_BITS;
            numbers.push((*register >> held & 0x3ff) as u16);
            *register &= (1 << held) - 1;
        }
    }
}

/// The bytes of a share, whose words begin with `padding` zero bits.
fn unpack(numbers: &[u16], padding: u32) -> Result<Zeroizing<Vec<u8>>, Slip39Error> {
    let (first, _) = numbers.split_first().ok_or(Slip39Error::Length)?;
    if first >> (WORD_BITS - padding) != 0 {
        return Err(Slip39Error::Padding);
    }
    let mut share = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX));
    let (mut register, mut held) = (Zeroizing::new(0_u32), 0);
    for (at, number) in numbers.iter().enumerate() {
        *register = *register << WORD_BITS | u32::from(*number);
        held += if at == 0 { WORD_BITS - padding } else { WORD_BITS };
        while held >= 8 {
            held -= 8;
            share.push((*register >> held & 0xff) as u8);
        }
        *register &= (1 << held) - 1;
    }
    Ok(share)
}
