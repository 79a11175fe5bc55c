//! Keys of the indexes: 64-bit hashes of names, keyed per store.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::bytes_at::u64_at;

/// A name as the indexes know it. Different names may share a key, so a match is only a hint.
pub(crate) type Key = u64;

/// A map by keys, which are hashes already.
pub(crate) type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<KeyIsHash>>;

/// Takes a key for its own hash.
#[derive(Debug, Default)]
pub(crate) struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Hashes names under the store's own random key, so that nobody outside can make names that collide.
#[derive(Clone, Copy)]
pub(crate) struct Hasher13 {
    keyed: SipHash13,
}

impl std::fmt::Debug for Hasher13 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher13 { .. }")
    }
}

impl Hasher13 {
    pub(crate) fn new(hash_key: &[u8; 16]) -> Self {
        Self { keyed: SipHash13::new(hash_key) }
    }

    /// The key of a stream.
    pub(crate) fn stream(&self, name: &[u8]) -> Key {
        self.hash(&[0], name)
    }

    /// The key of a record's id.
    pub(crate) fn id(&self, id: &[u8; 16]) -> Key {
        self.hash(&[1], id)
    }

    /// The key of a label.
    pub(crate) fn label(&self, kind: u8, text: &[u8]) -> Key {
        self.hash(&[2, kind], text)
    }

    /// Hashes what sort of name it is and the name.
    #[inline]
    fn hash(&self, sort: &[u8], name: &[u8]) -> Key {
        let mut hasher = self.keyed;
        let (start, rest) = name.split_at(name.len().min(8 - sort.len()));
        let mut word = [0; 8];
        word[..sort.len()].copy_from_slice(sort);
        word[sort.len()..sort.len() + start.len()].copy_from_slice(start);
        if sort.len() + start.len() < 8 {
            return hasher.finish(word, sort.len() + name.len());
        }
        hasher.word(u64::from_le_bytes(word));
        let (words, rest) = rest.as_chunks::<8>();
        for word in words {
            hasher.word(u64::from_le_bytes(*word));
        }
        hasher.finish(last_word(rest), sort.len() + name.len())
    }
}

/// Fewer than 8 bytes, and zeros after them.
#[inline]
fn last_word(bytes: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    // Two loads of a fixed length that overlap, instead of a call for each odd length.
    match bytes.len() {
        0 => {}
        1..4 => {
            (word[0], word[bytes.len() / 2], word[bytes.len() - 1]) =
                (bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
        }
        len => {
            word[..4].copy_from_slice(&bytes[..4]);
            word[len - 4..len].copy_from_slice(&bytes[len - 4..]);
        }
    }
    word
}

/// SipHash-1-3 of a whole message at hand, word by word: nothing is kept between the pieces of a message, which takes
/// half of the time of a short one.
#[derive(Clone, Copy)]
struct SipHash13 {
    state: [u64; 4],
}

impl SipHash13 {
    fn new(key: &[u8; 16]) -> Self {
        let (low, high) = (u64_at(key, 0), u64_at(key, 8));
        let state = [
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ];
        Self { state }
    }

    #[inline]
    fn round(&mut self) {
        let [a, b, c, d] = &mut self.state;
        *a = a.wrapping_add(*b);
        *c = c.wrapping_add(*d);
        *b = b.rotate_left(13) ^ *a;
        *d = d.rotate_left(16) ^ *c;
        *a = a.rotate_left(32).wrapping_add(*d);
        *c = c.wrapping_add(*b);
        *d = d.rotate_left(21) ^ *a;
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }

    #[inline]
    fn word(&mut self, word: u64) {
        self.state[3] ^= word;
        self.round();
        self.state[0] ^= word;
    }

    /// The hash after the last bytes, fewer than 8 and zeros, of a message of this length.
    #[inline]
    fn finish(mut self, last: [u8; 8], len: usize) -> u64 {
        self.word(u64::from_le_bytes(last) | (len as u64) << 56);
        self.state[2] ^= 0xff;
        for _ in 0..3 {
            self.round();
        }
        self.state.into_iter().fold(0, |hash, word| hash ^ word)
    }
}

#[cfg(test)]
mod tests {
    use siphasher::sip::SipHasher13;

    use super::*;

    /// Index files hold keys, so they stay what they were.
    #[test]
    fn a_key_is_the_siphash_of_sort_and_name_whatever_its_length() {
        let key = std::array::from_fn(|at| (at * 13 + 3) as u8);
        let hasher = Hasher13::new(&key);
        let text: Vec<u8> = (0..300_u32).map(|at| (at * 7 + 11) as u8).collect();
        for len in 0..text.len() {
            let name = &text[..len];
            let siphash = |sort: &[u8]| {
                let mut whole = SipHasher13::new_with_key(&key);
                whole.write(&[sort, name].concat());
                whole.finish()
            };
            assert_eq!(hasher.label(3, name), siphash(&[2, 3]), "{len}");
            assert_eq!(hasher.stream(name), siphash(&[0]), "{len}");
            if let Ok(id) = name.try_into() {
                assert_eq!(hasher.id(id), siphash(&[1]));
            }
        }
    }
}
