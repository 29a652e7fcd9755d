//! The numbers behind a pause: an exact enough power without a maths library, and the derived jitter.
//!
//! `core` has no `powf`, and the platform's own differ in the last bit. Squaring in double-double arithmetic carries
//! some 104 bits, so that one final rounding gives the correctly rounded power for all exponents that occur.
//! Sources: T. J. Dekker, "A floating-point technique for extending the available precision" (1971), for the split
//! and the exact product; D. E. Knuth, TAOCP volume 2, 4.2.2, for the exact sum.

use sha2::{Digest as _, Sha256};

/// Beyond this, and below its inverse, a power times any `u64` has left the range of pauses. Stopping here also keeps
/// every product below far from overflow and underflow, where the exact product would not be exact.
const LARGE: f64 = 1e30;
const SMALL: f64 = 1e-30;

/// `trunc(initial * multiplier^exponent)`, saturating; a multiplier that is negative or NaN saturates too.
pub(super) fn scaled(initial: u64, multiplier: f64, exponent: u32) -> u64 {
    if initial == 0 {
        return 0;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // truncation and saturation are the formula
    let scaled = (initial as f64 * power(multiplier, exponent)) as u64;
    scaled
}

/// `base^exponent`, rounded once; infinite beyond [`LARGE`], for negative bases and for NaN, and 0 below [`SMALL`].
fn power(base: f64, mut exponent: u32) -> f64 {
    if base.is_nan() || base < 0.0 {
        return f64::INFINITY;
    }
    let mut square = DoubleDouble { hi: base, lo: 0.0 };
    let mut product = DoubleDouble { hi: 1.0, lo: 0.0 };
    while exponent > 0 {
        // Squares run away from 1 in one direction, and at least one more factor is still to come.
        if square.hi > LARGE {
            return f64::INFINITY;
        }
        if square.hi < SMALL {
            return 0.0;
        }
        if exponent & 1 == 1 {
            product = product.times(square);
        }
        square = square.times(square);
        exponent >>= 1;
    }
    product.hi
}

/// An unevaluated sum `hi + lo` with `|lo|` at most half a unit in the last place of `hi`.
#[derive(Clone, Copy)]
struct DoubleDouble {
    hi: f64,
    lo: f64,
}

impl DoubleDouble {
    fn times(self, other: Self) -> Self {
        let hi = self.hi * other.hi;
        let lo = product_error(self.hi, other.hi, hi) + (self.hi * other.lo + self.lo * other.hi);
        let sum = hi + lo;
        Self { hi: sum, lo: lo - (sum - hi) }
    }
}

/// `a * b - product` without error, where `product` is `a * b` rounded.
fn product_error(a: f64, b: f64, product: f64) -> f64 {
    let (a_high, a_low) = halves(a);
    let (b_high, b_low) = halves(b);
    ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
}

/// `value` as a sum of two numbers of at most 26 significant bits each.
fn halves(value: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0; // 2^27 + 1
    let scaled = SPLITTER * value;
    let high = scaled - (scaled - value);
    (high, value - high)
}

/// The derived jitter: `delay_ms` less up to half of it, by the hash of `jitter_seed` and the attempt's number.
///
/// `r` is the first four bytes, big-endian, of `SHA-256(jitter_seed || attempt_number as u32 big-endian)`; the result
/// is `delay_ms - ((delay_ms / 2 * r) >> 32)`, in integers. It is never longer than `delay_ms` nor shorter than half.
pub fn jittered(delay_ms: u64, jitter_seed: &[u8; 32], attempt_number: u32) -> u64 {
    let hash = Sha256::new().chain_update(jitter_seed).chain_update(attempt_number.to_be_bytes()).finalize();
    let r = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let half = delay_ms / 2;
    // `half * r / 2^32` in 64 bits: the high and low words of `half` are multiplied apart.
    let (high, low) = (half >> 32, half & u64::from(u32::MAX));
    delay_ms - (high * u64::from(r) + ((low * u64::from(r)) >> 32))
}
