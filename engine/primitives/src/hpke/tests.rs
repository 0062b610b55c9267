use proptest::prelude::*;

use super::*;
use crate::encoding::{array_from_hex, from_hex};
use crate::sharing::{Share, SharedScalar, split};

/// RFC 9180, appendix A.2.1: base mode of the suite, encryption 0.
mod rfc9180 {
    pub(super) const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
    pub(super) const SEED_OF_SEAL: &str = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b";
    pub(super) const PUBLIC_OF_SEAL: &str =
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
    pub(super) const SEED_OF_HOLDER: &str =
        "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df";
    pub(super) const SECRET: &str = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
    pub(super) const PUBLIC: &str = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
    pub(super) const TEXT: &str = "4265617574792069732074727574682c20747275746820626561757479";
    pub(super) const AAD: &str = "436f756e742d30";
    pub(super) const BODY: &str =
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";
}

fn holder() -> HolderSecret {
    HolderSecret::derive([3; 32])
}

#[test]
fn keys_and_seals_are_those_of_rfc_9180() {
    let bytes = |text: &str| from_hex(text).unwrap();
    let secret = HolderSecret::from_bytes(array_from_hex(rfc9180::SECRET).unwrap());
    let derived = HolderSecret::derive(array_from_hex(rfc9180::SEED_OF_HOLDER).unwrap());
    assert!(*derived.expose() == *secret.expose());
    assert_eq!(to_hex(secret.public().as_bytes()), rfc9180::PUBLIC);
    let (info, aad, text) = (bytes(rfc9180::INFO), bytes(rfc9180::AAD), bytes(rfc9180::TEXT));
    let drawn = array_from_hex(rfc9180::SEED_OF_SEAL).unwrap();
    let sealed = secret.public().seal(&info, &aad, &text, drawn).unwrap();
    assert_eq!(to_hex(&sealed), [rfc9180::PUBLIC_OF_SEAL, rfc9180::BODY].concat());
    assert_eq!(*secret.open(&info, &aad, &sealed).unwrap(), text);
}

#[test]
fn a_seal_opens_for_its_holder_its_info_and_its_aad_only() {
    let sealed = holder().public().seal(b"info", b"aad", b"text", [5; 32]).unwrap();
    assert_eq!(sealed.len(), 4 + OVERHEAD_BYTES);
    assert_eq!(*holder().open(b"info", b"aad", &sealed).unwrap(), b"text");
    for (secret, info, aad) in [
        (HolderSecret::derive([4; 32]), &b"info"[..], &b"aad"[..]),
        (holder(), b"inf", b"aad"),
        (holder(), b"info", b""),
        (holder(), b"infoa", b"ad"),
    ] {
        assert_eq!(secret.open(info, aad, &sealed).unwrap_err(), HpkeError::Open);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let sealed = holder().public().seal(b"info", b"aad", b"abc", [5; 32]).unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut bad = sealed.clone();
            bad[at] ^= 1 << bit;
            let refused = holder().open(b"info", b"aad", &bad).unwrap_err();
            assert_eq!(refused, HpkeError::Open, "byte {at}, bit {bit}");
        }
        assert_eq!(holder().open(b"info", b"aad", &sealed[..at]).unwrap_err(), HpkeError::Open);
    }
    assert_eq!(holder().open(b"info", b"aad", &[sealed, vec![0]].concat()).unwrap_err(), HpkeError::Open);
}

/// Points of low order would fix the key of a seal whatever the other side's secret is.
#[test]
fn no_point_of_low_order_is_a_holder_or_opens() {
    let mut one = [0; KEY_BYTES];
    one[0] = 1;
    for bad in [[0; KEY_BYTES], one] {
        assert_eq!(HolderPublic::from_bytes(bad).unwrap_err(), HpkeError::LowOrder);
        let sealed = [&bad[..], &[0; 20]].concat();
        assert_eq!(holder().open(b"", b"", &sealed).unwrap_err(), HpkeError::Open);
    }
}

#[test]
fn info_has_at_most_4096_bytes() {
    let (fits, long) = (vec![1; INFO_BYTES_MAX], vec![1; INFO_BYTES_MAX + 1]);
    let sealed = holder().public().seal(&fits, b"", b"text", [5; 32]).unwrap();
    assert_eq!(*holder().open(&fits, b"", &sealed).unwrap(), b"text");
    for info in [long, vec![1; 1 << 20]] {
        assert_eq!(holder().public().seal(&info, b"", b"text", [5; 32]).unwrap_err(), HpkeError::Info);
        assert_eq!(holder().open(&info, b"", &sealed).unwrap_err(), HpkeError::Info);
    }
}

/// A-LEAK-01.
#[test]
fn nothing_secret_is_printed() {
    let printed = format!("{:?}", HolderSecret::from_bytes(array_from_hex(rfc9180::SECRET).unwrap()));
    assert_eq!(printed, format!("HolderSecret(of {})", rfc9180::PUBLIC));
}

/// `RECOVERY.md`, section 5.3: a dealer seals each share to its holder; no other holder can open it, and what a holder
/// opens is the share that was committed to.
#[test]
fn shares_travel_sealed_to_their_holders() {
    let scalar = SharedScalar::draw(|bytes: &mut [u8]| bytes.fill(7));
    let mut turn = 0;
    let sharing = split(&scalar, 2, 3, |bytes: &mut [u8]| {
        turn += 1;
        bytes.fill(turn);
    });
    let sharing = sharing.unwrap();
    let info = |share: &Share| [b"strongroom-escrow-v1", &[share.index()][..]].concat();
    let holders = [1, 2, 3].map(|seed| HolderSecret::derive([seed; 32]));
    for (holder, share) in holders.iter().zip(&sharing.shares) {
        let drawn = [share.index() + 100; 32];
        let sealed = holder.public().seal(&info(share), b"", &*share.expose(), drawn).unwrap();
        for other in &holders {
            let opened = other.open(&info(share), b"", &sealed);
            if other.public() == holder.public() {
                let share = Share::from_bytes(&opened.unwrap()).unwrap();
                sharing.commitments.check(&share).unwrap();
            } else {
                assert_eq!(opened.unwrap_err(), HpkeError::Open);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_text_comes_back(
        seed in any::<[u8; 32]>(),
        drawn in any::<[u8; 32]>(),
        info in prop::collection::vec(any::<u8>(), 0..200),
        aad in prop::collection::vec(any::<u8>(), 0..200),
        text in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let holder = HolderSecret::from_bytes(seed);
        let sealed = holder.public().seal(&info, &aad, &text, drawn).unwrap();
        prop_assert_eq!(&*holder.open(&info, &aad, &sealed).unwrap(), &text);
    }

    #[test]
    fn no_bytes_make_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(holder().open(b"", b"", &bytes).unwrap_err(), HpkeError::Open);
    }
}
