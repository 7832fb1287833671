//! `maysend access`: what owners ask to know, and how they were told.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::connect::accesses;
use super::erasure::{said, sheet};
use super::event::{actor_json, one_line};
use super::evidence::{Method, parse_instant};
use super::fault::Fault;
use super::output::{instant, print, rfc3339, say};
use super::{Exit, Format, Global, words};
use crate::grpc::api;

/// Requests that are asked for at once.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct AccessArgs {
    #[command(subcommand)]
    command: AccessCommand,
}

#[derive(Debug, Subcommand)]
enum AccessCommand {
    /// Record that the owner of an address asks what is held.
    Request(RequestArgs),
    /// List the requests that are open, oldest first, with the day by which to answer.
    List,
    /// Close a request, once the owner was told.
    Answer(AnswerArgs),
}

#[derive(Debug, Args)]
struct RequestArgs {
    /// Who asks.
    address: String,
    /// What the owner said, in the owner's own words.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    words: String,
    /// How the request reached you.
    #[arg(long, value_enum)]
    method: Option<Method>,
    /// Where it was made: the call, the counter, the form's address.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    source: String,
    /// Where the letter lies.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    document_ref: String,
    /// When the owner asked, where that was not just now: 2026-11-21 or 2026-11-21T22:54:03Z. The
    /// month for the answer counts from there.
    #[arg(long, value_name = "WHEN", value_parser = parse_instant)]
    occurred_at: Option<Timestamp>,
}

#[derive(Debug, Args)]
struct AnswerArgs {
    /// The request.
    id: String,
    /// How the owner was told, for the record: what was sent, by which way, on which day.
    #[arg(long, value_name = "TEXT")]
    note: String,
}

impl AccessArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self.command {
            AccessCommand::Request(args) => args.run(global).await,
            AccessCommand::List => list(global).await,
            AccessCommand::Answer(args) => args.run(global).await,
        }
    }
}

impl RequestArgs {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { address, words, method, source, document_ref, occurred_at } = self;
        let evidence = api::Evidence {
            method: method.map_or(api::Method::Unspecified, Into::into).into(),
            source,
            document_ref,
            occurred_at: occurred_at.map(|at| prost_types::Timestamp {
                seconds: at.as_second(),
                nanos: at.subsec_nanosecond(),
            }),
            ..Default::default()
        };
        let evidence = Some(evidence).filter(|given| *given != api::Evidence::default());
        let request =
            api::RequestAccessRequest { address, words, evidence, request_id: String::new() };
        let mut client = accesses(global.connect().await?);
        let taken = client.request_access(request).await.map_err(Fault::from)?.into_inner();
        show_taken(taken.access_request.as_ref(), taken.outcome, global.format)?;
        if global.format == Format::Human {
            say(next(&taken));
        }
        Ok(if words::stands(taken.outcome) { Exit::Done } else { Exit::Failed })
    }
}

/// What is to be done about a request.
fn next(taken: &api::RequestAccessResponse) -> String {
    let Some(request) = &taken.access_request else {
        return format!("nothing was recorded: {}", words::outcome(taken.outcome).1);
    };
    let now = match taken.outcome() {
        api::WriteOutcome::Unchanged => "a request is recorded already; ",
        _ => "",
    };
    format!(
        "{now}make the data sheet, send it, and say so:\n  maysend sheet {} --as html --output \
         FILE\n  maysend --actor NAME access answer {} --note TEXT",
        one_line(&request.address),
        one_line(&request.id)
    )
}

