//! The stream: order, chunks, duplicates, the summary, and runs that do not come to their end.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;
use proptest::prelude::*;

use super::super::chunk::ROWS;
use super::super::pump::Stop;
use super::super::{Streams, Task, run};
use super::{Fault, Page, Pieces, Try, filter, serve};
use crate::cli::list::layout::Told;

/// A list of so many rows, every third of which opted out, and what of it may pass.
fn list(rows: usize) -> (String, String) {
    let (mut list, mut allowed) = ("nr;email\r\n".to_owned(), "nr;email\r\n".to_owned());
    for number in 0..rows {
        let who = if number % 3 == 0 { "out" } else { "in" };
        let row = format!("{number};{who}{number}@x.test\r\n");
        if number % 3 != 0 {
            allowed.push_str(&row);
        }
        list.push_str(&row);
    }
    (list, allowed)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_chunks_keep_their_order() {
    let rows = 3 * ROWS + 1;
    let (list, allowed) = list(rows);
    let filtered = filter(&list).await;
    assert!(filtered.outcome.stop.is_none());
    assert!(filtered.output() == allowed, "the output is not the allowed rows in their order");
    assert_eq!(filtered.messages, 4);
    assert_eq!(filtered.outcome.read, u64::try_from(rows).unwrap());
    assert_eq!(filtered.outcome.tally.rows(), filtered.outcome.read);
    assert_eq!(filtered.outcome.tally.revision, 4);
}

#[tokio::test]
async fn chunks_in_which_nobody_is_asked_about_keep_their_place() {
    let empty = ";\n".repeat(ROWS);
    let filtered = filter(&format!("email;n\na@x.test;1\n{empty}{empty}b@x.test;2\n")).await;
    assert_eq!(filtered.output(), "email;n\na@x.test;1\nb@x.test;2\n");
    assert_eq!(filtered.outcome.tally.invalid(), u64::try_from(2 * ROWS).unwrap());
}

#[tokio::test]
async fn duplicates_are_counted_in_every_spelling() {
    let list = "a@x.test\nA@X.test \nb@x.test\nout@x.test\nOut@x.test.\nnobody\nnobody\n";
    let filtered = filter(list).await;
    assert_eq!(filtered.output(), "a@x.test\nA@X.test \nb@x.test\n");
    assert_eq!(filtered.outcome.tally.duplicates, 2);
    assert_eq!(filtered.outcome.tally.rows(), 7);
}

#[tokio::test]
async fn duplicates_are_dropped_where_that_is_asked_for() {
    let tried = Try { dedupe: true, ..Try::default() };
    let filtered = tried.run(b"a@x.test\nA@X.test\nout@x.test\nout@X.test\n").await.unwrap();
    assert_eq!(filtered.output(), "a@x.test\n");
    assert_eq!(filtered.outcome.tally.duplicates, 2);
    let tally = filtered.outcome.tally;
    assert_eq!(
        tally.table("b", "c"),
        "b/c: 1 of 4 rows may be sent to, 3 not
  2  denied   the address of an earlier row once more
  1  denied   opted out of all mailings of this brand
  1  allowed  gave consent
  4  rows     2 repeat an earlier address, dropped
"
    );
}

#[tokio::test]
async fn the_summary_adds_up() {
    let mut list = "email\n".to_owned();
    for number in 0..1_200 {
        let who = ["a", "out", "gone", "no one "].get(number % 5).unwrap_or(&"a");
        writeln!(list, "{who}{number}@x.test").unwrap();
    }
    list.push_str("a0@x.test\n\n\"x\"y\n");
    let tally = filter(&list).await.outcome.tally;
    assert_eq!(
        tally.table("festival", "advent"),
        "festival/advent: 481 of 1,203 rows may be sent to, 722 not
    481  allowed  gave consent
    240  denied   not a valid e-mail address
    240  denied   opted out of all mailings of this brand
    240  denied   the mailbox does not exist (hard bounce)
      1  denied   the row has no address
      1  denied   the row cannot be read; look at its quotes
  1,203  rows     242 have no valid address; 1 repeats an earlier address
"
    );
    let document = tally.document("festival", "advent");
    assert_eq!(document["rows"], 1_203);
    assert_eq!(document["invalid"], 242);
    assert_eq!(document["duplicates"], 1);
    assert_eq!(document["reasons"][0]["verdict"], "VERDICT_ALLOWED_CONSENT");
    let rows = document["reasons"].as_array().unwrap().iter();
    assert_eq!(rows.map(|reason| reason["rows"].as_u64().unwrap()).sum::<u64>(), 1_203);
}

/// Runs into a fault in the third chunk: two are written, and the run says so.
async fn stops(tried: Try, reason: fn(&Stop) -> bool) {
    let (list, allowed) = list(4 * ROWS);
    let filtered = tried.run(list.as_bytes()).await.unwrap();
    let stop = filtered.outcome.stop.unwrap();
    assert!(reason(&stop), "{stop:?}");
    assert_eq!(filtered.outcome.tally.rows(), u64::try_from(2 * ROWS).unwrap());
    assert!(filtered.outcome.read >= filtered.outcome.tally.rows());
    let written = String::from_utf8(filtered.output).unwrap();
    assert!(allowed.starts_with(&written));
    assert_eq!(
        u64::try_from(written.lines().count()).unwrap(),
        filtered.outcome.tally.allowed() + 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_midway_ends_the_run() {
    let tried = Try { fault: Fault::FailAt(2), ..Try::default() };
    stops(
        tried,
        |stop| matches!(stop, Stop::Server(fault) if fault.to_string().contains("draining")),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_early_is_no_success() {
    let tried = Try { fault: Fault::EndAt(2), ..Try::default() };
    stops(tried, |stop| matches!(stop, Stop::Ended)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_verdicts_allow_nobody() {
    let tried = Try { fault: Fault::ShortAt(2), ..Try::default() };
    stops(tried, |stop| stop.to_string().contains("answered 4999 of 5000 addresses")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_too_long_comes_after_all_rows_before_it() {
    let (mut list, allowed) = list(2 * ROWS);
    list.push_str(&"x".repeat((1 << 20) + 7));
    list.push_str("\r\n7;late@x.test\r\n");
    let filtered = Try::default().run(list.as_bytes()).await.unwrap();
    assert!(filtered.output() == allowed);
    let stop = filtered.outcome.stop.unwrap().to_string();
    assert!(stop.contains(&format!("line {} is longer", 2 * ROWS + 2)), "{stop}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_output_ends_the_run() {
    let (list, _) = list(4 * ROWS);
    let tried = Try { room: 100_000, ..Try::default() };
    let filtered = tried.run(list.as_bytes()).await.unwrap();
    assert!(matches!(filtered.outcome.stop, Some(Stop::Write(_))), "{:?}", filtered.outcome.stop);
    assert!(filtered.outcome.tally.rows() < u64::try_from(4 * ROWS).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_writes_what_is_decided_and_says_so() {
    /// Gives a chunk's rows, and then never anything again.
    struct Slow {
        rows: Pieces,
        gone: Option<tokio::sync::oneshot::Sender<()>>,
        wait: std::sync::mpsc::Receiver<()>,
    }
    impl std::io::Read for Slow {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let read = self.rows.read(room)?;
            if read == 0
                && let Some(gone) = self.gone.take()
            {
                gone.send(()).unwrap();
                self.wait.recv().unwrap_err();
            }
            Ok(read)
        }
    }
    let (server, messages) = serve(Fault::None).await;
    let (gone, all_read) = tokio::sync::oneshot::channel();
    let (keep, wait) = std::sync::mpsc::channel();
    let (list, allowed) = list(2 * ROWS);
    let output = Page::new(usize::MAX);
    let source = Slow { rows: Pieces::new(list.as_bytes(), &[1 << 16]), gone: Some(gone), wait };
    let streams = Streams { source, output: output.clone(), rejected: None::<Page> };
    let task = Task { brand: "festival", campaign: "advent", dedupe: false };
    let all_read = tokio::sync::Mutex::new(Some(all_read));
    let written = output.clone();
    let length = allowed.len();
    // The first call returns when all was read and written, the second one never.
    let interrupted = async || match all_read.lock().await.take() {
        Some(all_read) => {
            all_read.await.unwrap();
            while written.text().len() < length {
                tokio::task::yield_now().await;
            }
        }
        None => std::future::pending().await,
    };
    let connection = server.connect(None).await.unwrap();
    let bar = ProgressBar::hidden();
    let outcome =
        run(connection, &task, &Told::default(), streams, &bar, interrupted).await.unwrap();
    drop(keep);
    assert!(matches!(outcome.stop, Some(Stop::Interrupted)), "{:?}", outcome.stop);
    assert_eq!(outcome.tally.rows(), u64::try_from(2 * ROWS).unwrap());
    assert_eq!(output.text(), allowed.as_bytes());
    assert_eq!(messages.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_while_every_question_is_answered_ends_the_run() {
    /// Gives one part, waits until it is told to, and gives the other.
    struct Halves {
        first: Pieces,
        go_on: std::sync::mpsc::Receiver<()>,
        second: Pieces,
    }
    impl std::io::Read for Halves {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            match self.first.read(room)? {
                0 => {
                    // Told once; then whoever tells is gone.
                    self.go_on.recv().unwrap_or_default();
                    self.second.read(room)
                }
                read => Ok(read),
            }
        }
    }
    let elsewhere = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (server, _) = elsewhere.spawn(serve(Fault::None)).await.unwrap();
    let (first, allowed) = list(ROWS);
    let (go, go_on) = std::sync::mpsc::channel();
    let second = Pieces::new("1;late@x.test\r\n".repeat(3 * ROWS).as_bytes(), &[1 << 16]);
    let source = Halves { first: Pieces::new(first.as_bytes(), &[1 << 16]), go_on, second };
    let output = Page::new(usize::MAX);
    let streams = Streams { source, output: output.clone(), rejected: None::<Page> };
    let task = Task { brand: "festival", campaign: "advent", dedupe: false };
    let connection = server.connect(None).await.unwrap();
    let bar = ProgressBar::hidden();
    let (told, never) = (Told::default(), async || std::future::pending().await);
    let running = run(connection.clone(), &task, &told, streams, &bar, never);
    let killing = async {
        while output.text().len() < allowed.len() {
            tokio::task::yield_now().await;
        }
        elsewhere.shutdown_background();
        // The same connection: once this fails, the client knows.
        let mut client = crate::cli::connect::decisions(connection);
        let mut question = crate::grpc::codec::AskBuffer::new("festival", "advent", 0);
        while client.check(question.take()).await.is_ok() {}
        go.send(()).unwrap();
        drop(go);
    };
    let (outcome, ()) = tokio::join!(running, killing);
    let outcome = outcome.unwrap();
    let stop = outcome.stop.unwrap().to_string();
    assert!(stop.contains("the connection to the server is lost"), "{stop}");
    assert!(stop.contains("see whether the server still runs"), "{stop}");
    assert_eq!(output.text(), allowed.as_bytes());
}

/// Rows of any dialect, with addresses of every verdict, and quotes, line ends and broken rows.
fn rows() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let address = prop_oneof!["(in|out|gone)[0-9]@x.test", "[a-z]{0,3}", Just(String::new())];
    let note = prop_oneof![
        "[a-z]{0,5}",
        "[a-z;,\"\n]{0,8}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        Just("\"x\"y".to_owned()),
    ];
    let row = (address, note).prop_map(|(address, note)| format!("{note};{address};{note}"));
    let rows = proptest::collection::vec(row, 0..20);
    (rows, prop_oneof![Just("\n"), Just("\r\n")], any::<bool>(), any::<bool>()).prop_map(
        |(rows, end, mark, ended)| {
            let mut list = if mark { "\u{feff}" } else { "" }.to_owned();
            list.push_str(&format!("a;email;b{end}"));
            for row in &rows {
                list.push_str(row);
                list.push_str(end);
            }
            if !ended {
                list.truncate(list.len() - end.len());
            }
            (list.into_bytes(), rows.len())
        },
    )
}

/// Takes the two columns of a rejected row away.
fn without_columns(row: &str) -> String {
    let (text, end) = match row.strip_suffix("\r\n") {
        Some(text) => (text, "\r\n"),
        None => row.strip_suffix('\n').map_or((row, ""), |text| (text, "\n")),
    };
    let (text, _) = text
        .rsplit_once(";VERDICT_")
        .or_else(|| text.rsplit_once(";NO_ADDRESS;"))
        .or_else(|| text.rsplit_once(";MALFORMED_ROW;"))
        .or_else(|| text.rsplit_once(";maysend_verdict;"))
        .unwrap();
    format!("{text}{end}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn allowed_and_rejected_rows_are_the_input(
        (list, count) in rows(),
        pieces in proptest::collection::vec(1..40_usize, 1..4),
    ) {
        use crate::cli::list::rows::{Grammar, Rows};

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let whole = runtime.block_on(Try::default().run(&list)).unwrap();
        let tried = Try { pieces, ..Try::default() };
        let pieced = runtime.block_on(tried.run(&list)).unwrap();
        prop_assert_eq!(&whole.output, &pieced.output);
        prop_assert_eq!(&whole.rejected, &pieced.rejected);
        prop_assert_eq!(&whole.outcome.tally, &pieced.outcome.tally);
        prop_assert_eq!(whole.outcome.tally.rows(), u64::try_from(count).unwrap());

        let cut = |octets: &[u8]| -> Vec<String> {
            let mut rows = Rows::new(octets);
            let mut all = Vec::new();
            while let Some(row) = rows.next(Grammar::Csv { delimiter: b';' }).unwrap() {
                all.push(String::from_utf8(row.octets.to_vec()).unwrap());
            }
            all
        };
        let (input, mut output) = (cut(&list), cut(&whole.output).into_iter().peekable());
        let mut rejected =
            cut(&whole.rejected).iter().map(|row| without_columns(row)).collect::<Vec<_>>().into_iter().peekable();
        prop_assert_eq!(output.next(), input.first().cloned());
        prop_assert_eq!(rejected.next(), input.first().cloned());
        for row in input.iter().skip(1) {
            let next = if output.peek() == Some(row) { output.next() } else { rejected.next() };
            prop_assert_eq!(next, Some(row.clone()));
        }
        prop_assert_eq!((output.next(), rejected.next()), (None, None));
    }
}
