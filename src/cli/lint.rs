//! `maysend lint-message`: whether the recipient of a mail can unsubscribe with one click (RFC 8058,
//! RFC 2369), point by point, before it is sent.
//!
//! What a message says is looked at here; what its links are good for, the server says. What is
//! printed holds nothing of the message: no address and no token. That a signature is valid is not
//! looked at, which takes the signer's key from DNS; what it covers is.

mod header;
mod letter;
mod link;
mod signature;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use tonic::Status;
use tonic_types::StatusExt as _;

use self::letter::Letter;
use super::connect::{Connection, preferences};
use super::fault::Fault;
use super::output::{print, say};
use super::point::{Called, Point, exit, report};
use super::{Exit, Global};
use crate::grpc::api::preference_service_client::PreferenceServiceClient;
use crate::grpc::api::{InspectLinkRequest, InspectLinkResponse};
use crate::model::address::Address;

/// Octets of a message. Mailbox providers refuse larger ones.
const MAX_MESSAGE: u64 = 32 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 no fault, warnings or not; 1 a fault; 64 wrong usage.")]
pub(super) struct LintArgs {
    /// The message as it leaves, headers, signature and all (RFC 5322); `-` is stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whom it goes to, where that is not whom its To header names.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

/// What a message says without asking anybody.
#[derive(Debug, Default, PartialEq, Eq)]
struct Examined {
    points: Vec<Point>,
    /// Whom its To headers name.
    recipients: Vec<String>,
    /// The token of List-Unsubscribe.
    header: Option<String>,
    /// The tokens in its text, each once; none where it cannot be read.
    text: Option<Vec<String>>,
}

/// Whom the links have to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recipient<'a> {
    One(&'a str),
    /// So many at once, whom no link can be for.
    Several(usize),
}

impl LintArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        if self.to.as_ref().is_some_and(|to| Address::parse(to.as_bytes()).is_err()) {
            say("maysend: --to names no address");
            return Ok(Exit::Usage);
        }
        let message = read(&self.file)?;
        let Ok(letter) = Letter::read(&message) else {
            let found = "does not begin with a header that can be read";
            let mend = "give the message as it leaves, from its first header on";
            let points = [Point::problem("message", found, mend)];
            print(&report(&points, Called::Faults, global.format))?;
            return Ok(exit(&points));
        };
        let examined = examine(&letter);
        let recipient = match (&self.to, examined.recipients.as_slice()) {
            (Some(to), _) => Recipient::One(to),
            (None, [one]) => Recipient::One(one),
            (None, []) => {
                say("maysend: the message names no recipient; name one with --to ADDRESS");
                return Ok(Exit::Usage);
            }
            (None, several) => Recipient::Several(several.len()),
        };
        let mut server = preferences(global.connect().await?);
        let points = judge(&examined, recipient, &mut server).await?;
        print(&report(&points, Called::Faults, global.format))?;
        Ok(exit(&points))
    }
}

/// The message, whole.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut message = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(MAX_MESSAGE + 1).read_to_end(&mut message)
    } else {
        File::open(file).and_then(|file| file.take(MAX_MESSAGE + 1).read_to_end(&mut message))
    };
    read.with_context(|| format!("cannot read `{}`", file.display()))?;
    let is_whole = u64::try_from(message.len()).is_ok_and(|octets| octets <= MAX_MESSAGE);
    ensure!(is_whole, "the message is larger than {} MiB", MAX_MESSAGE >> 20);
    Ok(message)
}

/// All that needs no server.
fn examine(letter: &Letter<'_>) -> Examined {
    let (mut points, header) = header::list_unsubscribe(letter);
    points.push(header::list_unsubscribe_post(letter));
    points.extend(signature::points(letter));
    let text = letter.texts.as_ref().map(|texts| link::tokens(texts));
    Examined { points, recipients: letter.recipients.clone(), header, text }
}

/// All points: what was found, and what the server says of the links.
async fn judge(
    examined: &Examined,
    recipient: Recipient<'_>,
    server: &mut PreferenceServiceClient<Connection>,
) -> anyhow::Result<Vec<Point>> {
    let mut points = examined.points.clone();
    let address = match recipient {
        Recipient::One(address) => address,
        Recipient::Several(number) => {
            points.push(link::several_recipients(number));
            ""
        }
    };
    if let Some(token) = &examined.header {
        let answer = inspect(server, token, address).await?;
        points.extend(link::of_header(answer.as_ref(), recipient));
    }
    let Some(tokens) = &examined.text else {
        points.push(link::unreadable());
        return Ok(points);
    };
    let mut answers = Vec::new();
    for token in tokens {
        answers.push(inspect(server, token, address).await?);
    }
    points.push(link::of_text(&answers, recipient));
    Ok(points)
}

/// What the server says of a token; none where it did not make it.
async fn inspect(
    server: &mut PreferenceServiceClient<Connection>,
    token: &str,
    address: &str,
) -> Result<Option<InspectLinkResponse>, Fault> {
    let request = InspectLinkRequest { token: token.to_owned(), address: address.to_owned() };
    match server.inspect_link(request).await {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if is_bad_token(&status) => Ok(None),
        Err(status) => Err(status.into()),
    }
}

fn is_bad_token(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == "BAD_TOKEN")
}

#[cfg(any(test, fuzzing))]
pub(in crate::cli) mod fuzz;
#[cfg(test)]
mod tests;
