//! Dialects and their edges: what is read, and that it is written as it came.

use proptest::prelude::*;

use super::{Filtered, Pieces, Try, filter};
use crate::cli::list::fields::{Fields, content};
use crate::cli::list::layout::{Input, Layout, LayoutError, Place, Told};
use crate::cli::list::rows::{Grammar, RowError, Rows, Shape};

const OPTED_OUT: &str = "VERDICT_DENIED_OPTED_OUT_BRAND";
const WHY: &str = "opted out of all mailings of this brand";
const INVALID: &str = "VERDICT_DENIED_INVALID_ADDRESS";

/// The allowed rows of a list in which all addresses that begin with `out` opted out.
async fn allows(list: &str, expect: &str) -> Filtered {
    let filtered = filter(list).await;
    assert_eq!(filtered.output(), expect, "of {list:?}");
    assert!(filtered.outcome.stop.is_none());
    filtered
}

#[tokio::test]
async fn allowed_rows_pass_as_they_came() {
    let cases = [
        // Comma, semicolon, tab.
        ("Name,E-Mail\na,a@x.test\nb,out@x.test\n", "Name,E-Mail\na,a@x.test\n"),
        ("Name;E-Mail\na;a@x.test\nb;out@x.test\n", "Name;E-Mail\na;a@x.test\n"),
        ("Name\tE-Mail\na\ta@x.test\nb\tout@x.test\n", "Name\tE-Mail\na\ta@x.test\n"),
        // CR LF, no line end at the end, both.
        ("mail,n\r\na@x.test,1\r\nout@x.test,2\r\n", "mail,n\r\na@x.test,1\r\n"),
        ("mail,n\nout@x.test,2\na@x.test,1", "mail,n\na@x.test,1"),
        ("mail,n\r\nout@x.test,2\r\na@x.test,1", "mail,n\r\na@x.test,1"),
        ("mail,n\na@x.test,1\nout@x.test,2", "mail,n\na@x.test,1\n"),
        // A byte order mark stays, and hides no column.
        ("\u{feff}email;n\na@x.test;1\n", "\u{feff}email;n\na@x.test;1\n"),
        ("\u{feff}out@x.test\na@x.test\n", "\u{feff}a@x.test\n"),
        // Quotes with delimiters, line ends and quotes inside, before and behind the address.
        (
            "\"n;1\";email;n2\n\"a;\nb\";a@x.test;\"say \"\"hi\"\"\n\"\n\"o\";out@x.test;\"\n\"\n",
            "\"n;1\";email;n2\n\"a;\nb\";a@x.test;\"say \"\"hi\"\"\n\"\n",
        ),
        (
            "email,n\r\n\"a@x.test\",\"\"\r\n\"out@x.test\",\"\r\n\"\r\n",
            "email,n\r\n\"a@x.test\",\"\"\r\n",
        ),
        // A quote that opens nothing is a letter.
        ("email,size\na@x.test,12\"\nout@x.test,3\" 4\"\n", "email,size\na@x.test,12\"\n"),
        // One column, with and without a header.
        ("email\na@x.test\nout@x.test\n", "email\na@x.test\n"),
        ("a@x.test\nout@x.test\n", "a@x.test\n"),
        ("a@x.test\r\nout@x.test\r\nb@x.test", "a@x.test\r\nb@x.test"),
        // A quoted local part with a delimiter is no CSV.
        ("\"a,b\"@x.test\nout@x.test\n", "\"a,b\"@x.test\n"),
        // NDJSON.
        (
            "{\"n\":1,\"Email\":\"a@x.test\"}\n{\"Email\":\"out@x.test\"}\n",
            "{\"n\":1,\"Email\":\"a@x.test\"}\n",
        ),
        ("{\"mail\":\"\\u0061@x.test\"}\r\n", "{\"mail\":\"\\u0061@x.test\"}\r\n"),
        // Nothing, and a header alone.
        ("", ""),
        ("n;email\r\n", "n;email\r\n"),
        ("email", "email"),
    ];
    for (list, expect) in cases {
        allows(list, expect).await;
    }
}

#[tokio::test]
async fn octets_that_are_no_utf8_pass_as_they_came() {
    let list = b"Ort;E-Mail\nK\xF6ln;a@x.test\nK\xF6ln;out@x.test\n";
    let filtered = Try::default().run(list).await.unwrap();
    assert_eq!(filtered.output, b"Ort;E-Mail\nK\xF6ln;a@x.test\n");
    let rejected = format!(";out@x.test;{OPTED_OUT};{WHY}\n");
    assert!(filtered.rejected.ends_with(rejected.as_bytes()));
}

