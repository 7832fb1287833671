//! Cuts a stream of octets into rows, and keeps every octet.
//!
//! Why not csv-core: it tells fields, not where a record ends. The line feed of CR LF falls to the
//! record after it, as do empty lines, and so a row could not be written as it came. Here a row is
//! the octets up to and with its line feed, and the rows one after the other are the input.
//!
//! A quote opens a field only at the field's start, as in RFC 4180. INVARIANT(whole rows): a row in
//! which something follows a closing quote, or which holds a lone CR outside quotes, is `Malformed`
//! and never allowed. Where somebody's stray quote swallows the rows that follow, the next quote
//! closes it and something follows; so the swallowed addresses do not pass with the first one.

use std::io::{self, Read};

use memchr::{memchr, memchr2};

/// What is read at once.
const BLOCK: usize = 1 << 20;

/// The longest row.
const MAX_ROW: usize = 1 << 20;

/// From here on a row that has not ended is looked at again only after twice as much has come.
const LONG: usize = 64 << 10;

/// How rows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Grammar {
    /// With the line.
    Lines,
    /// With the line, unless a quoted field is open.
    Csv { delimiter: u8 },
}

/// How a row is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Shape {
    /// It holds no quote that matters.
    Plain,
    /// Fields are quoted.
    Quoted,
    /// The quotes contradict each other, or a CR stands alone.
    Malformed,
}

/// A row with its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Row<'a> {
    pub(in crate::cli) octets: &'a [u8],
    pub(in crate::cli) shape: Shape,
}

/// The input cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RowError {
    #[error("cannot read the list")]
    Io(#[from] io::Error),
    #[error("the row that begins in line {line} is longer than 1 MiB; is a quote never closed?")]
    TooLong { line: u64 },
    #[error("the quote in the row that begins in line {line} is never closed")]
    Unclosed { line: u64 },
}

/// Where a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum End {
    At {
        len: usize,
        shape: Shape,
    },
    /// More octets have to come first.
    Open,
    /// No octets come any more, and a quote is open.
    Unclosed,
}

/// The rows of a source.
pub(in crate::cli) struct Rows<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where in the buffer the next row begins, and where the octets end.
    start: usize,
    end: usize,
    /// INVARIANT(quiet): between the start and here stands neither a quote nor a CR. So a run of
    /// rows without them is looked through once, not row by row.
    quiet: usize,
    /// The source has ended.
    ended: bool,
    /// The line in which the next row begins, from 1.
    line: u64,
}

impl<R: Read> Rows<R> {
    pub(in crate::cli) fn new(source: R) -> Self {
        let buffer = vec![0; MAX_ROW + BLOCK];
        Self { source, buffer, start: 0, end: 0, quiet: 0, ended: false, line: 1 }
    }

    /// What is read and not yet taken.
    pub(in crate::cli) fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// No more octets than the pending ones will come.
    pub(in crate::cli) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// The line in which the pending octets begin, from 1.
    pub(in crate::cli) const fn line(&self) -> u64 {
        self.line
    }

    /// Reads on, behind what is pending.
    ///
    /// # Errors
    /// The source's, and `TooLong` where there is no room left.
    pub(in crate::cli) fn read_on(&mut self) -> Result<(), RowError> {
        let pending = self.end - self.start;
        if pending > MAX_ROW {
            return Err(RowError::TooLong { line: self.line });
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.quiet = self.quiet.saturating_sub(self.start);
            (self.start, self.end) = (0, pending);
        }
        let enough = if pending < LONG { pending + 1 } else { 2 * pending };
        while self.end < enough && !self.ended {
            let Some(room) = self.buffer.get_mut(self.end..).filter(|room| !room.is_empty()) else {
                break;
            };
            match self.source.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes so many of the pending octets, which end where a row ends.
    pub(in crate::cli) fn take(&mut self, len: usize) -> &[u8] {
        let from = self.start;
        self.start = self.end.min(from + len);
        let taken = self.buffer.get(from..self.start).unwrap_or_default();
        self.line += lines(taken);
        taken
    }

    /// The next row; none at the end.
    ///
    /// # Errors
    /// `RowError`.
    pub(in crate::cli) fn next(&mut self, grammar: Grammar) -> Result<Option<Row<'_>>, RowError> {
        loop {
            if self.start < self.end {
                match self.row_end(grammar) {
                    End::At { len, .. } if len > MAX_ROW => {
                        return Err(RowError::TooLong { line: self.line });
                    }
                    End::At { len, shape } => {
                        let from = self.start;
                        self.start += len;
                        let octets = self.buffer.get(from..self.start).unwrap_or_default();
                        // A plain row is one line.
                        self.line += if shape == Shape::Plain { 1 } else { lines(octets) };
                        return Ok(Some(Row { octets, shape }));
                    }
                    End::Unclosed => return Err(RowError::Unclosed { line: self.line }),
                    End::Open => {}
                }
            } else if self.ended {
                return Ok(None);
            }
            self.read_on()?;
        }
    }
}

impl<R> Rows<R> {
    /// What `Grammar::end` says of the pending octets.
    fn row_end(&mut self, grammar: Grammar) -> End {
        let line_feed = memchr(b'\n', self.buffer.get(self.start..self.end).unwrap_or_default());
        if let Some(at) = line_feed
            && (grammar == Grammar::Lines || self.is_plain(self.start + at + 1))
        {
            return End::At { len: at + 1, shape: Shape::Plain };
        }
        let pending = self.buffer.get(self.start..self.end).unwrap_or_default();
        grammar.end(pending, self.ended)
    }

