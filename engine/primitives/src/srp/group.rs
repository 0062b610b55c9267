//! The two groups and the two profiles that use them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::fixed_base::FixedBase;
use super::modpow::{ArithmeticError, Modulus, Residue};
use crate::encoding::from_hex;

/// The 2048-bit prime of RFC 5054, appendix A. Its generator is 2.
const PRIME_2048: &str = concat!(
    "ac6bdb41324a9a9bf166de5e1389582faf72b6651987ee07fc3192943db56050a37329cbb4a099ed8193e0757767a13d",
    "d52312ab4b03310dcd7f48a9da04fd50e8083969edb767b0cf6095179a163ab3661a05fbd5faaae82918a9962f0b93b8",
    "55f97993ec975eeaa80d740adbf4ff747359d041d5c33ea71d281e446b14773bca97b43a23fb801676bd207a436c6481",
    "f1d2b9078717461a5b9d32e688f87748544523b524b0d57d5ea77a2775d2ecfa032cfbdbf52fb3786160279004e57ae6",
    "af874e7303ce53299ccc041c7bc308d82a5698f3a8d0c38271ae35f8e9dbfbb694b5c803d89f7ae435de236d525f5475",
    "9b65e372fcd68ef20fa7111f9e4aff73",
);
/// The 3072-bit prime of RFC 5054, appendix A. Its generator is 5.
const PRIME_3072: &str = concat!(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd",
    "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed",
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f",
    "83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b",
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510",
    "15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7",
    "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c",
    "bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
);

/// Which group, and what a proof is made of. All else is common: SHA-256, `k = H(PAD(N) | PAD(g))`,
/// `x = H(s | H(I | ":" | P))`, `u = H(PAD(A) | PAD(B))`, `K = H(PAD(S))`, `M2 = H(PAD(A) | M1 | K)`.
///
/// `PAD` is big endian, filled up with leading zeros to the length of N; every value of the group is hashed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    size: Size,
    pub(super) proof: ProofForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Bits2048,
    Bits3072,
}

/// What M1 is the hash of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofForm {
    /// `PAD(A) | PAD(B) | K`.
    Values,
    /// `H(PAD(N)) xor H(PAD(g)) | H(I) | s | PAD(A) | PAD(B) | K`.
    Everything,
}

impl Profile {
    /// What the published Meeco clients speak: 2048 bits, g = 2, `M1 = H(PAD(A) | PAD(B) | K)`.
    /// Source: `dialects/meeco.md`, 2.
    pub const MEECO: Self = Self { size: Size::Bits2048, proof: ProofForm::Values };

    /// Ours: 3072 bits, g = 5, M1 in the form of RFC 2945 over padded values, so it covers group, name and salt:
    /// `M1 = H(H(PAD(N)) xor H(PAD(g)) | H(I) | s | PAD(A) | PAD(B) | K)`.
    pub const NATIVE: Self = Self { size: Size::Bits3072, proof: ProofForm::Everything };

    /// Length of a padded value of the group (A, B, the verifier), in bytes: 256 or 384.
    #[must_use]
    pub fn group_bytes(self) -> usize {
        match self.size {
            Size::Bits2048 => 256,
            Size::Bits3072 => 384,
        }
    }

    pub(super) fn group(self) -> &'static Group {
        static BITS_2048: LazyLock<Group> = LazyLock::new(|| Group::published(PRIME_2048, 2));
        static BITS_3072: LazyLock<Group> = LazyLock::new(|| Group::published(PRIME_3072, 5));
        match self.size {
            Size::Bits2048 => &BITS_2048,
            Size::Bits3072 => &BITS_3072,
        }
    }
}

/// A group, with all that can be worked out once. The table of g takes 64 values: 16 or 24 KiB.
pub(super) struct Group {
    pub(super) modulus: Modulus,
    /// 1, to test a value for N - 1 with.
    pub(super) one: Residue,
    /// `k = H(PAD(N) | PAD(g))`.
    pub(super) multiplier: Residue,
    /// `H(PAD(N)) xor H(PAD(g))`.
    pub(super) fingerprint: [u8; 32],
    generator_powers: FixedBase,
}

impl Group {
    fn published(prime_hex: &str, generator: u8) -> Self {
        let prime = from_hex(prime_hex).expect("the published primes are hexadecimal");
        Self::new(&prime, generator).expect("the published primes are odd, and a starting process has memory")
    }

    fn new(prime: &[u8], generator: u8) -> Result<Self, ArithmeticError> {
        let modulus = Modulus::new(prime)?;
        let mut padded = vec![0; prime.len() - 1];
        padded.push(generator);
        let multiplier =
            modulus.reduce(&Sha256::new().chain_update(prime).chain_update(&padded).finalize())?;
        let mut fingerprint: [u8; 32] = Sha256::digest(prime).into();
        fingerprint.iter_mut().zip(Sha256::digest(&padded)).for_each(|(byte, other)| *byte ^= other);
        let generator_powers = FixedBase::new(&modulus, &modulus.reduce(&padded)?)?;
        Ok(Self { one: modulus.reduce(&[1])?, modulus, multiplier, fingerprint, generator_powers })
    }

    /// g to the power of a secret exponent of 32 bytes, big endian.
    pub(super) fn generator_to(&self, exponent: &[u8; 32]) -> Result<Residue, ArithmeticError> {
        self.generator_powers.pow(&self.modulus, exponent)
    }

    /// Reads a big-endian number of at most the group's length. Nothing when it is longer, empty, or not below N.
    pub(super) fn value(&self, bytes: &[u8]) -> Result<Option<Residue>, ArithmeticError> {
        let Some(zeros) = self.modulus.bytes().checked_sub(bytes.len()) else { return Ok(None) };
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut padded = zeroize::Zeroizing::new(vec![0; self.modulus.bytes()]);
        padded[zeros..].copy_from_slice(bytes);
        self.modulus.residue(&padded)
    }
}
