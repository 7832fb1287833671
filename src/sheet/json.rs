//! The sheet for programs: stable names, the same in every language, nothing empty.

use serde_json::{Value, json};

use super::words;
use crate::engine::sheet::{IDENTITY_RULES, SubjectSheet};
use crate::engine::status::{ScopedBlock, ScopedConsent, ScopedOptOut};
use crate::model::event::{Event, Statement};
use crate::model::evidence::{Evidence, Notice};
use crate::model::fact::Erasure;
use crate::model::scope::Scope;

/// Version of the names below.
const VERSION: u32 = 1;

pub(super) fn render(sheet: &SubjectSheet) -> String {
    let mut document = document(sheet);
    prune(&mut document);
    format!("{document:#}\n")
}

/// Takes out what is empty, from within.
fn prune(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    match value {
        Value::Array(values) => {
            values.iter_mut().for_each(prune);
            values.retain(|value| !is_empty(value));
        }
        Value::Object(fields) => {
            fields.values_mut().for_each(prune);
            fields.retain(|_, value| !is_empty(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn document(sheet: &SubjectSheet) -> Value {
    let names = &sheet.catalog.names;
    let erasure = (sheet.erasure != Erasure::None)
        .then(|| json!({"state": words::erasure(sheet.erasure).name, "case": &*sheet.erasure_id}));
    let controllers = sheet.controllers.iter().map(|controller| {
        json!({
            "id": names.controller(controller.id),
            "title": controller.title,
            "recipients": controller.recipients,
        })
    });
    let asked = sheet.asked.iter().map(|(brand, day)| {
        json!({"scope": scope(sheet, Scope::Brand(*brand)), "asked_at": words::rfc3339(day.start())})
    });
    let mailings = sheet.mailings.iter().map(|mailing| {
        json!({
            "scope": scope(sheet, Scope::Topic(mailing.topic)),
            "allowed": mailing.verdict.allows(),
            "verdict": words::verdict(mailing.verdict).name,
        })
    });
    json!({
        "document": "maysend-data-sheet",
        "version": VERSION,
        "address": sheet.address.as_str(),
        "pseudonym": sheet.pseudonym.map(|name| format!("{:032x}", name.bits())),
        "address_rules": IDENTITY_RULES,
        "made_at": words::rfc3339(sheet.made_at),
        "made_for": {"person": &*sheet.made_for.actor, "credential": &*sheet.made_for.credential},
        "revision": sheet.revision.number(),
        "anything_held": !sheet.is_empty(),
        "controllers": controllers.collect::<Vec<_>>(),
        "erasure": erasure,
        "consents": sheet.consents.iter().map(|of| consent(sheet, of)).collect::<Vec<_>>(),
        "opt_outs": sheet.opt_outs.iter().map(|of| opt_out(sheet, of)).collect::<Vec<_>>(),
        "blocks": sheet.blocks.iter().map(|of| block(sheet, of)).collect::<Vec<_>>(),
        "consent_requests": asked.collect::<Vec<_>>(),
        "mailings": mailings.collect::<Vec<_>>(),
        "events": sheet.events.iter().map(|of| event(sheet, of)).collect::<Vec<_>>(),
    })
}

/// A scope as files write it, with the title that people know it by.
fn scope(sheet: &SubjectSheet, scope: Scope) -> Value {
    json!({"id": sheet.catalog.scope_text(scope), "title": sheet.title(scope)})
}

fn revision(event: Option<&Event>) -> Value {
    event.map_or(Value::Null, |event| json!(event.revision.number()))
}

fn consent(sheet: &SubjectSheet, consent: &ScopedConsent) -> Value {
    let ScopedConsent { scope: at, state, legal_basis, event } = consent;
    json!({
        "scope": scope(sheet, *at),
        "state": words::consent_state(*state).name,
        "legal_basis": legal_basis.map(|basis| words::legal_basis(basis).name),
        "event": revision(event.as_ref()),
    })
}

fn opt_out(sheet: &SubjectSheet, opt_out: &ScopedOptOut) -> Value {
    let ScopedOptOut { scope: at, event } = opt_out;
    json!({"scope": scope(sheet, *at), "event": revision(event.as_ref())})
}

fn block(sheet: &SubjectSheet, block: &ScopedBlock) -> Value {
    let ScopedBlock { brand, channel, cause, reason, event } = block;
    json!({
        "scope": scope(sheet, Scope::Brand(*brand)),
        "channel": words::channel(*channel).name,
        "cause": words::cause(*cause).name,
        "reason": &**reason,
        "event": revision(event.as_ref()),
    })
}

fn event(sheet: &SubjectSheet, event: &Event) -> Value {
    // What serves the ledger alone is no statement about the person.
    let Event {
        revision,
        previous: _,
        recorded_at,
        fingerprint: _,
        address: _,
        tagged: _,
        actor,
        request_id,
        statement,
    } = event;
    let Statement {
        kind,
        scopes,
        brands,
        controllers,
        channels,
        cause,
        reason,
        legal_basis,
        evidence: proof,
        erasure_id,
        owner_proof: _,
        effects: _,
    } = statement;
    let all = |scopes: Vec<Scope>| -> Vec<Value> {
        scopes.into_iter().map(|of| scope(sheet, of)).collect()
    };
    json!({
        "revision": revision.number(),
        "recorded_at": words::rfc3339(*recorded_at),
        "kind": words::event_kind(*kind).name,
        "scopes": all(scopes.clone()),
        "brands": all(brands.iter().copied().map(Scope::Brand).collect()),
        "controllers": all(controllers.iter().copied().map(Scope::Controller).collect()),
        "channels": channels.iter().map(|by| words::channel(*by).name).collect::<Vec<_>>(),
        "cause": cause.map(|cause| words::cause(cause).name),
        "reason": &**reason,
        "legal_basis": legal_basis.map(|basis| words::legal_basis(basis).name),
        "actor": {
            "class": words::actor_class(actor.class).name,
            "person": &*actor.id,
            "credential": &*actor.credential,
        },
        "evidence": proof.as_ref().map(|proof| evidence(proof)),
        "request_id": &**request_id,
        "erasure_case": &**erasure_id,
    })
}

fn evidence(evidence: &Evidence) -> Value {
    let Evidence { method, source, notice, document_ref, ip, user_agent, occurred_at } = evidence;
    let Notice { wording, version, language } = notice;
    json!({
        "method": words::method(*method).map(|method| method.name),
        "source": &**source,
        "wording": &**wording,
        "wording_version": &**version,
        "wording_language": &**language,
        "document": &**document_ref,
        "ip": &**ip,
        "user_agent": &**user_agent,
        "occurred_at": occurred_at.and_then(words::rfc3339),
    })
}
