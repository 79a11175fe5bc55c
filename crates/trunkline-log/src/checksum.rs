//! CRC-32 of a whole record, which every read of it computes.
//!
//! `crc32fast` computes the same. Where the processor multiplies polynomials two at a time (`VPCLMULQDQ`), a record of
//! a few hundred bytes takes two thirds of the time here, because what is left after the widest steps is folded in the
//! next widest instead of the narrowest.

/// The CRC-32 of these bytes.
#[inline]
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= wide::LEN_MIN
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("pclmulqdq")
    {
        #[expect(unsafe_code, reason = "the function needs instructions that not every processor has")]
        // SAFETY: this one has them; it was just asked.
        return unsafe { wide::crc(bytes) };
    }
    crc32fast::hash(bytes)
}

/// Folding, as in "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Gopal and others, 2009):
/// a block is replaced by one some bits further on that leaves the same remainder, and combined with what is there.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_add_epi8, _mm_and_si128, _mm_clmulepi64_si128, _mm_cmpgt_epi8,
        _mm_cvtsi32_si128, _mm_extract_epi32, _mm_or_si128, _mm_set_epi32, _mm_set_epi64x, _mm_set1_epi8,
        _mm_setr_epi8, _mm_shuffle_epi8, _mm_srli_si128, _mm_xor_si128, _mm256_castsi128_si256,
        _mm256_castsi256_si128, _mm256_clmulepi64_epi128, _mm256_extracti128_si256, _mm256_set_epi64x,
        _mm256_xor_si256,
    };

    /// The fewest bytes that are worth it.
    pub(super) const LEN_MIN: usize = 160;

    /// The polynomial of CRC-32, with its highest bit.
    const POLYNOMIAL: u64 = 0x1_04C1_1DB7;

    /// The remainder of x to this power, its bits in the order of the checksum's.
    const fn power(exponent: u32) -> i64 {
        let (mut remainder, mut number) = (1_u64, 0);
        while number < exponent {
            remainder <<= 1;
            if remainder >> 32 != 0 {
                remainder ^= POLYNOMIAL;
            }
            number += 1;
        }
        ((remainder as u32).reverse_bits() as i64) << 1
    }

    /// The factors that take a block so many bits further on.
    const fn factors(bits: u32) -> (i64, i64) {
        (power(bits - 32), power(bits + 32))
    }

    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn both(bits: (i64, i64)) -> __m256i {
        _mm256_set_epi64x(bits.0, bits.1, bits.0, bits.1)
    }

    /// Takes 32 bytes on to where `next` is.
    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn fold_32(block: __m256i, next: __m256i, factors: __m256i) -> __m256i {
        let low = _mm256_clmulepi64_epi128::<0x00>(block, factors);
        let high = _mm256_clmulepi64_epi128::<0x11>(block, factors);
        _mm256_xor_si256(next, _mm256_xor_si256(low, high))
    }

    /// Takes 16 bytes on to where `next` is.
    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn fold_16(block: __m128i, next: __m128i, factors: __m128i) -> __m128i {
        let low = _mm_clmulepi64_si128::<0x00>(block, factors);
        let high = _mm_clmulepi64_si128::<0x11>(block, factors);
        _mm_xor_si128(next, _mm_xor_si128(low, high))
    }

    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn load_32(bytes: &[u8; 32]) -> __m256i {
        let word = |at: usize| i64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        _mm256_set_epi64x(word(24), word(16), word(8), word(0))
    }

    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn load_16(bytes: &[u8; 16]) -> __m128i {
        let word = |at: usize| i64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        _mm_set_epi64x(word(8), word(0))
    }

    /// The checksum of at least [`LEN_MIN`] bytes.
    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    pub(super) fn crc(bytes: &[u8]) -> u32 {
        let (blocks, rest) = bytes.as_chunks::<128>();
        let lanes = |block: &[u8; 128]| {
            let (parts, _) = block.as_chunks::<32>();
            [load_32(&parts[0]), load_32(&parts[1]), load_32(&parts[2]), load_32(&parts[3])]
        };
        let [first, blocks @ ..] = blocks else { unreachable!("there are at least {LEN_MIN} bytes") };
        let mut four = lanes(first);
        four[0] = _mm256_xor_si256(four[0], _mm256_castsi128_si256(_mm_cvtsi32_si128(-1)));
        let on_128 = both(const { factors(128 * 8) });
        for block in blocks {
            let next = lanes(block);
            four = [
                fold_32(four[0], next[0], on_128),
                fold_32(four[1], next[1], on_128),
                fold_32(four[2], next[2], on_128),
                fold_32(four[3], next[3], on_128),
            ];
        }
        let on_32 = both(const { factors(32 * 8) });
        let mut one = fold_32(four[0], four[1], on_32);
        one = fold_32(one, four[2], on_32);
        one = fold_32(one, four[3], on_32);
        let (blocks, rest) = rest.as_chunks::<32>();
        for block in blocks {
            one = fold_32(one, load_32(block), on_32);
        }
        let (back, on) = const { factors(16 * 8) };
        let on_16 = _mm_set_epi64x(back, on);
        let mut half = fold_16(_mm256_castsi256_si128(one), _mm256_extracti128_si256::<1>(one), on_16);
        let (blocks, rest) = rest.as_chunks::<16>();
        for block in blocks {
            half = fold_16(half, load_16(block), on_16);
        }
        if let (false, Some(last)) = (rest.is_empty(), bytes.last_chunk::<16>()) {
            half = fold_rest(half, load_16(last), rest.len() as i8, on_16);
        }
        reduce(half, on_16)
    }

    /// Takes 16 bytes on by fewer than 16, to the end, of which `last` are the last 16 bytes.
    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn fold_rest(block: __m128i, last: __m128i, count: i8, on_16: __m128i) -> __m128i {
        let places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        // A place that is negative gives a zero.
        let moved = _mm_add_epi8(places, _mm_set1_epi8(count - 16));
        let pushed_out = _mm_shuffle_epi8(block, moved);
        let kept = _mm_shuffle_epi8(block, _mm_xor_si128(moved, _mm_set1_epi8(i8::MIN)));
        let new = _mm_and_si128(last, _mm_cmpgt_epi8(places, _mm_set1_epi8(15 - count)));
        fold_16(pushed_out, _mm_or_si128(kept, new), on_16)
    }

    /// The remainder of the last 16 bytes, by Barrett's method.
    #[target_feature(enable = "avx2,pclmulqdq,vpclmulqdq")]
    fn reduce(block: __m128i, on_16: __m128i) -> u32 {
        /// The polynomial, and ⌊x⁶⁴ ÷ polynomial⌋, both with their bits in the order of the checksum's.
        const BARRETT: (i64, i64) = (0x1_F701_1641, 0x1_DB71_0641);
        let low_32 = _mm_set_epi32(0, 0, 0, -1);
        let in_96 = _mm_xor_si128(_mm_clmulepi64_si128::<0x10>(block, on_16), _mm_srli_si128::<8>(block));
        let on_8 = _mm_set_epi64x(0, const { power(64) });
        let low = _mm_clmulepi64_si128::<0x00>(_mm_and_si128(in_96, low_32), on_8);
        let in_64 = _mm_xor_si128(low, _mm_srli_si128::<4>(in_96));
        let barrett = _mm_set_epi64x(BARRETT.0, BARRETT.1);
        let quotient = _mm_clmulepi64_si128::<0x10>(_mm_and_si128(in_64, low_32), barrett);
        let product = _mm_clmulepi64_si128::<0x00>(_mm_and_si128(quotient, low_32), barrett);
        !(_mm_extract_epi32::<1>(_mm_xor_si128(in_64, product)).cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc(b"123456789".repeat(100).as_slice()), crc32fast::hash(&b"123456789".repeat(100)));
    }

    #[test]
    fn every_length_and_every_place_in_memory_gives_the_same_checksum() {
        let bytes: Vec<u8> = (0..3000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for len in 0..1200 {
            let from = len % 67;
            let part = &bytes[from..from + len];
            assert_eq!(crc(part), crc32fast::hash(part), "{len} bytes from {from}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_the_checksum_that_crc32fast_gives_them(
            bytes in proptest::collection::vec(any::<u8>(), 0..4000),
        ) {
            prop_assert_eq!(crc(&bytes), crc32fast::hash(&bytes));
        }
    }
}
