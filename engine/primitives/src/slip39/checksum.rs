//! RS1024: a Reed-Solomon code over GF(1024) that finds any three wrong words of a mnemonic.

/// How many words a checksum has.
pub(super) const CHECKSUM_WORDS: usize = 3;

/// What each bit that leaves the register adds, for each of its ten bits.
const FEEDBACK: [u32; 10] = [
    0x00e0_e040,
    0x01c1_c080,
    0x0383_8100,
    0x0707_0200,
    0x0e0e_0009,
    0x1c0c_2412,
    0x3808_6c24,
    0x3090_fc48,
    0x21b1_f890,
    0x03f3_f120,
];

/// What is hashed before the words, by the form of the mnemonic.
fn customization(extendable: bool) -> &'static [u8] {
    if extendable { b"shamir_extendable" } else { b"shamir" }
}

fn register(extendable: bool, words: impl IntoIterator<Item = u16>) -> u32 {
    let prefix = customization(extendable).iter().copied().map(u16::from);
    prefix.chain(words).fold(1, |register, word| {
        let leaving = register >> 20;
        let shifted = (register & 0x000f_ffff) << 10 ^ u32::from(word);
        // A mask and no branch: the words are secret.
        (0..)
            .zip(FEEDBACK)
            .fold(shifted, |sum, (bit, feedback)| sum ^ feedback & 0_u32.wrapping_sub(leaving >> bit & 1))
    })
}

/// The three words that follow `words`.
pub(super) fn create(extendable: bool, words: &[u16]) -> [u16; CHECKSUM_WORDS] {
    let sum = register(extendable, words.iter().copied().chain([0; CHECKSUM_WORDS])) ^ 1;
    [20, 10, 0].map(|shift| (sum >> shift & 0x3ff) as u16)
}

/// Whether the last three words are those that follow the others.
pub(super) fn verify(extendable: bool, words: &[u16]) -> bool {
    register(extendable, words.iter().copied()) == 1
}
