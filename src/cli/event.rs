//! Events as they are shown: a line or two for people, an object for programs.

use serde_json::{Map, Value, json};

use super::output::{instant, rfc3339};
use super::{scope, words};
use crate::grpc::api;

/// What happened, where, by whom and why, on one line; without instant and revision.
pub(super) fn sentence(event: &api::Event) -> String {
    let mut parts = vec![words::plain(event.kind().as_str_name(), "EVENT_KIND_")];
    let mut places: Vec<String> = event.scopes.iter().map(|s| scope::text(Some(s))).collect();
    places.extend(event.brands.iter().map(|brand| format!("brand:{brand}")));
    places.extend(event.controllers.iter().map(|id| format!("controller:{id}")));
    parts.push(places.join(", "));
    if !event.channels.is_empty() {
        let channels: Vec<_> = event.channels().map(channel).collect();
        parts.push(format!("({})", channels.join(", ")));
    }
    if event.cause != 0 {
        parts.push(format!("[{}]", words::plain(event.cause().as_str_name(), "BLOCK_CAUSE_")));
    }
    if event.legal_basis != 0 {
        let basis = words::plain(event.legal_basis().as_str_name(), "LEGAL_BASIS_");
        parts.push(format!("[{basis}]"));
    }
    parts.push(event.actor.as_ref().map(actor).unwrap_or_default());
    if !event.reason.is_empty() {
        parts.push(format!("\"{}\"", one_line(&event.reason)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// What proves the event, one fact a line.
pub(super) fn proof(evidence: &api::Evidence) -> Vec<String> {
    let fact = |name, text: &str| (!text.is_empty()).then(|| format!("{name}: {}", one_line(text)));
    let method = words::plain(evidence.method().as_str_name(), "METHOD_");
    [
        (evidence.method != 0).then(|| format!("method: {method}")),
        fact("source", &evidence.source),
        fact("wording", &evidence.wording),
        fact("wording version", &evidence.wording_version),
        fact("language", &evidence.language),
        fact("document", &evidence.document_ref),
        fact("ip", &evidence.ip),
        fact("user agent", &evidence.user_agent),
        fact("said at", &instant(evidence.occurred_at.as_ref())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `by staff anna (credential crm)`.
pub(super) fn actor(actor: &api::Actor) -> String {
    let class = words::plain(actor.class().as_str_name(), "ACTOR_CLASS_");
    let credential = match actor.credential.as_str() {
        "" | "local" => String::new(),
        name => format!(" (credential {})", one_line(name)),
    };
    let gap = if actor.id.is_empty() { "" } else { " " };
    format!("by {class}{gap}{}{credential}", one_line(&actor.id))
}

/// `email`, `post`.
pub(super) fn channel(channel: api::Channel) -> String {
    words::plain(channel.as_str_name(), "CHANNEL_")
}

/// What others wrote cannot move the cursor or start a line.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The event for programs: the fields of the proto file that are set.
pub(super) fn json(event: &api::Event) -> Value {
    let scopes: Vec<_> = event.scopes.iter().map(|s| scope::text(Some(s))).collect();
    let channels: Vec<_> = event.channels().map(|channel| channel.as_str_name()).collect();
    let cause = named(event.cause, event.cause().as_str_name());
    let basis = named(event.legal_basis, event.legal_basis().as_str_name());
    object([
        ("revision", json!(event.revision)),
        ("recorded_at", json!(rfc3339(event.recorded_at.as_ref()))),
        ("kind", json!(event.kind().as_str_name())),
        ("scopes", json!(scopes)),
        ("brands", json!(event.brands)),
        ("controllers", json!(event.controllers)),
        ("channels", json!(channels)),
        ("cause", cause),
        ("reason", json!(event.reason)),
        ("legal_basis", basis),
        ("actor", event.actor.as_ref().map_or(Value::Null, actor_json)),
        ("evidence", event.evidence.as_ref().map_or(Value::Null, evidence_json)),
        ("request_id", json!(event.request_id)),
        ("erasure_id", json!(event.erasure_id)),
    ])
}

pub(super) fn actor_json(actor: &api::Actor) -> Value {
    object([
        ("class", named(actor.class, actor.class().as_str_name())),
        ("id", json!(actor.id)),
        ("credential", json!(actor.credential)),
    ])
}

fn evidence_json(evidence: &api::Evidence) -> Value {
    object([
        ("method", named(evidence.method, evidence.method().as_str_name())),
        ("source", json!(evidence.source)),
        ("wording", json!(evidence.wording)),
        ("wording_version", json!(evidence.wording_version)),
        ("language", json!(evidence.language)),
        ("document_ref", json!(evidence.document_ref)),
        ("ip", json!(evidence.ip)),
        ("user_agent", json!(evidence.user_agent)),
        ("occurred_at", json!(rfc3339(evidence.occurred_at.as_ref()))),
    ])
}

/// The name of an enum's value; null where it is not set.
pub(super) fn named(number: i32, name: &str) -> Value {
    if number == 0 { Value::Null } else { json!(name) }
}

/// An object without what is empty.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    let fields = fields.into_iter().filter(|(_, value)| !empty(value));
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A block as staff record it.
    pub(in crate::cli) fn block() -> api::Event {
        api::Event {
            revision: 7,
            recorded_at: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
            kind: api::EventKind::Blocked.into(),
            brands: vec!["festival".to_owned()],
            channels: vec![api::Channel::Email.into(), api::Channel::Post.into()],
            cause: api::BlockCause::OwnerRequest.into(),
            reason: "called,\nangry".to_owned(),
            actor: Some(api::Actor {
                class: api::ActorClass::Staff.into(),
                id: "anna".to_owned(),
                credential: "crm".to_owned(),
            }),
            ..api::Event::default()
        }
    }

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(
            sentence(&block()),
            "blocked brand:festival (email, post) [owner request] by staff anna (credential crm) \
             \"called, angry\""
        );
    }

    #[test]
    fn an_object_names_what_is_set_and_nothing_else() {
        assert_eq!(
            json(&block()).to_string(),
            r#"{"actor":{"class":"ACTOR_CLASS_STAFF","credential":"crm","id":"anna"},"#.to_owned()
                + r#""brands":["festival"],"cause":"BLOCK_CAUSE_OWNER_REQUEST","#
                + r#""channels":["CHANNEL_EMAIL","CHANNEL_POST"],"kind":"EVENT_KIND_BLOCKED","#
                + r#""reason":"called,\nangry","recorded_at":"1970-01-01T00:00:00Z","revision":7}"#
        );
    }

    #[test]
    fn the_proof_lists_what_was_given() {
        let evidence = api::Evidence {
            method: api::Method::Paper.into(),
            document_ref: "folder 7".to_owned(),
            ..api::Evidence::default()
        };
        assert_eq!(proof(&evidence), ["method: paper", "document: folder 7"]);
    }
}
