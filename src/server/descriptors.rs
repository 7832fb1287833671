//! File descriptors: each connection takes one, and systems hand out 1,024 unless they are asked.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What ledger, checkpoint, listeners, log and the admin port take at most, besides connections.
const OTHERS: u64 = 256;

/// Asks for as many as `connections` take, and says so where the system does not give them.
pub(super) fn reserve(connections: usize) {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let current = Some(maximum.map_or(needed, |maximum| maximum.min(needed)));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, maximum }) {
        tracing::warn!(%error, "no more file descriptors");
    }
    if let Some(maximum) = maximum.filter(|maximum| *maximum < needed) {
        tracing::warn!(
            needed,
            maximum,
            "too few file descriptors for --max-connections: lower it, or raise LimitNOFILE"
        );
    }
}
