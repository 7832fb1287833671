//! The run of an import: while one chunk is with the server the next is read. One call is under way
//! at a time, so that the rows take effect in their order.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use indicatif::ProgressBar;
use tokio::sync::mpsc::channel;
use tokio::task::spawn_blocking;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::chunk::{Chunk, Chunks};
use super::facts::Caller;
use super::tally::{Fate, Reason, Tally};
use crate::cli::fault::Fault;
use crate::cli::list::added::Added;
use crate::cli::list::layout::Layout;
use crate::cli::list::rows::RowError;
use crate::cli::output::grouped;
use crate::grpc::api::ImportFactsResponse;

/// What a refused row gets besides its own columns.
const ADDED: Added = Added(["maysend_reason", "maysend_explanation"]);

/// What ends a run early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Server(#[from] Fault),
    #[error("the server answered {found} of {expected} rows")]
    Count { expected: usize, found: usize },
    #[error(transparent)]
    Input(#[from] RowError),
    #[error("cannot write the refused rows")]
    Rejects(#[source] io::Error),
    #[error("a thread failed")]
    Thread(#[from] tokio::task::JoinError),
}

/// What became of a file.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// Why it ended before the file did.
    pub(super) stop: Option<Stop>,
}

/// Where refused rows go.
pub(super) struct Rejects<W> {
    to: Option<W>,
    layout: Layout,
    octets: Vec<u8>,
}

impl<W: Write> Rejects<W> {
    /// Begins with the header of the file.
    pub(super) fn new(to: Option<W>, layout: Layout) -> Self {
        let mut octets = Vec::new();
        octets.extend_from_slice(&layout.mark);
        if !layout.header.is_empty() {
            ADDED.put_header(&mut octets, &layout.header, &layout.place);
        }
        Self { to, layout, octets }
    }

    pub(super) const fn are_kept(&self) -> bool {
        self.to.is_some()
    }

    fn put(&mut self, row: &[u8], reason: &Reason) {
        if self.to.is_some() {
            let said = [reason.name.as_str(), reason.explanation.as_str()];
            ADDED.put_row(&mut self.octets, row, &self.layout.place, said);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if let Some(to) = &mut self.to {
            to.write_all(&self.octets)?;
            to.flush()?;
        }
        self.octets.clear();
        Ok(())
    }
}

/// Sends chunks to a server.
pub(super) struct Sending {
    pub(super) caller: Caller,
    pub(super) dry_run: bool,
}

/// Runs until the file ends, something fails, or `interrupted` returns.
pub(super) async fn pump<R, W>(
    mut sending: Sending,
    chunks: Chunks<R>,
    mut rejects: Rejects<W>,
    bar: &ProgressBar,
    interrupted: impl AsyncFn(),
) -> Outcome
where
    R: Read + Send + 'static,
    W: Write,
{
    let mut tally = Tally::default();
    let (to_server, mut from_reader) = channel(1);
    let reader = spawn_blocking(move || {
        for chunk in chunks {
            if to_server.blocking_send(chunk).is_err() {
                break;
            }
        }
    });
    let sent = async {
        rejects.write().map_err(Stop::Rejects)?;
        while let Some(chunk) = from_reader.recv().await {
            let mut chunk = chunk?;
            let answered = sending.send(&mut chunk).await?;
            answered.tell(&chunk, &mut tally, &mut rejects);
            rejects.write().map_err(Stop::Rejects)?;
            bar.inc(u64::try_from(chunk.read).unwrap_or(u64::MAX));
            bar.set_message(format!("{} rows", grouped(tally.rows())));
        }
        // A reader that panicked looks like the end of the file.
        reader.await.map_err(Stop::from)
    };
    let ended = tokio::select! {
        sent = sent => sent,
        () = interrupted() => Err(Stop::Interrupted),
    };
    Outcome { tally, stop: ended.err() }
}

/// What the server said of a chunk.
#[derive(Debug, Default)]
struct Answered {
    response: ImportFactsResponse,
    /// What it found malformed, by the place of the fact in the chunk.
    malformed: BTreeMap<usize, String>,
}

impl Sending {
    /// Sends a chunk. A fact that the server finds malformed where we did not (its clock is behind,
    /// its catalog is another by now) is left out, and the others are sent again.
    async fn send(&mut self, chunk: &mut Chunk) -> Result<Answered, Stop> {
        let mut answered = Answered::default();
        let mut places: Vec<usize> = (0..chunk.facts.len()).collect();
        let mut facts = std::mem::take(&mut chunk.facts);
        while !facts.is_empty() {
            let status = match self.caller.import(facts.request(self.dry_run)).await {
                Ok(response) => {
                    answered.response = response;
                    break;
                }
                Err(status) => status,
            };
            let found = malformed(&status);
            if found.is_empty() || found.keys().any(|at| *at >= facts.len()) {
                return Err(Fault::from(status).into());
            }
            facts = facts.retained(|at| !found.contains_key(&at));
            let mut left = Vec::with_capacity(facts.len());
            for (at, place) in places.into_iter().enumerate() {
                match found.get(&at) {
                    Some(problem) => drop(answered.malformed.insert(place, problem.clone())),
                    None => left.push(place),
                }
            }
            places = left;
        }
        let ImportFactsResponse { outcomes, effects, revision: _ } = &answered.response;
        let (expected, found) = (facts.len(), outcomes.len().min(effects.len()));
        if outcomes.len() == expected && effects.len() == expected {
            Ok(answered)
        } else {
            Err(Stop::Count { expected, found })
        }
    }
}

/// The facts that a refused call names: `facts[17].evidence.occurred_at`.
fn malformed(status: &Status) -> BTreeMap<usize, String> {
    if status.code() != Code::InvalidArgument {
        return BTreeMap::new();
    }
    let details = status.get_error_details();
    let found = details.bad_request().into_iter().flat_map(|found| &found.field_violations);
    let found = found.filter_map(|violation| {
        let (place, field) = violation.field.strip_prefix("facts[")?.split_once("].")?;
        Some((place.parse().ok()?, format!("{field}: {}", violation.description)))
    });
    found.collect()
}

impl Answered {
    /// Counts the rows of the chunk, and keeps those that are refused.
    fn tell<W: Write>(&self, chunk: &Chunk, tally: &mut Tally, rejects: &mut Rejects<W>) {
        let ImportFactsResponse { revision, outcomes, effects } = &self.response;
        let mut answers = outcomes.iter().zip(effects);
        let mut place = 0;
        for (line, row) in chunk.rows() {
            let fate = match line.flaw {
                Some(flaw) => Fate::Refused(Reason::of_flaw(flaw)),
                None => {
                    let fate = match self.malformed.get(&place) {
                        Some(problem) => Fate::Refused(Reason::of_server(problem)),
                        None => answers.next().map_or_else(
                            || Fate::Refused(Reason::of_server("it did not answer")),
                            |(outcome, effect)| Fate::of(*outcome, *effect),
                        ),
                    };
                    place += 1;
                    fate
                }
            };
            if let Fate::Refused(reason) = &fate {
                rejects.put(row, reason);
            }
            tally.count(line.number, line.state, fate);
        }
        tally.reached(chunk.last_line(), chunk.repeats, *revision);
    }
}
