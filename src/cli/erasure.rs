//! `maysend erasure`: asking for erasure, the reviewers' queue, the decision of another person.

mod ask;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use self::ask::{Answer, ask, is_terminal};
use super::block::OptOutArgs;
use super::connect::{consents, erasures};
use super::event::{actor, actor_json, one_line};
use super::fault::Fault;
use super::output::{Align, hex, instant, print, rfc3339, say, table};
use super::write::Addresses;
use super::{Exit, Format, Global, scope, status, words};
use crate::grpc::api;

/// Cases that are asked for at once.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct ErasureArgs {
    #[command(subcommand)]
    command: ErasureCommand,
}

#[derive(Debug, Subcommand)]
enum ErasureCommand {
    /// Ask for the erasure of all that is held about an address. Another person decides.
    Request(RequestArgs),
    /// List the cases, oldest first.
    List(ListArgs),
    /// Approve a case: everything is erased, beyond recovery. Prints the certificate.
    Approve(ApproveArgs),
    /// Decline a case.
    Reject(RejectArgs),
}

#[derive(Debug, Args)]
struct RequestArgs {
    /// Whose data.
    address: String,
    /// Why, in words, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask back whether an opt-out would do.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Which cases.
    #[arg(long, value_enum, default_value_t)]
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum State {
    /// To be decided.
    #[default]
    Pending,
    /// Declined.
    Rejected,
    /// Done.
    Erased,
    All,
}

impl From<State> for api::ErasureState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Rejected => Self::Rejected,
            State::Erased => Self::Erased,
            State::All => Self::Unspecified,
        }
    }
}

#[derive(Debug, Args)]
struct ApproveArgs {
    /// The case.
    id: String,
    /// A note for the record. It outlives the erasure and must not name the person.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

#[derive(Debug, Args)]
struct RejectArgs {
    /// The case.
    id: String,
    /// Why, in words, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl ErasureArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self.command {
            ErasureCommand::List(args) => args.run(global).await,
            _ if global.actor.as_deref().is_none_or(|actor| actor.trim().is_empty()) => {
                say("maysend: an erasure is asked for by one person and decided by another; say \
                     who you are with --actor NAME");
                Ok(Exit::Usage)
            }
            ErasureCommand::Request(args) => args.run(global).await,
            ErasureCommand::Approve(args) => args.run(global).await,
            ErasureCommand::Reject(args) => args.run(global).await,
        }
    }
}

impl RequestArgs {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { address, reason, yes } = self;
        let connection = global.connect().await?;
        let of = api::GetStatusRequest { address: address.clone(), at_least_revision: 0 };
        let stands = consents(connection.clone()).get_status(of).await.map_err(Fault::from)?;
        let stands = stands.into_inner();
        say(status::human(&stands));
        if !yes {
            if !is_terminal() {
                say(lesser_step(&address));
                return Ok(Exit::Usage);
            }
            match ask(&mut std::io::stdin().lock())? {
                Answer::Erase => {}
                Answer::OptOut => {
                    let opt_out = OptOutArgs {
                        scopes: vec![scope::everything()],
                        reason,
                        addresses: Addresses::one(address),
                    };
                    return opt_out.run(global).await;
                }
                Answer::Cancel => {
                    say("nothing was done");
                    return Ok(Exit::Failed);
                }
            }
        }
        let request = api::RequestErasureRequest { address, reason, request_id: String::new() };
        let response = erasures(connection).request_erasure(request).await.map_err(Fault::from)?;
        let case = response.into_inner().erasure_case.unwrap_or_default();
        show(&case, global.format)?;
        if case.state() == api::ErasureState::Pending && global.format == Format::Human {
            say(format_args!(
                "nothing is sent to this address any more; another person now decides:\n  maysend \
                 --actor NAME erasure approve {}",
                case.id
            ));
        }
        Ok(Exit::Done)
    }
}

/// What to do where nobody can be asked.
fn lesser_step(address: &str) -> String {
    format!(
        "maysend: an erasure cannot be undone, and often a lesser step is meant: that nothing is \
         sent any more\n  maysend opt-out --scope everything {}\nto ask for erasure all the same, \
         say --yes",
        one_line(address)
    )
}

impl ListArgs {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = erasures(global.connect().await?);
        let mut page_token = String::new();
        let mut shown = false;
        loop {
            let state = api::ErasureState::from(self.state).into();
            let request = api::ListErasureCasesRequest { state, page_size: PAGE, page_token };
            let page = client.list_erasure_cases(request).await.map_err(Fault::from)?.into_inner();
            shown |= !page.cases.is_empty();
            for case in &page.cases {
                show(case, global.format)?;
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        if !shown && global.format == Format::Human {
            say("no case is in this state; `--state all` shows every one");
        }
        Ok(Exit::Done)
    }
}

impl ApproveArgs {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = erasures(global.connect().await?);
        let request = api::ApproveErasureRequest { id: self.id, note: self.note };
        let response = client.approve_erasure(request).await.map_err(Fault::from)?.into_inner();
        let certificate = response.certificate.unwrap_or_default();
        print(&match global.format {
            Format::Human => certified(&certificate),
            Format::Json => format!("{}\n", certificate_json(&certificate)),
        })?;
        Ok(Exit::Done)
    }
}

impl RejectArgs {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = erasures(global.connect().await?);
        let request = api::RejectErasureRequest { id: self.id, reason: self.reason };
        let response = client.reject_erasure(request).await.map_err(Fault::from)?.into_inner();
        show(&response.erasure_case.unwrap_or_default(), global.format)?;
        Ok(Exit::Done)
    }
}

