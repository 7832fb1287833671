//! Panics of the store: caught, and told to the log instead of the terminal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;

use super::POOL;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; the text of its panic if it panics.
///
/// The first call puts a hook before the process's panic hook. It takes panics inside `work` and
/// on the store's own threads, whose names begin with `POOL`, and passes on all others.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(install);
    let outer = GUARDED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    outcome.map_err(|payload| text(payload.as_ref()).to_owned())
}

fn install() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        let name = thread.name().unwrap_or_default();
        if GUARDED.try_with(Cell::get).unwrap_or(false) || name.starts_with(POOL) {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(
                thread = name,
                place,
                panic = text(info.payload()),
                "the store panicked"
            );
        } else {
            previous(info);
        }
    }));
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