async fn list(global: &Global) -> anyhow::Result<Exit> {
    let mut client = accesses(global.connect().await?);
    let mut page_token = String::new();
    let mut shown = false;
    loop {
        let request = api::ListAccessRequestsRequest { page_size: PAGE, page_token };
        let page = client.list_access_requests(request).await.map_err(Fault::from)?.into_inner();
        shown |= !page.access_requests.is_empty();
        for request in &page.access_requests {
            print(&match global.format {
                Format::Human => human(request),
                Format::Json => format!("{}\n", document(request)),
            })?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if !shown && global.format == Format::Human {
        say("no request is open");
    }
    Ok(Exit::Done)
}

impl AnswerArgs {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = accesses(global.connect().await?);
        let request = api::AnswerAccessRequest { id: self.id, note: self.note };
        let taken = client.answer_access(request).await.map_err(Fault::from)?.into_inner();
        show_taken(taken.access_request.as_ref(), taken.outcome, global.format)?;
        if taken.outcome() == api::WriteOutcome::Unchanged && global.format == Format::Human {
            say("it was answered before; this note is not recorded");
        }
        Ok(Exit::Done)
    }
}

fn show_taken(
    request: Option<&api::AccessRequest>,
    outcome: i32,
    format: Format,
) -> anyhow::Result<()> {
    print(&match format {
        Format::Human => request.map(human).unwrap_or_default(),
        Format::Json => {
            let outcome = words::outcome(outcome).0;
            let request = request.map(document);
            format!("{}\n", json!({ "outcome": outcome, "access_request": request }))
        }
    })
}

fn human(request: &api::AccessRequest) -> String {
    let state = if request.answered_at.is_none() { "open" } else { "answered" };
    sheet(
        &format!("access request {}  {state}", one_line(&request.id)),
        &[
            ("address", request.address.clone()),
            ("requested", said(request.requested_at.as_ref(), request.requested_by.as_ref())),
            ("words", request.words.clone()),
            ("due", instant(request.due_at.as_ref())),
            ("answered", said(request.answered_at.as_ref(), request.answered_by.as_ref())),
            ("note", request.answer_note.clone()),
        ],
    )
}

fn document(request: &api::AccessRequest) -> Value {
    json!({
        "id": request.id,
        "address": request.address,
        "words": request.words,
        "requested_by": request.requested_by.as_ref().map(actor_json),
        "requested_at": rfc3339(request.requested_at.as_ref()),
        "due_at": rfc3339(request.due_at.as_ref()),
        "answered_by": request.answered_by.as_ref().map(actor_json),
        "answered_at": rfc3339(request.answered_at.as_ref()),
        "answer_note": request.answer_note,
        "revision": request.revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> api::AccessRequest {
        let class = api::ActorClass::Staff.into();
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        api::AccessRequest {
            id: "17".to_owned(),
            address: "eve@example.com".to_owned(),
            words: "what do\nyou hold?".to_owned(),
            requested_by: Some(api::Actor { class, id: "anna".to_owned(), ..Default::default() }),
            requested_at: at(0),
            due_at: at(31 * 86_400),
            revision: 17,
            ..Default::default()
        }
    }

    #[test]
    fn a_request_shows_what_is_set() {
        assert_eq!(
            human(&request()),
            "access request 17  open
  address    eve@example.com
  requested  1970-01-01 00:00:00 UTC  by staff anna
  words      what do you hold?
  due        1970-02-01 00:00:00 UTC
"
        );
        let answered = api::AccessRequest {
            answered_at: request().due_at,
            answer_note: "by mail".to_owned(),
            ..request()
        };
        let shown = human(&answered);
        assert!(shown.starts_with("access request 17  answered\n"), "{shown}");
        assert!(shown.ends_with("  note       by mail\n"), "{shown}");
        let document = document(&request());
        assert_eq!(document["due_at"], "1970-02-01T00:00:00Z");
        assert_eq!(document["answered_by"], Value::Null);
    }

    #[test]
    fn who_records_a_request_is_told_what_is_next() {
        let taken = |access_request, outcome: api::WriteOutcome| api::RequestAccessResponse {
            access_request,
            outcome: outcome.into(),
        };
        let applied = next(&taken(Some(request()), api::WriteOutcome::Applied));
        assert!(applied.starts_with("make the data sheet"), "{applied}");
        assert!(applied.contains("sheet eve@example.com ") && applied.contains("answer 17 "));
        let again = next(&taken(Some(request()), api::WriteOutcome::Unchanged));
        assert!(again.starts_with("a request is recorded already; make"), "{again}");
        let erased = next(&taken(None, api::WriteOutcome::RejectedErased));
        assert_eq!(erased, "nothing was recorded: rejected: all data were erased");
    }
}
