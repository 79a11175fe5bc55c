//! Having bytes fetched into the processor's caches before they are looked at.

/// Has these bytes fetched, without waiting for them: it only hints, and does nothing where there is no way to.
#[cfg(target_arch = "x86_64")]
pub(crate) fn prefetch(bytes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    /// What the processor fetches at once.
    const CACHE_LINE_BYTES: usize = 64;

    for line in bytes.chunks(CACHE_LINE_BYTES) {
        #[expect(
            unsafe_code,
            reason = "the intrinsic takes a pointer; to read instead would wait for each line"
        )]
        // SAFETY: the pointer is to a byte of a live slice, and a prefetch neither reads nor writes nor faults.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn prefetch(_bytes: &[u8]) {}