#[tokio::test]
async fn rejected_rows_have_two_columns_more() {
    let rejects = async |list: &str, expect: &str| {
        assert_eq!(filter(list).await.rejected(), expect, "of {list:?}");
    };
    rejects(
        "\u{feff}n;\"E-Mail\"\r\na;a@x.test\r\n\"b;c\";out@x.test\r\nd;OUT2@x.test",
        &format!(
            "\u{feff}n;\"E-Mail\";maysend_verdict;maysend_explanation\r\n\
             \"b;c\";out@x.test;{OPTED_OUT};{WHY}\r\nd;OUT2@x.test;{OPTED_OUT};{WHY}"
        ),
    )
    .await;
    rejects("out@x.test\r\na@x.test\r\n", &format!("out@x.test\t{OPTED_OUT}\t{WHY}\r\n")).await;
    let keys = format!("\"maysend_explanation\":\"{WHY}\",\"maysend_verdict\":\"{OPTED_OUT}\"}}");
    rejects(
        "{\"email\":\"out@x.test\",\"x\":{}} \n{ \"email\" : \"out@x.test\" }",
        &format!(
            "{{\"email\":\"out@x.test\",\"x\":{{}},{keys} \n{{ \"email\" : \"out@x.test\" ,{keys}"
        ),
    )
    .await;
    // An explanation that holds the delimiter is quoted.
    rejects(
        "mail,n\n\"a\"b,1\n",
        "mail,n,maysend_verdict,maysend_explanation\n\"a\"b,1,MALFORMED_ROW,the row cannot be \
         read; look at its quotes\n",
    )
    .await;
}

#[tokio::test]
async fn rows_without_an_address_are_invalid() {
    let list = "n;email;x\n1;a@x.test;\n2;;\n3; \t;\n4\n\n6;nobody;\n";
    let filtered = allows(list, "n;email;x\n1;a@x.test;\n").await;
    assert_eq!(filtered.outcome.tally.rows(), 6);
    assert_eq!(filtered.outcome.tally.invalid(), 5);
    assert_eq!(filtered.rejected().matches("NO_ADDRESS").count(), 4);
    assert_eq!(filtered.rejected().matches(INVALID).count(), 1);
}

