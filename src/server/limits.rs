//! What a server takes at most, each a flag of `serve` with the reason of its default.
//!
//! MEMORY: what strangers can make a server hold is at most `max_connections` times
//! `connection_window` (messages that nobody reads) and 256 KiB (a message that is let in always),
//! plus `max_held` (messages being read and answered), plus 64 KiB for each call under way.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::grpc::Most;

/// The limits of a server.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Octets of a message: 10,000 addresses to write are 2.6 MB, the rest is for wrong ones.
    #[arg(long, value_name = "OCTETS", value_parser = octets, default_value = "64MiB")]
    pub max_message: usize,
    /// Addresses of a check: 0.3 ms of work each 10,000; a write has 10,000 at most in any case.
    #[arg(long, value_name = "N", default_value = "100000")]
    pub max_addresses: usize,
    /// Connections at a time: a host has some hundred workers. At the limit the one that was idle
    /// for longest makes room.
    #[arg(long, value_name = "N", default_value = "1024")]
    pub max_connections: usize,
    /// TLS handshakes under way: each takes 1 ms; at the limit the oldest makes room.
    #[arg(long, value_name = "N", default_value = "64")]
    pub max_handshakes: usize,
    /// Time to begin: the handshake and the first octets of HTTP/2. A slow line takes two seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub handshake_timeout: Duration,
    /// Calls of one connection at a time: more than the processors can be working on.
    #[arg(long, value_name = "N", default_value = "256")]
    pub max_streams: u32,
    /// Calls under way in all; a connection gets a quarter of those that are free. Others are
    /// refused with RESOURCE_EXHAUSTED at once.
    #[arg(long, value_name = "N", default_value = "4096")]
    pub max_calls: usize,
    /// Octets of large messages (above 32 KiB) under way in all; a connection gets a quarter of
    /// those that are free. Four of the largest messages.
    #[arg(long, value_name = "OCTETS", value_parser = octets, default_value = "256MiB")]
    pub max_held: usize,
    /// Octets of the headers of a call: a credential and an actor take less than 1 KiB.
    #[arg(long, value_name = "OCTETS", value_parser = octets, default_value = "16KiB")]
    pub max_header_list: usize,
    /// Calls that a client may take back before they are begun: a client that loses patience with a
    /// few dozen at once is still served. More close the connection.
    #[arg(long, value_name = "N", default_value = "64")]
    pub max_pending_resets: usize,
    /// Calls that the server had to reset for faults of the client: no sound client makes any. More
    /// close the connection.
    #[arg(long, value_name = "N", default_value = "64")]
    pub max_reset_errors: usize,
    /// Octets of a call's messages that are taken before they are read: 10,000 addresses wait for
    /// nothing.
    #[arg(long, value_name = "OCTETS", value_parser = octets, default_value = "2MiB")]
    pub stream_window: usize,
    /// The same for all calls of a connection.
    #[arg(long, value_name = "OCTETS", value_parser = octets, default_value = "4MiB")]
    pub connection_window: usize,
    /// Octets of an answer that wait in a connection to be sent: a few round trips on a fast line.
    #[arg(long, value_name = "OCTETS", value_parser = octets, default_value = "256KiB")]
    pub send_buffer: usize,
    /// Time for a message to arrive whole: 64 MiB at 20 Mbit/s.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub message_timeout: Duration,
    /// Time that an answer waits for a client that takes nothing: longer than a client pauses to
    /// collect garbage, to wait for a lock or to fail over.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "120")]
    pub stall_timeout: Duration,
    /// A silent connection is asked whether it lives after so long: one who follows says nothing
    /// for days.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub keep_alive: Duration,
    /// And is cut off if it does not answer for so long.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "20")]
    pub keep_alive_timeout: Duration,
    /// A connection without a call for so long is closed: clients open another when they need it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "900")]
    pub max_idle: Duration,
    /// A connection is closed after so long, so that a certificate that was withdrawn is of use for
    /// a day at most: clients open another.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "86400")]
    pub max_age: Duration,
    /// Its calls may take so long to end then: as long as the largest list takes to filter.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "600")]
    pub age_grace: Duration,
}

impl Limits {
    /// What the edge takes at most.
    pub(super) const fn most(&self) -> Most {
        Most { octets: self.max_message, addresses: self.max_addresses }
    }
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 64 * MIB,
            max_addresses: 100_000,
            max_connections: 1024,
            max_handshakes: 64,
            handshake_timeout: Duration::from_secs(10),
            max_streams: 256,
            max_calls: 4096,
            max_held: 256 * MIB,
            max_header_list: 16 * KIB,
            max_pending_resets: 64,
            max_reset_errors: 64,
            stream_window: 2 * MIB,
            connection_window: 4 * MIB,
            send_buffer: 256 * KIB,
            message_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(120),
            keep_alive: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(20),
            max_idle: Duration::from_secs(900),
            max_age: Duration::from_secs(86_400),
            age_grace: Duration::from_secs(600),
        }
    }
}

/// `65536`, `64KiB` or `1MiB`; at most 1 GiB.
fn octets(text: &str) -> Result<usize, String> {
    let (digits, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(digits), _) => (digits, KIB),
        (_, Some(digits)) => (digits, MIB),
        (None, None) => (text, 1),
    };
    let octets = usize::from_str(digits).ok().and_then(|count| count.checked_mul(unit));
    match octets {
        Some(octets @ 1..=0x4000_0000) => Ok(octets),
        Some(_) => Err("is not between 1 and 1024MiB".to_owned()),
        None => Err("is no number of octets, such as 65536, 64KiB or 1MiB".to_owned()),
    }
}

/// Whole seconds, at least one, at most ten years.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=315_360_000) => Ok(Duration::from_secs(seconds)),
        Ok(_) => Err("is not between 1 and 315360000".to_owned()),
        Err(_) => Err("is no number of seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        limits: Limits,
    }

    #[test]
    fn the_flags_have_the_defaults() {
        assert_eq!(Line::parse_from(["x"]).limits, Limits::default());
        let line = ["x", "--max-held", "3MiB", "--max-idle", "7", "--max-streams", "9"];
        let limits = Line::parse_from(line).limits;
        assert_eq!((limits.max_held, limits.max_streams), (3 * MIB, 9));
        assert_eq!(limits.max_idle, Duration::from_secs(7));
    }

    #[test]
    fn octets_and_seconds_are_read_whole_or_not_at_all() {
        assert_eq!(octets("5"), Ok(5));
        assert_eq!(octets("1024MiB"), Ok(1 << 30));
        for wrong in ["", "0", "MiB", "-1", "1.5MiB", "1025MiB", "1GiB", "99999999999999999999"] {
            assert!(octets(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "0", "1s", "-1", "315360001"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
