//! The filter of a run: says of most keys that are not in it that they aren't, at the price of one block.
//!
//! A Bloom filter in blocks of one cache line. A key's block follows from its highest bits, so a run that is
//! written in the order of its keys fills one block after the other.

use crate::key::Key;

/// Bytes of a block.
pub(crate) const BLOCK_LEN: usize = 64;

/// Keys for which a block is provided: about ten bits a key, of which one foreign key in a hundred passes.
const KEYS_A_BLOCK: u64 = 50;

/// Bits that a key sets in its block.
const BITS: u32 = 6;

/// How many blocks a run with this many keys has.
pub(crate) fn blocks_for(keys: u64) -> u64 {
    keys.div_ceil(KEYS_A_BLOCK).max(1)
}

/// The block of a key.
pub(crate) fn block_of(key: Key, blocks: u64) -> u64 {
    ((u128::from(key) * u128::from(blocks)) >> 64) as u64
}

/// The bits of a key in its block.
fn bits_of(key: Key) -> impl Iterator<Item = usize> {
    let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..BITS).map(move |number| ((mixed >> (9 * number)) & 511) as usize)
}

/// Adds a key to its block.
pub(crate) fn insert(block: &mut [u8; BLOCK_LEN], key: Key) {
    for bit in bits_of(key) {
        block[bit / 8] |= 1 << (bit % 8);
    }
}

/// A key with what a block has to have if it was added there: the same in every filter, so it is made once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    pub(crate) key: Key,
    /// The key's bits in a block, as little-endian numbers.
    bits: [u64; BLOCK_LEN / 8],
}

impl Probe {
    pub(crate) fn new(key: Key) -> Self {
        let mut bits = [0; BLOCK_LEN / 8];
        for bit in bits_of(key) {
            bits[bit / 64] |= 1 << (bit % 64);
        }
        Self { key, bits }
    }

    /// Whether the key may have been added to the block.
    ///
    /// All bits are looked at before anything is decided: nobody could guess which of them is missing, and a wrong
    /// guess costs more than the rest of them.
    #[inline]
    pub(crate) fn may_be_in(&self, block: &[u8; BLOCK_LEN]) -> bool {
        let (words, _) = block.as_chunks::<8>();
        let missing = words
            .iter()
            .zip(&self.bits)
            .fold(0, |missing, (word, bits)| missing | (bits & !u64::from_le_bytes(*word)));
        missing == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrambled(number: u64) -> Key {
        crate::key::Hasher13::new(&[5; 16]).stream(&number.to_le_bytes())
    }

    #[test]
    fn added_keys_pass_and_few_others_do() {
        let count = 20_000;
        let blocks = blocks_for(count);
        let mut filter = vec![[0; BLOCK_LEN]; blocks as usize];
        let number = |key| block_of(key, blocks) as usize;
        for key in (0..count).map(scrambled) {
            insert(&mut filter[number(key)], key);
        }
        assert!((0..count).map(scrambled).all(|key| Probe::new(key).may_be_in(&filter[number(key)])));
        let foreign = (count..2 * count).map(scrambled);
        let passed = foreign.filter(|key| Probe::new(*key).may_be_in(&filter[number(*key)])).count();
        assert!(passed < count as usize / 40, "{passed} of {count} foreign keys passed");
    }
}
