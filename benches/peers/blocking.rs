//! The client of Redis and PostgreSQL: a thread and a socket for each connection, requests that
//! were encoded before the clock ran, replies that are counted and not kept.

use std::io::Read;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use maysend::cli::bench::drive::{Sample, now};

/// What is read at once.
const READ: usize = 1 << 20;

/// A ring of encoded requests of one size.
pub(crate) struct Requests {
    pub(crate) per_call: usize,
    pub(crate) encoded: Vec<Vec<u8>>,
    next: AtomicUsize,
}

impl Requests {
    pub(crate) fn new(
        people: &[u64],
        per_call: usize,
        encode: impl Fn(&[u64]) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<Self> {
        let encoded = people.chunks_exact(per_call).map(encode).collect::<Result<_, _>>()?;
        Ok(Self { per_call, encoded, next: AtomicUsize::new(0) })
    }

    fn next(&self) -> &[u8] {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.encoded.len().max(1);
        self.encoded.get(at).map_or(&[], Vec::as_slice)
    }
}

/// A connection that can be asked.
pub(crate) trait Asked: Send {
    /// Sends a request and reads its whole reply; says how many values were in it, and how many of
    /// them were there.
    fn ask(&mut self, request: &[u8]) -> anyhow::Result<(usize, usize)>;
}

/// Keeps one request under way on each line for so long.
pub(crate) fn closed<L: Asked>(
    lines: &mut [L],
    requests: &Requests,
    time: Duration,
) -> anyhow::Result<Sample> {
    let start = now();
    let flight = |line: &mut L| {
        let mut sample = Sample::empty()?;
        while start.elapsed() < time {
            let sent = now();
            let (values, _) = line.ask(requests.next())?;
            ensure!(values == requests.per_call, "a value is missing");
            sample.note(sent.elapsed(), values);
        }
        anyhow::Ok(sample)
    };
    let mut total = Sample::empty()?;
    std::thread::scope(|scope| {
        let flights: Vec<_> =
            lines.iter_mut().map(|line| scope.spawn(move || flight(line))).collect();
        for flight in flights {
            total.add(&flight.join().ok().context("a driver ended")??)?;
        }
        anyhow::Ok(())
    })?;
    total.elapsed = start.elapsed();
    Ok(total)
}

/// The octets that have come and were not looked at.
#[derive(Default)]
pub(crate) struct Inbox {
    octets: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    /// What has come so far.
    pub(crate) fn here(&self) -> &[u8] {
        self.octets.get(self.start..self.end).unwrap_or_default()
    }

    /// Done with the first of it.
    pub(crate) fn skip(&mut self, octets: usize) {
        self.start = (self.start + octets).min(self.end);
    }

    /// Waits for more.
    pub(crate) fn fill(&mut self, stream: &mut TcpStream) -> anyhow::Result<()> {
        self.octets.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.octets.len() < self.end + READ {
            self.octets.resize(self.end + READ, 0);
        }
        let read = stream.read(self.octets.get_mut(self.end..).unwrap_or_default())?;
        ensure!(read > 0, "the connection was closed");
        self.end += read;
        Ok(())
    }
}
