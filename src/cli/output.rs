//! What is printed: text for stdout and stderr, tables, numbers and instants as people read them.

use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;

/// Whoever read our stdout has seen enough. Ends the command without a word.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(super) struct ReaderGone;

/// Prints data.
///
/// # Errors
/// `ReaderGone` where the pipe is closed, and whatever else happens to stdout.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        written => Ok(written?),
    }
}

/// Prints talk. A closed stderr is nobody to tell.
pub(super) fn say(text: impl fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows in columns two spaces apart, each line indented. The last column is not filled up.
pub(super) fn table<const N: usize>(align: [Align; N], rows: &[[String; N]]) -> String {
    let width = |text: &str| text.chars().count();
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, align), widest) in row.iter().zip(align).zip(widths) {
            let gap = " ".repeat(widest - width(cell));
            line.push_str("  ");
            match align {
                Align::Left => line.extend([cell.as_str(), gap.as_str()]),
                Align::Right => line.extend([gap.as_str(), cell.as_str()]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `2026-11-21 22:54:03 UTC`; empty where there is no such instant.
pub(super) fn instant(timestamp: Option<&prost_types::Timestamp>) -> String {
    let Some(instant) = parse(timestamp) else { return String::new() };
    instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// RFC 3339; none where there is no such instant.
pub(super) fn rfc3339(timestamp: Option<&prost_types::Timestamp>) -> Option<String> {
    parse(timestamp).map(|instant| instant.to_string())
}

fn parse(timestamp: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let prost_types::Timestamp { seconds, nanos } = timestamp?;
    Timestamp::new(*seconds, *nanos).ok()
}

/// Two digits an octet.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_has_no_trailing_space() {
        let rows = [["7", "b\u{fc}ro", ""], ["1,200", "x", "z"]].map(|row| row.map(str::to_owned));
        let text = table([Align::Right, Align::Left, Align::Left], &rows);
        assert_eq!(text, "      7  b\u{fc}ro\n  1,200  x     z\n");
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn instants_are_shown_in_utc() {
        let instant_of = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
        assert_eq!(instant(Some(&instant_of(0))), "1970-01-01 00:00:00 UTC");
        assert_eq!(rfc3339(Some(&instant_of(0))).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(instant(Some(&instant_of(i64::MAX))), "");
    }
}
