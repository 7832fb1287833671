use clap::Parser as _;

use super::*;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    bench: BenchArgs,
}

fn read(words: &[&str]) -> Result<BenchArgs, clap::Error> {
    let words = std::iter::once(&"bench").chain(words);
    Line::try_parse_from(words).map(|line| line.bench)
}

const QUICK: [&str; 6] = ["--addresses-count", "2000", "--per-call", "1,2", "--seconds", "0.03"];

#[tokio::test(flavor = "multi_thread")]
async fn all_three_servers_are_measured_in_every_cell() {
    let args = read(&[&QUICK[..], &["--in-flight", "1,2"]].concat()).unwrap();
    let report = args.compare().await.unwrap();
    let cells: Vec<_> = report.cells.iter().map(|cell| (cell.per_call, cell.load)).collect();
    let [one, two] = [Load::InFlight(1), Load::InFlight(2)];
    assert_eq!(cells, [(1, one), (1, two), (2, one), (2, two)]);
    let loaded = report.loaded.unwrap();
    assert_eq!(loaded.addresses, 2_000);
    assert!((3_300..3_700).contains(&loaded.events), "{}", loaded.events);
    for cell in &report.cells {
        let rivals = cell.rivals.as_ref().unwrap();
        for sample in [&cell.maysend, &rivals.echo, &rivals.ordinary] {
            assert!(!sample.latency.is_empty() && sample.latency.min() > 0);
            let per_call = u64::try_from(cell.per_call).unwrap();
            assert_eq!(sample.addresses, sample.latency.len() * per_call);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_loop_sends_what_it_was_told_to() {
    let args = read(&[&QUICK[..4], &["--seconds", "0.2", "--rate", "500"]].concat()).unwrap();
    let world = World::start(100, 1).await.unwrap();
    let lines = connect(&world.maysend, args.lines()).await.unwrap();
    let recipients = Recipients::Invented { known: 100 };
    let questions = Arc::new(recipients.questions(facts::BRAND, facts::CAMPAIGN, 1));
    let [load @ Load::Rate(_)] = args.loads()[..] else { panic!("one rate is one load") };
    let sample = drive(&lines, &questions, load, args.seconds).await.unwrap();
    assert_eq!(sample.latency.len(), 100);
    world.stop().await.unwrap();
}

#[test]
fn a_question_has_to_fit_and_a_loop_to_end() {
    for wrong in [
        ["--per-call", "0"],
        ["--per-call", "100001"],
        ["--in-flight", "0"],
        ["--seconds", "0"],
        ["--seconds", "inf"],
        ["--seconds", "NaN"],
        ["--rate", "0"],
        ["--rate", "-1"],
        ["--addresses-count", "0"],
        ["--brand", "b"],
    ] {
        assert!(read(&wrong).is_err(), "{wrong:?}");
    }
    assert!(read(&["--rate", "5", "--in-flight", "1"]).is_err());
    assert_eq!(read(&[]).unwrap().loads().len(), 3);
}
