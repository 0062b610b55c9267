//! GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, and polynomials over it. No tables and no branches on values.

use zeroize::Zeroizing;

/// The product, bit by bit.
fn multiply(mut one: u8, mut other: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= one & 0_u8.wrapping_sub(other & 1);
        let carry = 0_u8.wrapping_sub(one >> 7);
        one = one << 1 ^ 0x1b & carry;
        other >>= 1;
    }
    product
}

/// One over the value, as its power of 254; 0 for 0.
fn invert(value: u8) -> u8 {
    (1..8)
        .fold((1, value), |(inverse, power), _| {
            let power = multiply(power, power);
            (multiply(inverse, power), power)
        })
        .0
}

/// The values at `at` of the polynomials through `points`, one for each byte: places that are all different, and as
/// many bytes at each. Places are no secret.
pub(super) fn interpolate(points: &[(u8, &[u8])], at: u8) -> Zeroizing<Vec<u8>> {
    let length = points.first().map_or(0, |(_, bytes)| bytes.len());
    let mut values = Zeroizing::new(vec![0; length]);
    for (own, bytes) in points {
        let others = points.iter().map(|(place, _)| *place).filter(|place| place != own);
        let weight =
            others.fold(1, |weight, place| multiply(weight, multiply(at ^ place, invert(own ^ place))));
        for (value, byte) in values.iter_mut().zip(*bytes) {
            *value ^= multiply(weight, *byte);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, sections 4.2 and 4.2.1, has these products.
    #[test]
    fn products_are_those_of_the_field_of_aes_and_every_value_has_its_inverse() {
        for (one, other, product) in
            [(0x57, 0x83, 0xc1), (0x57, 0x13, 0xfe), (0x57, 0x10, 0x07), (0x53, 0xca, 1)]
        {
            assert_eq!(multiply(one, other), product);
            assert_eq!(multiply(other, one), product);
        }
        assert_eq!(invert(0), 0);
        assert!((1..=255).all(|value| multiply(value, invert(value)) == 1));
    }

    #[test]
    fn a_polynomial_goes_through_its_points() {
        let points: [(u8, &[u8]); 3] = [(0, &[1, 2]), (7, &[3, 200]), (255, &[90, 0])];
        for (place, bytes) in points {
            assert_eq!(*interpolate(&points, place), bytes);
        }
    }
}
