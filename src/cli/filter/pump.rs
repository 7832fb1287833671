//! The run of a filter: reader, stream and writer at once, in order, in bounded memory.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::ProgressBar;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinError, spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;

use super::chunk::{Chunk, Chunks};
use super::tally::Tally;
use super::write::{Sink, WriteError};
use crate::cli::connect::Connection;
use crate::cli::fault::Fault;
use crate::cli::list::rows::RowError;
use crate::cli::output::grouped;
use crate::grpc::api::decision_service_client::DecisionServiceClient;
use crate::grpc::codec::CheckAnswer;

/// Chunks between two stages. With the rows of a chunk this bounds what is in memory: some 20
/// chunks, so 10 MB of a usual list, and 60 MB where every row is as long as it may be.
const BETWEEN: usize = 4;

/// What became of a list.
#[derive(Debug)]
pub(in crate::cli) struct Outcome {
    /// What is written.
    pub(in crate::cli) tally: Tally,
    /// Rows read, more than are written where the run was stopped.
    pub(in crate::cli) read: u64,
    /// Why it ended before the list did.
    pub(in crate::cli) stop: Option<Stop>,
}

/// What ends a run early.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Stop {
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Server(Fault),
    #[error("the server ended the stream before its last answer")]
    Ended,
    #[error("not every row was decided")]
    Undecided,
    #[error(transparent)]
    Input(RowError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("a thread failed")]
    Thread(#[from] JoinError),
    /// The writer ended; it says why.
    #[error("the writer ended")]
    Writer,
}

/// Runs until the list ends, something fails, or `interrupted` returns. Then what is decided is
/// still written, unless `interrupted` returns once more.
pub(super) async fn pump<R, W, J>(
    client: DecisionServiceClient<Connection>,
    chunks: Chunks<R>,
    mut sink: Sink<W, J>,
    bar: ProgressBar,
    interrupted: impl AsyncFn(),
) -> Outcome
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
    J: Write + Send + 'static,
{
    let counter = Arc::new(AtomicU64::new(0));
    let (to_stream, from_reader) = channel(BETWEEN);
    let (to_writer, mut decided) = channel::<(Chunk, CheckAnswer)>(BETWEEN);
    let read = counter.clone();
    let reader = spawn_blocking(move || {
        for chunk in chunks {
            let rows = chunk.as_ref().map_or(0, Chunk::count);
            read.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
            if to_stream.blocking_send(chunk).is_err() {
                break;
            }
        }
    });
    let mut writer = spawn_blocking(move || {
        let mut written = Ok(());
        while let (true, Some((chunk, answer))) = (written.is_ok(), decided.blocking_recv()) {
            written = sink.put(&chunk, &answer.verdicts, answer.revision);
            bar.inc(chunk.octets());
            let tally = sink.tally();
            let (rows, allowed) = (grouped(tally.rows()), grouped(tally.allowed()));
            bar.set_message(format!("{rows} rows, {allowed} allowed"));
        }
        drop(decided);
        (sink, written)
    });
    let asked = tokio::select! {
        asked = ask(client, from_reader, to_writer) => asked,
        () = interrupted() => Err(Stop::Interrupted),
    };
    // A reader that panicked looks like the end of the list.
    let asked = match asked {
        Ok(()) => reader.await.map_err(Stop::from),
        stopped => stopped,
    };
    let rows_read = || counter.load(Ordering::Relaxed);
    let joined = tokio::select! {
        joined = &mut writer => joined,
        () = interrupted() => {
            let stop = Some(Stop::Interrupted);
            return Outcome { tally: Tally::default(), read: rows_read(), stop };
        }
    };
    let (sink, ended) = match joined {
        Ok((mut sink, written)) => {
            let ended = match (written, asked) {
                (Err(error), _) => Err(error.into()),
                // INVARIANT(whole run): a run is complete only when every row read is decided.
                (Ok(()), Ok(())) if sink.tally().rows() != rows_read() => Err(Stop::Undecided),
                (Ok(()), Ok(())) => sink.finish().map_err(Stop::from),
                (Ok(()), Err(stop)) => sink.flush().map_err(Stop::from).and(Err(stop)),
            };
            (sink.tally().clone(), ended)
        }
        Err(error) => (Tally::default(), Err(error.into())),
    };
    Outcome { tally: sink, read: rows_read(), stop: ended.err() }
}

/// Sends the questions and passes each chunk on with its answer.
async fn ask(
    mut client: DecisionServiceClient<Connection>,
    mut chunks: Receiver<Result<Chunk, RowError>>,
    to_writer: Sender<(Chunk, CheckAnswer)>,
) -> Result<(), Stop> {
    let (questions, stream) = channel(BETWEEN);
    let (to_collect, mut waiting) = channel::<Chunk>(BETWEEN);
    // A failed input must not keep what precedes it from being answered: so it is no error here.
    let feed = async move {
        while let Some(chunk) = chunks.recv().await {
            let mut chunk = match chunk {
                Ok(chunk) => chunk,
                Err(failure) => return Ok(Err(Stop::Input(failure))),
            };
            // A stream that takes no more questions has failed. Whoever collects finds out why when
            // it waits for the answer to this chunk: so the chunk goes there all the same.
            if let Some(question) = chunk.question.take() {
                drop(questions.send(question).await);
            }
            // Where nobody collects any more, whoever collected says why.
            if to_collect.send(chunk).await.is_err() {
                break;
            }
        }
        Ok::<_, Stop>(Ok(()))
    };
    let collect = async move {
        let server = |status| Stop::Server(Fault::from(status));
        let stream = ReceiverStream::new(stream);
        let mut answers = client.check_stream(stream).await.map_err(server)?.into_inner();
        while let Some(chunk) = waiting.recv().await {
            let answer = if chunk.asked == 0 {
                CheckAnswer::default()
            } else {
                answers.message().await.map_err(server)?.ok_or(Stop::Ended)?
            };
            to_writer.send((chunk, answer)).await.map_err(|_| Stop::Writer)?;
        }
        Ok::<_, Stop>(())
    };
    let (fed, ()) = tokio::try_join!(feed, collect)?;
    fed
}
