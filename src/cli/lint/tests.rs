//! What is found in messages, without a server: point by point, by what was changed in a sound one.

use super::*;
use crate::cli::point::State;
use crate::cli::point::State::{Ok, Problem, Warning};

const TOKEN: &str = "AQEiAAECAwQFBgcICQoLDA0ODwcAAAAAAAAAIE4DAQCfGULwO9bdGu8tfpVSi6fV";

/// A message without a fault, ends of lines as they travel.
pub(super) fn sound() -> String {
    [
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=mail; c=relaxed/relaxed;",
        " h=from:to:subject:list-unsubscribe:list-unsubscribe-post;",
        " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=bG9uZw==",
        "From: Opera <news@example.org>",
        "To: Mia <mia@example.com>",
        "Subject: Autumn",
        &format!("List-Unsubscribe: <https://mail.example/u/{TOKEN}>"),
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Good evening,",
        &format!("unsubscribe: https://mail.example/u/{TOKEN}"),
        "",
    ]
    .join("\r\n")
}

fn examined(message: &str) -> Examined {
    examine(&Letter::read(message.as_bytes()).unwrap())
}

fn states(examined: &Examined) -> Vec<(&'static str, State)> {
    examined.points.iter().map(|point| (point.name, point.state)).collect()
}

/// A sound message in which `from` became `to` has this point, and what else is found is sound.
#[track_caller]
fn has(from: &str, to: &str, name: &str, state: State, words: &str) {
    let message = sound();
    assert!(message.contains(from), "nothing changes: {from}");
    let points = examined(&message.replace(from, to)).points;
    let is_it =
        |point: &&Point| point.name == name && point.state == state && point.found.contains(words);
    assert!(points.iter().any(|point| is_it(&point)), "{points:#?}");
    let others = points.iter().filter(|point| !is_it(point) && point.state != Ok);
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&Point>::new());
    for point in &points {
        assert_eq!(point.mend.is_empty(), point.state == Ok, "{point:?}");
    }
}

const HEADER: &str = "List-Unsubscribe: <";
const POST: &str = "List-Unsubscribe-Post: List-Unsubscribe=One-Click";

#[test]
fn a_sound_message_has_no_fault_whatever_ends_its_lines() {
    let expect = Examined {
        recipients: vec!["mia@example.com".to_owned()],
        header: Some(TOKEN.to_owned()),
        text: Some(vec![TOKEN.to_owned()]),
        points: vec![
            Point::ok("List-Unsubscribe", "once, on one line of 107 octets"),
            Point::ok("URI", "https, in angle brackets, first"),
            Point::ok("List-Unsubscribe-Post", "once, on one line of 49 octets"),
            Point::ok("DKIM-Signature", "covers both headers"),
        ],
    };
    assert_eq!(examined(&sound()), expect);
    assert_eq!(examined(&sound().replace("\r\n", "\n")), expect);
    assert_eq!(examined(&sound().replace("\nList-Un", "\nLIST-un")), expect);
}

#[test]
fn each_header_stands_there_once_and_on_one_line() {
    let twice = format!("{POST}\r\nlist-unsubscribe-post: x");
    has(HEADER, "X: <", "List-Unsubscribe", Problem, "is missing");
    has(POST, "X: y", "List-Unsubscribe-Post", Problem, "is missing");
    has(POST, &twice, "List-Unsubscribe-Post", Problem, "stands there 2 times");
    let twice = format!("List-Unsubscribe: <https://a.example>\r\n{HEADER}");
    has(HEADER, &twice, "List-Unsubscribe", Problem, "stands there 2 times");
    has(HEADER, "List-Unsubscribe:\r\n <", "List-Unsubscribe", Warning, "over 2 lines");
    let inside = ("/u/AQEi", "/u/\r\n\tAQEi");
    has(inside.0, inside.1, "List-Unsubscribe", Warning, "over 2 lines");
    let folded = POST.replace(": ", ":\r\n ");
    has(POST, &folded, "List-Unsubscribe-Post", Warning, "over 2 lines");
    let long = format!("{HEADER}https://mail.example/u/{TOKEN}>, <mailto:{}", "x".repeat(900));
    has(HEADER, &long, "List-Unsubscribe", Problem, "octets, more than 998");
    // Of the end of a line no octet counts.
    let full = format!("List-Unsubscribe: ({})\r\n <", "x".repeat(978));
    has(HEADER, &full, "List-Unsubscribe", Warning, "over 2 lines");
    let more = full.replace('(', "(x");
    has(HEADER, &more, "List-Unsubscribe", Problem, "of 999 octets");
}

