//! Memory that is of no more use, for the system.
//!
//! sled holds a hundred megabytes while a checkpoint is read or written, and the allocator keeps
//! what was freed until somebody asks it for more. A sidecar shares its machine: at 2 million
//! addresses that was half of what it took.

#![expect(unsafe_code, reason = "the allocator has no safe call for it")]

/// Gives back what the allocator holds for nobody. Takes milliseconds.
pub(super) fn give_back() {
    // SAFETY: may be called at any time from any thread, and touches only memory that is free; where
    // another allocator serves, as in tests, it finds nothing.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
