use proptest::prelude::*;

use super::*;

const GOOD: &str = "duckling enlarge academic academic agency result length solution fridge kidney coal piece deal \
                    husband erode duke ajar critical decision keyboard";

fn refused(text: &str) -> Slip39Error {
    Mnemonic::from_text(text).unwrap_err()
}

#[test]
fn a_mnemonic_has_one_spelling() {
    let read = Mnemonic::from_text(GOOD).unwrap();
    assert_eq!(*read.expose(), GOOD);
    assert_eq!(refused(&GOOD.replace("keyboard", "Keyboard")), Slip39Error::Word { position: 20 });
    assert_eq!(refused(&GOOD.replace("result", "resu")), Slip39Error::Word { position: 6 });
    assert_eq!(refused(&GOOD.replace("result", "resultresult")), Slip39Error::Word { position: 6 });
    assert_eq!(refused(&GOOD.replace("result", "r\u{e9}sult")), Slip39Error::Word { position: 6 });
    assert_eq!(refused(&GOOD.replacen(' ', "\t", 1)), Slip39Error::Length);
    assert_eq!(refused(&GOOD.replacen(' ', "  ", 1)), Slip39Error::Length);
    assert_eq!(refused(&format!("{GOOD}\n")), Slip39Error::Word { position: 20 });
    // 22 words by number, of which two are empty.
    assert_eq!(refused(&format!(" {GOOD} ")), Slip39Error::Word { position: 1 });
}

#[test]
fn mnemonics_have_as_many_words_as_secrets_of_even_length_need() {
    let lengths = [20, 22, 23, 25, 27, 28, 30, 31, 33];
    for (bytes, words) in (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).step_by(2).zip(lengths) {
        let mnemonic = &two_of_three(bytes)[2];
        let text = mnemonic.expose();
        assert_eq!(text.split(' ').count(), words, "{bytes} bytes");
        let read = Mnemonic::from_text(&text).unwrap();
        assert_eq!((read.head(), &*read.expose()), (mnemonic.head(), &*text));
    }
    for words in (0..=40).filter(|words| !lengths.contains(words)).chain([1 << 20]) {
        assert_eq!(refused(&vec!["academic"; words].join(" ")), Slip39Error::Length, "{words} words");
    }
}

#[test]
fn a_head_says_what_the_plan_said() {
    let groups = [Group { threshold: 16, count: 16 }; 16];
    let plan = Plan { group_threshold: 16, groups: &groups, exponent: 3, extendable: false };
    let set = split(&[7; 16], &passphrase(""), &plan, |bytes: &mut [u8]| bytes.fill(0xff)).unwrap();
    let last = Mnemonic::from_text(&set[15][15].expose()).unwrap();
    let head = Head {
        identifier: 0x7fff,
        extendable: false,
        exponent: 3,
        group: 15,
        group_threshold: 16,
        group_count: 16,
        member: 15,
        member_threshold: 16,
    };
    assert_eq!(last.head(), head);
    assert_eq!(set[15][15].head(), head);
}

/// A-LEAK-01.
#[test]
fn nothing_secret_is_printed() {
    let mnemonics = two_of_three(16);
    assert!(format!("{:?}", mnemonics[0]).ends_with("member_threshold: 2 }, .. }"));
    let encrypted = combine(&mnemonics[1..]).unwrap();
    assert_eq!(format!("{encrypted:?}"), "EncryptedSecret(16 bytes)");
}

proptest! {
    /// The checksum finds up to three wrong words wherever they are, and two that have changed places.
    #[test]
    fn wrong_words_are_found(
        wrong in prop::collection::btree_map(0_usize..20, 0_usize..20, 1..=3),
        swapped in (0_usize..20, 0_usize..20),
    ) {
        let words = GOOD.split(' ').collect::<Vec<_>>();
        let mut changed = words.clone();
        for (at, other) in &wrong {
            changed[*at] = words[*other];
        }
        if changed != words {
            prop_assert_eq!(refused(&changed.join(" ")), Slip39Error::Checksum);
        }
        let mut changed = words.clone();
        changed.swap(swapped.0, swapped.1);
        if changed != words {
            prop_assert_eq!(refused(&changed.join(" ")), Slip39Error::Checksum);
        }
    }

    #[test]
    fn no_text_makes_the_reader_fall(text in "[a-z ]{0,300}|\\PC{0,300}") {
        prop_assert!(Mnemonic::from_text(&text).is_err());
    }
}
