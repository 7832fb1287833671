//! `maysend status`: what stands for an address now, and what staff could do.

use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};

use super::connect::consents;
use super::event::{channel, named, object, one_line};
use super::fault::Fault;
use super::output::{Align, instant, print, table};
use super::{Exit, Format, Global, event, scope, words};
use crate::grpc::api;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Whose status.
    address: String,
}

impl StatusArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = consents(global.connect().await?);
        let request = api::GetStatusRequest { address: self.address, at_least_revision: 0 };
        let status = client.get_status(request).await.map_err(Fault::from)?.into_inner();
        print(&match global.format {
            Format::Human => human(&status),
            Format::Json => format!("{}\n", document(&status)),
        })?;
        Ok(Exit::Done)
    }
}

/// When and by whom, for the last column of a table.
fn origin(event: Option<&api::Event>) -> String {
    let Some(event) = event else { return String::new() };
    format!("{}  #{}", instant(event.recorded_at.as_ref()), event.revision)
}

fn section<const N: usize>(text: &mut String, title: &str, rows: &[[String; N]]) {
    if !rows.is_empty() {
        write!(text, "\n{title}\n{}", table([Align::Left; N], rows)).unwrap_or_default();
    }
}

pub(super) fn human(status: &api::GetStatusResponse) -> String {
    let registered = match status.registered_with.as_slice() {
        [] => "nobody".to_owned(),
        controllers => controllers.join(", "),
    };
    let erasure = words::plain(status.erasure().as_str_name(), "ERASURE_STATE_");
    let mut text = format!(
        "{}\n  on file with  {registered}\n  erasure       {erasure}\n",
        one_line(&status.canonical_address)
    );
    let consents: Vec<_> = status.consents.iter().map(consent).collect();
    section(&mut text, "consents", &consents);
    let opt_outs: Vec<_> = status
        .opt_outs
        .iter()
        .map(|opt_out| [scope::text(opt_out.scope.as_ref()), origin(opt_out.event.as_ref())])
        .collect();
    section(&mut text, "opt-outs", &opt_outs);
    let blocks: Vec<_> = status
        .blocks
        .iter()
        .map(|block| {
            [
                block.brand.clone(),
                channel(block.channel()),
                words::plain(block.cause().as_str_name(), "BLOCK_CAUSE_"),
                one_line(&block.reason),
                origin(block.event.as_ref()),
            ]
        })
        .collect();
    section(&mut text, "blocks", &blocks);
    let actions: Vec<_> = status.actions.iter().flat_map(actions).collect();
    section(&mut text, "what staff could do", &actions);
    text
}

fn consent(consent: &api::ScopedConsent) -> [String; 4] {
    let basis = if consent.legal_basis == 0 {
        String::new()
    } else {
        words::plain(consent.legal_basis().as_str_name(), "LEGAL_BASIS_")
    };
    [
        scope::text(consent.scope.as_ref()),
        words::plain(consent.state().as_str_name(), "CONSENT_STATE_"),
        basis,
        origin(consent.event.as_ref()),
    ]
}

