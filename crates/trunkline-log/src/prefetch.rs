//! Having memory fetched into the processor's caches before it is looked at.

/// Has these items fetched, without waiting for them: it only hints, and does nothing where there is no way to.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn prefetch<T>(items: &[T]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    /// What the processor fetches at once.
    const CACHE_LINE_BYTES: usize = 64;

    let start = items.as_ptr().cast::<i8>();
    // From the beginning of a line, so that none at the end is left out.
    let before = start.addr() % CACHE_LINE_BYTES;
    let line = start.wrapping_sub(before);
    for at in (0..before + size_of_val(items)).step_by(CACHE_LINE_BYTES) {
        #[expect(
            unsafe_code,
            reason = "the intrinsic takes a pointer; to read instead would wait for each line"
        )]
        // SAFETY: a prefetch neither reads nor writes nor faults, wherever it points.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.wrapping_add(at));
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn prefetch<T>(_items: &[T]) {}
