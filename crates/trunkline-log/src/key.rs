//! Keys of the indexes: 64-bit hashes of names, keyed per store.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip::SipHasher13;

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
    keyed: SipHasher13,
}

impl std::fmt::Debug for Hasher13 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher13 { .. }")
    }
}

impl Hasher13 {
    pub(crate) fn new(hash_key: &[u8; 16]) -> Self {
        Self { keyed: SipHasher13::new_with_key(hash_key) }
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

    /// Hashes what sort of name it is and the name. Most names are short, and one piece is hashed in half the
    /// time of two.
    fn hash(&self, sort: &[u8], name: &[u8]) -> Key {
        let mut hasher = self.keyed;
        let mut piece = [0; 64];
        let len = sort.len() + name.len();
        if len <= piece.len() {
            piece[..sort.len()].copy_from_slice(sort);
            piece[sort.len()..len].copy_from_slice(name);
            hasher.write(&piece[..len]);
        } else {
            hasher.write(sort);
            hasher.write(name);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Index files hold keys, so it must not matter in how many pieces they were hashed.
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