/// The commands of staff, by name, and the outcome that each would have.
fn outcomes(actions: &api::BrandActions) -> [(&'static str, i32); 4] {
    [
        ("mark_consent_requested", actions.mark_consent_requested),
        ("record_consent", actions.record_consent),
        ("withdraw_consent", actions.withdraw_consent),
        ("lift_blocks", actions.lift_blocks),
    ]
}

fn actions(actions: &api::BrandActions) -> impl Iterator<Item = [String; 3]> {
    outcomes(actions).into_iter().map(|(command, outcome)| {
        let would = match words::outcome(outcome).1 {
            "recorded" => "possible",
            "stood so already" => "nothing to do",
            rejected => rejected,
        };
        [actions.brand.clone(), command.replace('_', " "), would.to_owned()]
    })
}

fn document(status: &api::GetStatusResponse) -> Value {
    let event_of = |event: &Option<api::Event>| event.as_ref().map_or(Value::Null, event::json);
    let consents = status.consents.iter().map(|consent| {
        object([
            ("scope", json!(scope::text(consent.scope.as_ref()))),
            ("state", named(consent.state, consent.state().as_str_name())),
            ("legal_basis", named(consent.legal_basis, consent.legal_basis().as_str_name())),
            ("event", event_of(&consent.event)),
        ])
    });
    let opt_outs = status.opt_outs.iter().map(|opt_out| {
        object([
            ("scope", json!(scope::text(opt_out.scope.as_ref()))),
            ("event", event_of(&opt_out.event)),
        ])
    });
    let blocks = status.blocks.iter().map(|block| {
        object([
            ("brand", json!(block.brand)),
            ("channel", named(block.channel, block.channel().as_str_name())),
            ("cause", named(block.cause, block.cause().as_str_name())),
            ("reason", json!(block.reason)),
            ("event", event_of(&block.event)),
        ])
    });
    let actions = status.actions.iter().map(|actions| {
        let mut fields = serde_json::Map::from_iter([("brand".to_owned(), json!(actions.brand))]);
        let outcomes = outcomes(actions).into_iter();
        fields.extend(outcomes.map(|(name, outcome)| {
            let value = if outcome == 0 { Value::Null } else { json!(words::outcome(outcome).0) };
            (name.to_owned(), value)
        }));
        Value::Object(fields)
    });
    // Lists are there also where they are empty: a program need not ask first.
    json!({
        "canonical_address": status.canonical_address,
        "registered_with": status.registered_with,
        "consents": consents.collect::<Vec<_>>(),
        "opt_outs": opt_outs.collect::<Vec<_>>(),
        "blocks": blocks.collect::<Vec<_>>(),
        "erasure": status.erasure().as_str_name(),
        "revision": status.revision,
        "actions": actions.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> api::GetStatusResponse {
        let event = event::tests::block();
        let brand = api::scope::Level::Brand("festival".to_owned());
        api::GetStatusResponse {
            canonical_address: "eve@example.com".to_owned(),
            registered_with: vec!["buehne".to_owned()],
            consents: vec![api::ScopedConsent {
                scope: Some(api::Scope { level: Some(brand) }),
                state: api::ConsentState::Granted.into(),
                legal_basis: api::LegalBasis::ExistingCustomer.into(),
                event: None,
            }],
            opt_outs: Vec::new(),
            blocks: vec![api::ScopedBlock {
                brand: "festival".to_owned(),
                channel: api::Channel::Email.into(),
                cause: api::BlockCause::Complaint.into(),
                reason: "abuse report".to_owned(),
                event: Some(event),
            }],
            erasure: api::ErasureState::None.into(),
            revision: 9,
            actions: vec![api::BrandActions {
                brand: "festival".to_owned(),
                mark_consent_requested: api::WriteOutcome::RejectedPolicy.into(),
                record_consent: api::WriteOutcome::Applied.into(),
                withdraw_consent: api::WriteOutcome::Unchanged.into(),
                lift_blocks: api::WriteOutcome::RejectedComplaint.into(),
            }],
        }
    }

    #[test]
    fn people_get_sections() {
        assert_eq!(
            human(&status()),
            "eve@example.com
  on file with  buehne
  erasure       none

consents
  brand:festival  granted  existing customer

blocks
  festival  email  complaint  abuse report  1970-01-01 00:00:00 UTC  #7

what staff could do
  festival  mark consent requested  rejected: the policy of the brand or company forbids it
  festival  record consent          possible
  festival  withdraw consent        nothing to do
  festival  lift blocks             rejected: the owner reported mail of the brand as spam
"
        );
    }

    #[test]
    fn programs_get_one_document_with_the_names_of_the_proto_file() {
        let document = document(&status());
        assert_eq!(document["consents"][0]["state"], "CONSENT_STATE_GRANTED");
        assert_eq!(document["blocks"][0]["event"]["revision"], 7);
        assert_eq!(document["actions"][0]["lift_blocks"], "WRITE_OUTCOME_REJECTED_COMPLAINT");
        assert_eq!(document["opt_outs"], json!([]));
        assert_eq!(document["erasure"], "ERASURE_STATE_NONE");
    }
}