#[test]
fn a_header_that_is_folded_keeps_its_token() {
    let message = sound().replace("/u/AQEi", "/u/\r\n\tAQEi");
    assert_eq!(examined(&message).header.as_deref(), Some(TOKEN));
}

#[test]
fn one_click_is_said_in_these_words_alone() {
    for value in ["list-unsubscribe=one-click", "List-Unsubscribe = One-Click", "One-Click", ""] {
        let post = format!("List-Unsubscribe-Post: {value}");
        has(POST, &post, "List-Unsubscribe-Post", Problem, "is not `List-Unsubscribe=One-Click`");
    }
    let blanks = format!("{POST}  ");
    has(POST, &blanks, "List-Unsubscribe-Post", Ok, "once");
}

#[test]
fn the_link_is_https_in_angle_brackets_and_first() {
    let mailto = format!("{HEADER}mailto:bye@example.org>, <");
    has(HEADER, &mailto, "URI", Warning, "another URI stands before");
    let other = format!("{HEADER}https://example.org/bye>, <");
    has(HEADER, &other, "URI", Problem, "gets the click");
    for page in ["p", "r", "c"] {
        has("/u/AQEi", &format!("/{page}/AQEi"), "URI", Problem, "takes no one click");
    }
    let line = format!("{HEADER}https://mail.example/u/{TOKEN}>");
    let behind = format!("{line}, <mailto:bye@example.org>");
    has(&line, &behind, "URI", Ok, "first");
    for other in ["https://example.org/bye", "HTTP://example.org/bye"] {
        let behind = format!("{line}, <{other}>");
        has(&line, &behind, "URI", Problem, "where RFC 8058 takes one");
    }
    has(&line, "List-Unsubscribe: <mailto:bye@example.org>", "URI", Problem, "https://");
    has(&line, "List-Unsubscribe: <https://example.org/bye>", "URI", Problem, "looks like");
    let bare = line.replace(['<', '>'], "");
    has(&line, &bare, "URI", Problem, "none in angle brackets");
    let words = "List-Unsubscribe: =?utf-8?Q?=3Chttps=3A=2F=2Fmail.example=3E?=";
    has(&line, words, "URI", Problem, "none in angle brackets");
    let cut = line.replace('>', "");
    has(&line, &format!("{cut}\r\nX: >"), "URI", Problem, "none in angle brackets");
    has(&line, &format!("{line} or write to us"), "URI", Problem, "outside of the angle");
    has(&line, &line.replace("https", "http"), "URI", Problem, "https://");
    has(&line, &line.replace("https", "HTTPS"), "URI", Ok, "first");
}

#[test]
fn a_signature_covers_both_headers_and_all_of_the_body() {
    const NAME: &str = "DKIM-Signature";
    has("list-unsubscribe-post;", "date;", NAME, Problem, "none covers List-Unsubscribe-Post");
    has(":list-unsubscribe:", ":date:", NAME, Problem, "none covers List-Unsubscribe");
    has(
        "list-unsubscribe:list-unsubscribe-post",
        "date",
        NAME,
        Problem,
        "none covers List-Unsubscribe and List-Unsubscribe-Post",
    );
    has("DKIM-Signature", "X-Signature", NAME, Problem, "is missing");
    has(" bh=", " l=12; bh=", NAME, Warning, "l= tag");
    let second = "DKIM-Signature: v=1; h=from:to; b=x\r\nDKIM-Signature";
    has("DKIM-Signature", second, NAME, Ok, "one of 2 covers both");
    let whole = sound();
    let (first, _) = whole.split_once("\r\nFrom").unwrap();
    let each = format!(
        "{}\r\n{}",
        first.replace(":list-unsubscribe:", ":"),
        first.replace(":list-unsubscribe-post", "")
    );
    has(first, &each, NAME, Problem, "none covers List-Unsubscribe");
    has(":list-unsubscribe:", " :\r\n LIST-Unsubscribe :\r\n ", NAME, Ok, "covers both");
}