#[tokio::test]
async fn ndjson_rows_without_an_address_are_invalid() {
    let list = concat!(
        "{\"email\":\"a@x.test\"}\n",
        "{\"email\":null}\n",
        "{\"email\":[\"a@x.test\"]}\n",
        "{\"email\":7}\n",
        "{}\n",
        "\n",
        "[]\n",
        "{\"email\":\"a@x.test\"} {\"email\":\"out@x.test\"}\n",
        "{\"email\":\"a@x.test\",\"email\":\"out@x.test\"}\n",
        "{\"email\":\"a@x.test\"",
    );
    let filtered = allows(list, "{\"email\":\"a@x.test\"}\n").await;
    assert_eq!(filtered.outcome.tally.rows(), 10);
    assert_eq!(filtered.outcome.tally.invalid(), 9);
    assert_eq!(filtered.rejected().matches("MALFORMED_ROW").count(), 4);
    for line in filtered.rejected().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(row["maysend_verdict"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_stray_quote_does_not_carry_the_next_rows_along() {
    // The quote before `Bob` swallows the second row, up to the quote before `Eve`.
    let list = "email;n\na@x.test;\"Bob\nout@x.test;\"Eve\"\nb@x.test;c\n";
    let filtered = allows(list, "email;n\nb@x.test;c\n").await;
    assert_eq!(filtered.rejected().matches("MALFORMED_ROW").count(), 1);
    // A lone CR is a line end to some.
    let filtered =
        allows("email;n\na@x.test;1\rout@x.test;2\nb@x.test;3\n", "email;n\nb@x.test;3\n").await;
    assert_eq!(filtered.rejected().matches("MALFORMED_ROW").count(), 1);
    // Inside quotes it is a letter.
    allows("email;n\na@x.test;\"1\r2\"\n", "email;n\na@x.test;\"1\r2\"\n").await;
}

#[track_caller]
fn fails(list: &[u8], told: &Told, says: &str) {
    let mut rows = Rows::new(list);
    let error = Layout::find(&mut rows, told).unwrap_err();
    assert!(error.to_string().contains(says), "{error} of {list:?}");
}

#[test]
fn a_list_that_is_not_understood_is_refused_with_advice() {
    let told = Told::default();
    fails(b"Nr;Name\n1;a\n", &told, "The columns are: 1 `Nr`, 2 `Name`");
    fails(b"Nr;Name\n1;a\n", &told, "--column");
    fails(b"foo\nbar\n", &told, "--input lines");
    fails(
        b"email;Mail\na@x.test;b@x.test\n",
        &told,
        "choose with --column among: 1 `email`, 2 `Mail`",
    );
    fails(b"1;a@x.test\n2;b@x.test\n", &told, "--no-header --column NUMBER");
    fails(b"email;a@x.test\n", &told, "is no header");
    fails(b"\xFF\xFEe\0m\0", &told, "UTF-16");
    fails(b"email;n\ra@x.test;1\r", &told, "CR alone");
    fails(b"[1]\n", &Told { input: Some(Input::Ndjson), ..told.clone() }, "no JSON object");
    let column = |name: &str| Told { column: Some(name.to_owned()), ..Told::default() };
    fails(b"a;b\n", &column("c"), "there is no column `c`; the columns are: 1 `a`, 2 `b`");
    fails(b"a;b\n", &column("3"), "there is no column `3`");
    fails(b"a;b\n", &column("0"), "there is no column `0`");
    fails(b"a;A\n", &column("\u{e4}"), "there is no column");
    let no_header = |column: &str| {
        let column = Some(column.to_owned());
        Told { input: Some(Input::Csv), column, no_header: true }
    };
    fails(b"a@x.test;1\n", &no_header("mail"), "a number from 1 to 2");
}

#[track_caller]
fn finds(list: &str, told: &Told, place: Place, header: &str) {
    let mut rows = Rows::new(list.as_bytes());
    let layout = Layout::find(&mut rows, told).unwrap();
    assert_eq!((layout.place, layout.header.as_slice()), (place, header.as_bytes()), "{list:?}");
}

#[test]
fn the_column_of_the_address_is_found() {
    let field = |delimiter, index| Place::Field { delimiter, index };
    let auto = Told::default();
    for name in
        ["email", "E-Mail", "e_mail", "MAIL", "E-Mail-Adresse", "emailadresse", "Email Address"]
    {
        finds(&format!("n;{name};x\n"), &auto, field(b';', 1), &format!("n;{name};x\n"));
    }
    finds("n,\"e-mail\"\n", &auto, field(b',', 1), "n,\"e-mail\"\n");
    finds("Adresse\tMail\n", &auto, field(b'\t', 1), "Adresse\tMail\n");
    finds("n;Adresse\n", &auto, field(b';', 1), "n;Adresse\n");
    // A comma inside a header of semicolons, and the other way round.
    finds("Name, Vorname;Mail\n", &auto, field(b';', 1), "Name, Vorname;Mail\n");
    finds("a;b,mail,c\n", &auto, field(b',', 1), "a;b,mail,c\n");
    finds("\"a\nb\";mail\n1", &auto, field(b';', 1), "\"a\nb\";mail\n");
    let column = |name: &str| Told { column: Some(name.to_owned()), ..Told::default() };
    finds("a;b\n", &column("B"), field(b';', 1), "a;b\n");
    finds("a;A\n", &column("A"), field(b';', 1), "a;A\n");
    finds("mail;b\n", &column("2"), field(b';', 1), "mail;b\n");
    finds("mail,2\n", &column("2"), field(b',', 1), "mail,2\n");
    finds("kontakt\n", &column("kontakt"), field(b';', 0), "kontakt\n");
    let no_header = Told { no_header: true, ..column("2") };
    finds("1,a@x.test\n", &no_header, field(b',', 1), "");
    finds("1;a@x.test\n", &no_header, field(b';', 1), "");
    finds("{\"a\":1,\"E-Mail\":2}\n", &auto, Place::Key("E-Mail".to_owned()), "");
    finds("{\"a\":1}\n", &column("b"), Place::Key("b".to_owned()), "");
    let lines = Told { input: Some(Input::Lines), ..Told::default() };
    finds("email\n", &lines, Place::Line, "");
}

#[tokio::test]
async fn a_column_may_be_named() {
    let filtered =
        Try::column("kontakt").run(b"mail,Kontakt\nout@x.test,a@x.test\n").await.unwrap();
    assert_eq!(filtered.output(), "mail,Kontakt\nout@x.test,a@x.test\n");
    let mut tried = Try::column("2");
    tried.told.no_header = true;
    let filtered = tried.run(b"1,out@x.test\n2,a@x.test\n").await.unwrap();
    assert_eq!(filtered.output(), "2,a@x.test\n");
}

fn read_all(
    list: &[u8],
    pieces: &[usize],
    grammar: Grammar,
) -> Result<Vec<(Vec<u8>, Shape)>, RowError> {
    let mut rows = Rows::new(Pieces::new(list, pieces));
    let mut all = Vec::new();
    while let Some(row) = rows.next(grammar)? {
        all.push((row.octets.to_vec(), row.shape));
    }
    Ok(all)
}

#[test]
fn a_row_too_long_is_refused_with_its_line() {
    let comma = Grammar::Csv { delimiter: b',' };
    let says = |list: &[u8], grammar| read_all(list, &[70_000], grammar).unwrap_err().to_string();
    let long = [b"a\n\"b\n\",c\n".as_slice(), &vec![b'x'; (1 << 20) + 1], b"\ny\n"].concat();
    assert!(says(&long, comma).contains("begins in line 4 is longer than 1 MiB"));
    assert!(says(&long, Grammar::Lines).contains("line 4"));
    let swallowed = [b"a\n\"b,".as_slice(), &b"x\n".repeat(1 << 20)].concat();
    assert!(says(&swallowed, comma).contains("begins in line 2 is longer"));
    assert!(says(b"a\nb,\"c\nd\n", comma).contains("row that begins in line 2 is never closed"));
    let longest = [vec![b'x'; (1 << 20) - 1], b"\ny\n".to_vec()].concat();
    assert_eq!(read_all(&longest, &[1 << 16], comma).unwrap().len(), 2);
}

#[test]
fn a_long_row_in_small_pieces_is_read_in_reasonable_time() {
    // Looked at anew after each piece this would take 2^38 steps.
    let list = [b"\"".to_vec(), b"x\n".repeat((1 << 19) - 2), b"\"\n".to_vec()].concat();
    let rows = read_all(&list, &[1], Grammar::Csv { delimiter: b',' }).unwrap();
    assert_eq!(rows.len(), 1);
}

/// Fields of letters that matter to CSV, rarely anything else.
fn messy() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        3 => Just(b'a'), 2 => Just(b';'), 2 => Just(b'"'), 2 => Just(b'\n'), 1 => Just(b'\r'),
        1 => Just(b'@'), 1 => any::<u8>(),
    ];
    proptest::collection::vec(octet, 0..60)
}

/// Rows as a program writes them.
fn tidy() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        "[a-z0-9 ]{0,6}",
        "[a-z;,\"\n\r]{0,6}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
    ];
    let row = proptest::collection::vec(field, 3).prop_map(|fields| fields.join(";"));
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (proptest::collection::vec(row, 1..8), end).prop_map(|(rows, end)| {
        rows.iter().flat_map(|row| [row, end]).collect::<String>().into_bytes()
    })
}