fn show(case: &api::ErasureCase, format: Format) -> anyhow::Result<()> {
    print(&match format {
        Format::Human => human(case),
        Format::Json => format!("{}\n", document(case)),
    })
}

/// Names and what they hold, in two columns; what is empty is left out.
pub(super) fn sheet(title: &str, rows: &[(&str, String)]) -> String {
    let rows = rows.iter().filter(|(_, text)| !text.is_empty());
    let rows: Vec<_> = rows.map(|(name, text)| [(*name).to_owned(), one_line(text)]).collect();
    format!("{title}\n{}", table([Align::Left; 2], &rows))
}

/// When and by whom.
pub(super) fn said(at: Option<&prost_types::Timestamp>, by: Option<&api::Actor>) -> String {
    let by = by.map(actor).unwrap_or_default();
    format!("{}  {by}", instant(at)).trim().to_owned()
}

fn human(case: &api::ErasureCase) -> String {
    let state = words::plain(case.state().as_str_name(), "ERASURE_STATE_");
    sheet(
        &format!("case {}  {state}", one_line(&case.id)),
        &[
            ("address", case.address.clone()),
            ("requested", said(case.requested_at.as_ref(), case.requested_by.as_ref())),
            ("reason", case.reason.clone()),
            ("decided", said(case.decided_at.as_ref(), case.decided_by.as_ref())),
            ("note", case.decision_note.clone()),
            ("first", first_answered(case)),
        ],
    )
}

/// What would be lost with the address.
fn first_answered(case: &api::ErasureCase) -> String {
    match case.access_request_id.as_str() {
        "" => String::new(),
        id => format!("answer access request {id}, which ends with the erasure"),
    }
}

fn certified(certificate: &api::ErasureCertificate) -> String {
    let of = |by: &Option<api::Actor>| by.as_ref().map(actor).unwrap_or_default();
    sheet(
        &format!("certificate of erasure  case {}", one_line(&certificate.id)),
        &[
            ("erased at", instant(certificate.erased_at.as_ref())),
            ("events erased", certificate.events_erased.to_string()),
            ("requested", of(&certificate.requested_by)),
            ("approved", of(&certificate.approved_by)),
            ("revision", certificate.revision.to_string()),
            ("ledger head", hex(&certificate.ledger_head)),
        ],
    )
}

fn document(case: &api::ErasureCase) -> Value {
    json!({
        "id": case.id,
        "state": case.state().as_str_name(),
        "address": case.address,
        "reason": case.reason,
        "requested_by": case.requested_by.as_ref().map(actor_json),
        "requested_at": rfc3339(case.requested_at.as_ref()),
        "decided_by": case.decided_by.as_ref().map(actor_json),
        "decided_at": rfc3339(case.decided_at.as_ref()),
        "decision_note": case.decision_note,
        "revision": case.revision,
        "access_request_id": case.access_request_id,
    })
}

fn certificate_json(certificate: &api::ErasureCertificate) -> Value {
    json!({
        "id": certificate.id,
        "events_erased": certificate.events_erased,
        "requested_by": certificate.requested_by.as_ref().map(actor_json),
        "approved_by": certificate.approved_by.as_ref().map(actor_json),
        "erased_at": rfc3339(certificate.erased_at.as_ref()),
        "ledger_head": hex(&certificate.ledger_head),
        "revision": certificate.revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(id: &str) -> Option<api::Actor> {
        let class = api::ActorClass::Staff.into();
        Some(api::Actor { class, id: id.to_owned(), credential: "local".to_owned() })
    }

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn a_case_shows_what_is_set() {
        let case = api::ErasureCase {
            id: "00c0ffee00c0ffee".to_owned(),
            state: api::ErasureState::Pending.into(),
            address: "eve@example.com".to_owned(),
            reason: "a\nletter".to_owned(),
            requested_by: by("anna"),
            requested_at: at(0),
            revision: 7,
            access_request_id: "5".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            human(&case),
            "case 00c0ffee00c0ffee  pending
  address    eve@example.com
  requested  1970-01-01 00:00:00 UTC  by staff anna
  reason     a letter
  first      answer access request 5, which ends with the erasure
"
        );
        let document = document(&case);
        assert_eq!(document["state"], "ERASURE_STATE_PENDING");
        assert_eq!(document["requested_by"]["id"], "anna");
        assert_eq!(document["decided_by"], Value::Null);
    }

    #[test]
    fn a_certificate_names_both_persons_and_the_head_of_the_ledger() {
        let certificate = api::ErasureCertificate {
            id: "00c0ffee00c0ffee".to_owned(),
            events_erased: 3,
            requested_by: by("anna"),
            approved_by: by("ben"),
            erased_at: at(60),
            ledger_head: vec![0xab; 32],
            revision: 9,
        };
        assert_eq!(
            certified(&certificate),
            format!(
                "certificate of erasure  case 00c0ffee00c0ffee
  erased at      1970-01-01 00:01:00 UTC
  events erased  3
  requested      by staff anna
  approved       by staff ben
  revision       9
  ledger head    {}
",
                "ab".repeat(32)
            )
        );
        assert_eq!(certificate_json(&certificate)["ledger_head"], "ab".repeat(32));
    }

    #[test]
    fn who_cannot_be_asked_is_told_of_the_lesser_step() {
        let text = lesser_step("eve@example.com");
        assert!(text.contains("maysend opt-out --scope everything eve@example.com"), "{text}");
        assert!(text.contains("--yes"), "{text}");
    }
}
