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
        let mut hasher = self.keyed;
        hasher.write(&[0]);
        hasher.write(name);
        hasher.finish()
    }

    /// The key of a record's id.
    pub(crate) fn id(&self, id: &[u8; 16]) -> Key {
        let mut hasher = self.keyed;
        hasher.write(&[1]);
        hasher.write(id);
        hasher.finish()
    }

    /// The key of a label.
    pub(crate) fn label(&self, kind: u8, text: &[u8]) -> Key {
        let mut hasher = self.keyed;
        hasher.write(&[2, kind]);
        hasher.write(text);
        hasher.finish()
    }
}