/// The records that csv-core finds.
fn model(list: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(b';').build();
    let (mut records, mut list) = (Vec::new(), list);
    loop {
        let (mut output, mut ends) = ([0; 4096], [0; 64]);
        let (result, read, _, fields) = reader.read_record(list, &mut output, &mut ends);
        list = &list[read..];
        match result {
            csv_core::ReadRecordResult::Record => {
                let starts = std::iter::once(0).chain(ends);
                let fields = starts.zip(ends).take(fields);
                records.push(fields.map(|(from, to)| output[from..to].to_vec()).collect());
            }
            csv_core::ReadRecordResult::InputEmpty if list.is_empty() => {}
            csv_core::ReadRecordResult::End => return records,
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn rows_together_are_the_input(list in messy(), pieces in proptest::collection::vec(1..9_usize, 1..5)) {
        for grammar in [Grammar::Lines, Grammar::Csv { delimiter: b';' }] {
            let whole = read_all(&list, &[usize::MAX], grammar);
            let pieced = read_all(&list, &pieces, grammar);
            match (whole, pieced) {
                (Ok(whole), Ok(pieced)) => {
                    prop_assert_eq!(&whole, &pieced);
                    let octets: Vec<u8> = whole.into_iter().flat_map(|(row, _)| row).collect();
                    prop_assert_eq!(&octets, &list);
                }
                (Err(whole), Err(pieced)) => {
                    prop_assert_eq!(whole.to_string(), pieced.to_string());
                }
                (whole, pieced) => prop_assert!(false, "{whole:?} but in pieces {pieced:?}"),
            }
        }
    }

    #[test]
    fn fields_are_those_of_csv_core(list in tidy()) {
        let rows = read_all(&list, &[7], Grammar::Csv { delimiter: b';' }).unwrap();
        prop_assert!(rows.iter().all(|(_, shape)| *shape != Shape::Malformed));
        let fields = |row: &[u8]| -> Vec<Vec<u8>> {
            Fields::new(row, b';').map(|field| content(field).into_owned()).collect()
        };
        let ours: Vec<_> = rows.iter().map(|(row, _)| fields(row)).collect();
        prop_assert_eq!(ours, model(&list));
    }

    #[test]
    fn nothing_is_said_of_a_list_that_panics(list in messy()) {
        let mut rows = Rows::new(list.as_slice());
        let found: Result<Layout, LayoutError> = Layout::find(&mut rows, &Told::default());
        if let Ok(layout) = found {
            let taken = layout.mark.len() + layout.header.len();
            prop_assert_eq!(rows.pending(), &list[taken..]);
        }
    }
}
