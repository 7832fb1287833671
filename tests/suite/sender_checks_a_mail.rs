//! A sender mints links for two recipients, puts them into mails, and checks the mails before they
//! leave: what went wrong on the way from the template to the queue is told.

use std::io::Write as _;
use std::process::{Command, Stdio};

use maysend::grpc::api::{InspectLinkRequest, LinkKind, Links};
use serde_json::Value;
use tonic::Code;

use crate::desk::{CATALOG, Desk, brand, failed, topic};
use crate::process::preference;

const MIA: &str = "mia@example.com";
const BOB: &str = "bob@example.com";

/// A mail as it leaves the signer.
fn mail(to: &str, links: &Links) -> String {
    [
        "DKIM-Signature: v=1; a=rsa-sha256; d=stage.example; s=mail;",
        " h=From:To:Subject:List-Unsubscribe:List-Unsubscribe-Post; bh=AA==; b=AA==",
        "From: Opera <news@stage.example>",
        &format!("To: <{to}>"),
        "Subject: Autumn",
        &format!("List-Unsubscribe: {}", links.list_unsubscribe),
        &format!("List-Unsubscribe-Post: {}", links.list_unsubscribe_post),
        "Content-Type: text/html; charset=utf-8",
        "",
        &format!(
            "<p>Autumn at the opera.</p><a href=\"{}\">Your choices</a>",
            links.preferences_url
        ),
        "",
    ]
    .join("\r\n")
}

/// How the check ended, what it said, and what it complained of.
#[derive(Debug)]
struct Told {
    exit: i32,
    said: String,
    complaint: String,
}

impl Told {
    #[track_caller]
    fn is(&self, exit: i32, lines: &[&str]) {
        assert_eq!(self.exit, exit, "{self:?}");
        for line in lines {
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                self.said.lines().any(|said| words(said).starts_with(line)),
                "{line}: {self:?}"
            );
        }
    }
}

fn lint(desk: &Desk, mail: &str, words: &[&str]) -> Told {
    lint_by(&format!("unix:{}", desk.server.socket().display()), mail, words)
}

/// Runs `maysend lint-message` on a mail; what it says holds nothing of the mail.
fn lint_by(server: &str, mail: &str, words: &[&str]) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command.args(["lint-message", "-", "--server", server]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    // One that does not read it says why.
    process.stdin.take().unwrap().write_all(mail.as_bytes()).ok();
    let output = process.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    let (said, complaint) = (text(output.stdout), text(output.stderr));
    for secret in [MIA, BOB, "mia@", "AQE"] {
        assert!(!said.contains(secret) && !complaint.contains(secret), "{said}{complaint}");
    }
    Told { exit: output.status.code().unwrap(), said, complaint }
}

#[tokio::test]
async fn a_mail_is_sound_and_what_went_wrong_with_it_is_told() {
    let desk = Desk::open(CATALOG).await;
    let mia = desk.links("opera", "autumn", MIA).await;
    let bob = desk.links("opera", "autumn", BOB).await;
    assert!(mia.unsubscribe_token.starts_with("AQE"), "or `lint` looks for the wrong secret");
    let sound = mail(MIA, &mia);
    let told = lint(&desk, &sound, &[]);
    told.is(0, &["ok link unsubscribes from topic:opera/newsletter", "0 faults, 0 warnings"]);

    let swapped = lint(&desk, &mail(BOB, &mia), &[]);
    swapped.is(1, &["FAULT recipient the link is for somebody else", "FAULT text has a link that"]);
    lint(&desk, &mail(BOB, &mia), &["--to", "Mia@Example.COM"]).is(0, &["0 faults, 0 warnings"]);
    let mixed = Links { preferences_url: bob.preferences_url.clone(), ..mia.clone() };
    let mixed = lint(&desk, &mail(MIA, &mixed), &[]);
    mixed.is(1, &["ok recipient", "FAULT text has a link that is for somebody else", "1 fault,"]);

    let cut = &mia.list_unsubscribe[..mia.list_unsubscribe.len() - 4];
    let cut = Links { list_unsubscribe: format!("{cut}>"), ..mia.clone() };
    lint(&desk, &mail(MIA, &cut), &[])
        .is(1, &["FAULT link this server did not make it", "1 fault,"]);

    let folded = sound.replace("List-Unsubscribe: ", "List-Unsubscribe:\r\n ");
    lint(&desk, &folded, &[]).is(0, &["WARNING List-Unsubscribe is folded over 2 lines"]);

    let unsigned = sound.replace(":List-Unsubscribe-Post; bh", "; bh");
    let signature = "FAULT DKIM-Signature none covers List-Unsubscribe-Post";
    lint(&desk, &unsigned, &[]).is(1, &[signature, "1 fault, 0 warnings"]);

    let grants = Links { list_unsubscribe: format!("<{}>", mia.preferences_url), ..mia.clone() };
    let page = "FAULT URI the link is of a page that takes no one click";
    lint(&desk, &mail(MIA, &grants), &[])
        .is(1, &[page, "FAULT link is a preferences link", "2 faults,"]);

    let two = sound.replace("<mia@example.com>", "<mia@example.com>, <bob@example.com>");
    let two = lint(&desk, &two, &[]);
    two.is(1, &["ok link", "FAULT recipient the To header names 2", "1 fault, 0 warnings"]);
    let silent = Links { preferences_url: "https://stage.example".to_owned(), ..mia };
    lint(&desk, &mail(MIA, &silent), &[]).is(0, &["WARNING text has no link", "0 faults, 1"]);
    assert!(!desk.server.log().contains("mia@"), "no address in the log");
}