    /// Whether what ends here with a line feed holds no quote, and no CR but before that.
    fn is_plain(&mut self, end: usize) -> bool {
        if self.quiet < end {
            self.quiet = self.quiet.max(self.start);
            let rest = self.buffer.get(self.quiet..self.end).unwrap_or_default();
            self.quiet += memchr2(b'"', b'\r', rest).unwrap_or(rest.len());
        }
        self.quiet >= end || (self.quiet + 2 == end && self.buffer.get(self.quiet) == Some(&b'\r'))
    }
}

fn lines(octets: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', octets).fold(0, |lines, _| lines + 1)
}

impl Grammar {
    /// Where the first row of `pending` ends; `ended` if nothing follows.
    pub(in crate::cli) fn end(self, pending: &[u8], ended: bool) -> End {
        let len = match memchr(b'\n', pending) {
            Some(at) => at + 1,
            None if ended => pending.len(),
            None => return End::Open,
        };
        let plain = End::At { len, shape: Shape::Plain };
        let Self::Csv { delimiter } = self else { return plain };
        let line = pending.get(..len).unwrap_or_default();
        match memchr2(b'"', b'\r', line) {
            None => plain,
            // The CR of the line end.
            Some(at) if at + 2 == len && line.ends_with(b"\r\n") => plain,
            Some(_) => quoted(pending, ended, delimiter),
        }
    }
}

/// The same of a row that may hold quoted fields or a CR.
fn quoted(pending: &[u8], ended: bool, delimiter: u8) -> End {
    let mut shape = Shape::Plain;
    let mut at = 0;
    loop {
        let Some(found) = find(pending, at, |rest| memchr::memchr3(b'"', b'\r', b'\n', rest))
        else {
            let len = pending.len();
            return if ended { End::At { len, shape } } else { End::Open };
        };
        match pending.get(found) {
            Some(b'\n') => return End::At { len: found + 1, shape },
            Some(b'\r') => match pending.get(found + 1) {
                Some(b'\n') => return End::At { len: found + 2, shape },
                None if !ended => return End::Open,
                _ => (shape, at) = (Shape::Malformed, found + 1),
            },
            _ => {
                // A quote further inside a field is a letter like others.
                if found > 0 && pending.get(found - 1) != Some(&delimiter) {
                    at = found + 1;
                    continue;
                }
                match closed(pending, found + 1, ended) {
                    Closed::Open => return End::Open,
                    Closed::Unclosed => return End::Unclosed,
                    Closed::At(behind) => {
                        at = behind;
                        if shape == Shape::Plain {
                            shape = Shape::Quoted;
                        }
                        if !ends_field(pending, behind, delimiter) {
                            shape = Shape::Malformed;
                        }
                    }
                }
            }
        }
    }
}

enum Closed {
    /// Behind the closing quote.
    At(usize),
    Open,
    Unclosed,
}

/// Where the quoted field whose content begins at `at` is closed.
fn closed(pending: &[u8], mut at: usize, ended: bool) -> Closed {
    let open = if ended { Closed::Unclosed } else { Closed::Open };
    loop {
        let Some(quote) = find(pending, at, |rest| memchr(b'"', rest)) else { return open };
        match pending.get(quote + 1) {
            Some(b'"') => at = quote + 2,
            None if !ended => return Closed::Open,
            _ => return Closed::At(quote + 1),
        }
    }
}

/// Whether a field ends here: the delimiter, a line end or nothing follows.
fn ends_field(pending: &[u8], at: usize, delimiter: u8) -> bool {
    match pending.get(at..).unwrap_or_default() {
        [] | [b'\n', ..] | [b'\r', b'\n', ..] => true,
        // The CR's line feed may not have come yet; `quoted` looks at the CR next.
        [b'\r'] => true,
        [first, ..] => *first == delimiter,
    }
}

fn find(octets: &[u8], from: usize, look: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    look(octets.get(from..)?).map(|at| from + at)
}

/// The row's text and its line end, which is empty, LF or CR LF.
pub(in crate::cli) fn split_line_end(row: &[u8]) -> (&[u8], &[u8]) {
    let end = match row {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    row.split_at_checked(row.len() - end).unwrap_or((row, &[]))
}
