//! How coefficients are drawn: the faults that made shares of other libraries tell of their secrets.

use super::*;

/// How far counts are from all alike: about as much as there are cells, less one, for chance that is none of ours.
fn chi_square(counts: &[u32]) -> f64 {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

/// Of 15 degrees of freedom, exceeded once in ten million by uniform chance; the seeds are fixed.
const BOUND_15: f64 = 64.0;

fn low(bytes: &[u8], bits: u32) -> usize {
    usize::from(bytes[0] & ((1 << bits) - 1))
}

/// A-SHR-08. A zero draw is a coefficient like any other: it is neither drawn again nor mended. To refuse it is what
/// made shares tell of the secret (`RECOVERY.md`, section 5.1).
#[test]
fn a_coefficient_of_zero_is_taken_as_it_comes() {
    let mut lengths = Vec::new();
    let sharing = split(&number(9), 3, 5, |bytes: &mut [u8]| lengths.push(bytes.len())).unwrap();
    assert_eq!(lengths, [64, 64]);
    for share in &sharing.shares {
        assert!(share.expose()[1..] == *number(9).expose());
    }
    let read = Commitments::from_bytes(&sharing.commitments.to_bytes()).unwrap();
    assert_eq!(read, sharing.commitments);
    assert!(read.to_bytes()[POINT_BYTES..].iter().all(|byte| *byte == 0));
    assert!(same(&combine(&sharing.shares[2..], &read).unwrap(), &number(9)));
}

/// A-SHR-08: a million coefficients are even as often as odd, and uniform at both ends of the field.
#[test]
fn coefficients_are_uniform_over_the_whole_field() {
    let mut draw = chance(20);
    let (mut bottom, mut top) = ([0; 16], [0; 16]);
    for _ in 0..1_000_000 {
        let drawn = SharedScalar::draw(&mut draw).expose();
        bottom[low(&*drawn, 4)] += 1;
        top[usize::from(drawn[31] & 0x0f)] += 1;
    }
    for counts in [bottom, top] {
        assert!(chi_square(&counts) < BOUND_15, "{counts:?}");
    }
}

/// How often the lowest bits of what `threshold - 1` holders have are what, over many sharings of one secret.
fn seen(secret: u8, threshold: u8, mut draw: impl FnMut(&mut [u8])) -> [u32; 16] {
    let (secret, bits) = (number(secret), 4 / (u32::from(threshold) - 1));
    let mut counts = [0; 16];
    for _ in 0..60_000 {
        let polynomial = Polynomial::draw(secret.scalar(), threshold, &mut draw);
        let cell =
            (1..threshold).fold(0, |cell, index| cell << bits | low(&polynomial.at(index).to_bytes(), bits));
        counts[cell] += 1;
    }
    counts
}

/// A-SHR-08: what one share less than needed shows of the secret is nothing, whatever the secret is.
#[test]
fn one_share_less_than_needed_says_nothing() {
    for secret in [1, 2, 3, 200] {
        for threshold in [2, 3, 5] {
            let counts = seen(secret, threshold, chance(21));
            assert!(chi_square(&counts) < BOUND_15, "{counts:?}");
        }
    }
}

/// What the test above is worth: it tells the two generators that it is there to find. One gives odd values only; the
/// other draws again what is zero, in a field of sixteen so that zero comes up.
#[test]
fn a_biased_generator_is_told_from_a_good_one() {
    let small = |bytes: &mut [u8], drawn: u8| {
        bytes.fill(0);
        bytes[0] = drawn;
    };
    let mut source = chance(22);
    let mut sixteen = move || {
        let mut drawn = [0; 1];
        source(&mut drawn);
        drawn[0] & 0x0f
    };
    let good = seen(9, 2, |bytes: &mut [u8]| small(bytes, sixteen()));
    assert!(chi_square(&good) < BOUND_15, "{good:?}");
    let odd = seen(9, 2, |bytes: &mut [u8]| small(bytes, sixteen() | 1));
    let never_zero = seen(9, 2, |bytes: &mut [u8]| {
        let drawn = std::iter::repeat_with(&mut sixteen).find(|drawn| *drawn != 0);
        small(bytes, drawn.unwrap());
    });
    for biased in [odd, never_zero] {
        assert!(chi_square(&biased) > BOUND_15, "{biased:?}");
    }
    // What it costs: the holder of a share knows one secret that it is not.
    assert_eq!(never_zero[9], 0);
}
