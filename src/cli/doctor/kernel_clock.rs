//! Whether the kernel's clock is kept right, by whichever program does it (chrony, timesyncd, ntpd).

#![expect(unsafe_code, reason = "no crate here has a safe call for adjtimex(2)")]

use std::mem::MaybeUninit;

/// None where the kernel does not say.
pub(super) fn is_synchronized() -> Option<bool> {
    let mut timex = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: all zero octets are a valid `timex` of plain numbers, whose `modes` 0 means: read, and
    // change nothing. The kernel writes within the struct and keeps no pointer to it.
    let state = unsafe { libc::adjtimex(timex.as_mut_ptr()) };
    (state >= 0).then_some(state != libc::TIME_ERROR)
}
