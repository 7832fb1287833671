//! The one instruction that safe Rust does not have.

#![expect(unsafe_code, reason = "there is no safe prefetch; figures in the header of `lookup`")]

/// Asks for the cache line of `item`, and waits for nothing.
#[inline]
pub(super) fn prefetch<T>(item: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that a program can see and faults at no address; this
        // one is that of a live reference besides. SSE is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = item;
}
