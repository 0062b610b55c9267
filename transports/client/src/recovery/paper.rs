//! A share as words on paper: 33 words of SLIP-0039, a set of one. Its index is written beside them.

use strongroom_primitives::{
    secret::SecretText,
    sharing::{INDEXED_BYTES, Share},
    slip39::{self, Group, Mnemonic, Plan},
};
use zeroize::Zeroizing;

use super::RecoveryError;

/// The words of a share, without its index. `drawn`: two bytes of chance, by which people tell papers apart.
///
/// # Errors
/// None for a share; the type is that of [`slip39::split`].
pub fn to_words(share: &Share, drawn: [u8; 2]) -> Result<Zeroizing<String>, RecoveryError> {
    let plan = Plan {
        group_threshold: 1,
        groups: &[Group { threshold: 1, count: 1 }],
        exponent: 0,
        extendable: true,
    };
    let draw = |buffer: &mut [u8]| buffer.iter_mut().zip(drawn).for_each(|(byte, drawn)| *byte = drawn);
    let set = slip39::split(&share.expose()[1..], &no_passphrase(), &plan, draw)?;
    Ok(set[0][0].expose())
}

/// The share that words are, of the holder of this index.
///
/// # Errors
/// [`RecoveryError::Words`] for words that are none or are altered; [`RecoveryError::Sharing`] for those of another secret,
/// or index 0. That they are of another holder is seen when shares are combined.
pub fn from_words(index: u8, words: &str) -> Result<Share, RecoveryError> {
    let encrypted = slip39::combine(&[Mnemonic::from_text(words)?])?;
    let scalar = encrypted.decrypt(&no_passphrase())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(INDEXED_BYTES));
    bytes.push(index);
    bytes.extend_from_slice(&scalar);
    Ok(Share::from_bytes(&bytes)?)
}

fn no_passphrase() -> SecretText {
    SecretText::new(String::new())
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::sharing::{SharedScalar, Sharing, combine, split};

    use super::*;

    /// A-SHR-09: what is read back is the share; a word or an index that is wrong is noticed.
    #[test]
    fn a_share_comes_back_from_its_words() {
        let mut turn = 0;
        let mut draw = |bytes: &mut [u8]| {
            turn += 1;
            bytes.fill(turn);
        };
        let scalar = SharedScalar::draw(&mut draw);
        let Sharing { shares, commitments } = split(&scalar, 2, 3, &mut draw).unwrap();
        let words: Vec<_> = shares.iter().map(|share| to_words(share, [1, 2]).unwrap()).collect();
        assert_eq!(words[0].split(' ').count(), 33);
        let read = |index, text: &str| from_words(index, text);
        let again = [read(1, &words[0]).unwrap(), read(3, &words[2]).unwrap()];
        assert!(*combine(&again, &commitments).unwrap().expose() == *scalar.expose());
        let moved = [read(2, &words[0]).unwrap(), read(3, &words[2]).unwrap()];
        assert!(combine(&moved, &commitments).is_err());
        let altered = words[0].replacen(words[0].split(' ').next().unwrap(), "academic", 1);
        assert!(matches!(read(1, &altered), Err(RecoveryError::Words(_))));
        assert!(matches!(read(0, &words[0]), Err(RecoveryError::Sharing(_))));
    }
}