#[test]
fn whom_it_goes_to_is_whom_its_to_header_names() {
    let named = |to: &str| examined(&sound().replace("Mia <mia@example.com>", to)).recipients;
    assert_eq!(named("mia@example.com"), ["mia@example.com"]);
    assert_eq!(named("\"Mia, B.\" <mia@example.com>"), ["mia@example.com"]);
    assert_eq!(named("a@example.com,\r\n b@example.com"), ["a@example.com", "b@example.com"]);
    assert_eq!(named("Guests: a@example.com;"), ["a@example.com"]);
    assert_eq!(named("undisclosed-recipients:;"), [""; 0]);
    assert_eq!(named("a@example.com\r\nTo: b@example.com"), ["a@example.com", "b@example.com"]);
}

/// The tokens in a body with this head.
#[track_caller]
fn shows(head: &str, body: &str, expect: Option<&[&str]>) {
    let message = sound();
    let (fields, _) = message.split_once("Content-Type").unwrap();
    let message = format!("{fields}{head}\r\n\r\n{body}");
    let expect = expect.map(|tokens| tokens.iter().map(ToString::to_string).collect());
    assert_eq!(examined(&message).text, expect, "{message}");
}

#[test]
fn links_are_found_however_the_text_travels() {
    use base64::Engine as _;
    let link = format!("https://mail.example/p/{TOKEN}");
    let html = format!("<p><a href=\"{link}\">Your choices</a></p>");
    shows("Content-Type: text/html", &html, Some(&[TOKEN]));
    let (start, end) = html.split_at(40);
    let quoted = format!("{}=\r\n{end}", start.replace('=', "=3D"));
    let encoding = "Content-Transfer-Encoding";
    shows(
        &format!("Content-Type: text/html\r\n{encoding}: quoted-printable"),
        &quoted,
        Some(&[TOKEN]),
    );
    let text = base64::engine::general_purpose::STANDARD.encode(&html);
    let (start, end) = text.split_at(76);
    let folded = format!("{start}\r\n{end}");
    shows(&format!("Content-Type: text/html\r\n{encoding}: base64"), &folded, Some(&[TOKEN]));
    // Parts: an alternative is read, an attachment is not seen.
    let multipart = "Content-Type: multipart/mixed; boundary=b";
    let part = |head: &str| format!("--b\r\nContent-Type: text/plain\r\n{head}\r\n{link}\r\n--b--");
    shows(multipart, &part(""), Some(&[TOKEN]));
    shows(multipart, &part("Content-Disposition: attachment; filename=a.txt\r\n"), Some(&[]));
    shows("Content-Type: text/plain", "no link here", Some(&[]));
    let broken = "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64";
    shows(broken, "%", None);
    // Cut at the end of a line it is not whole.
    let cut = format!("{}\r\n{}", &link[..70], &link[70..]);
    shows("Content-Type: text/plain", &cut, Some(&[&link[23..70]]));
}

#[test]
fn what_does_not_begin_with_a_header_is_no_message() {
    let body = "hello\r\n\r\nList-Unsubscribe: <x>\r\n";
    for text in ["", "\r\n", "hello", body, "\0\u{1}", " To: a\r\n\r\n", "To: a\r\nhello\r\n"] {
        assert!(Letter::read(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(Letter::read(b"To: a").is_ok());
}

#[test]
fn a_message_is_read_up_to_its_bound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.eml");
    let file = File::create(&path).unwrap();
    file.set_len(MAX_MESSAGE).unwrap();
    assert_eq!(u64::try_from(read(&path).unwrap().len()).unwrap(), MAX_MESSAGE);
    file.set_len(MAX_MESSAGE + 1).unwrap();
    assert_eq!(read(&path).unwrap_err().to_string(), "the message is larger than 32 MiB");
    let gone = read(&dir.path().join("gone")).unwrap_err().to_string();
    assert!(gone.starts_with("cannot read `"), "{gone}");
}

#[test]
fn nothing_of_the_message_is_said() {
    let message = sound().replace("List-Unsubscribe=One-Click", "mia@example.com");
    let points = examined(&message).points;
    let said = report(&points, Called::Faults, crate::cli::Format::Human);
    assert!(!said.contains("mia@") && !said.contains(TOKEN), "{said}");
    assert!(said.ends_with("1 fault, 0 warnings\n"), "{said}");
    assert_eq!(states(&examined(&message)).len(), 4);
}