#[tokio::test]
async fn programs_and_wrong_commands_are_answered_too() {
    let desk = Desk::open(CATALOG).await;
    let links = desk.links("opera", "autumn", MIA).await;
    let sound = mail(MIA, &links);
    let told = lint(&desk, &sound.replace("One-Click", "Two"), &["--format", "json"]);
    let document: Value = serde_json::from_str(&told.said).unwrap();
    assert_eq!((told.exit, &document["faults"]), (1, &Value::from(1)));
    let points = document["points"].as_array().unwrap();
    let states: Vec<_> = points.iter().filter(|point| point["state"] == "fault").collect();
    assert_eq!(states[0]["point"], "List-Unsubscribe-Post");

    let nobody = sound.replace("To: ", "X-To: ");
    let told = lint(&desk, &nobody, &[]);
    assert_eq!((told.exit, &*told.said), (64, ""));
    assert!(told.complaint.contains("--to ADDRESS"), "{told:?}");
    lint(&desk, &nobody, &["--to", MIA]).is(0, &["0 faults, 0 warnings"]);
    lint(&desk, "no mail at all", &[]).is(1, &["FAULT message does not begin with a header"]);
    assert_eq!(lint(&desk, &sound, &["another-file"]).exit, 64);
    let told = lint(&desk, &sound, &["--to", "mia"]);
    assert_eq!((told.exit, &*told.said), (64, ""), "{told:?}");
    let told = lint_by("unix:/nowhere/at/all", &sound, &[]);
    assert_eq!((told.exit, &*told.said), (1, ""), "{told:?}");
}

#[tokio::test]
async fn a_token_is_told_by_kind_and_subject_and_a_foreign_one_is_refused() {
    let desk = Desk::open(CATALOG).await;
    let links = desk.links("opera", "autumn", MIA).await;
    let begun = desk.begin(vec![brand("youth"), topic("spa", "offers")], MIA).await.unwrap();
    let inspect = async |token: &str, address: &str| {
        let request = InspectLinkRequest { token: token.to_owned(), address: address.to_owned() };
        Ok(preference(&desk.channel).inspect_link(request).await?.into_inner())
    };
    let newsletter = vec![topic("opera", "newsletter")];
    let begun_for = vec![brand("youth"), topic("spa", "offers")];
    for (token, kind, grants, of, scopes) in [
        (&links.unsubscribe_token, LinkKind::Unsubscribe, false, "opera", &newsletter),
        (&links.preferences_token, LinkKind::Preferences, true, "opera", &newsletter),
        (&begun.confirm_token, LinkKind::Confirm, true, "youth", &begun_for),
    ] {
        let link = inspect(token, "MIA@example.com").await.unwrap();
        assert_eq!((link.kind(), link.is_for_address, link.grants), (kind, true, grants));
        assert_eq!((&*link.brand, &link.scopes), (of, scopes));
        assert!(!inspect(token, BOB).await.unwrap().is_for_address);
        assert!(!inspect(token, "").await.unwrap().is_for_address);
        let altered = token.replacen("AQ", "AA", 1);
        failed(inspect(&altered, MIA).await, Code::PermissionDenied, "BAD_TOKEN", &[]);
    }
    let history = desk.history(MIA).await;
    assert_eq!(history.len(), 1, "the request of the opt-in alone");
}
