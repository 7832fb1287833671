//! An event, as history and status show it.
#![deny(clippy::wildcard_enum_match_arm)]

use prost_types::Timestamp as ProtoTimestamp;

use super::words::{actor_class, cause, channel, event_kind, legal_basis, method};
use crate::catalog::Names;
use crate::grpc::api;
use crate::grpc::api::scope::Level;
use crate::model::actor::Actor;
use crate::model::day::Timestamp;
use crate::model::event::{Event, Statement};
use crate::model::evidence::{Evidence, Notice};
use crate::model::scope::Scope;

pub(super) fn event(event: Event, names: &Names) -> api::Event {
    // What the engine alone needs stays inside: the chain of events, the fingerprint, the effects.
    let Event {
        revision,
        previous: _,
        recorded_at,
        fingerprint: _,
        address: _,
        tagged: _,
        actor: by,
        request_id,
        statement,
    } = event;
    let Statement {
        kind,
        scopes,
        brands,
        controllers,
        channels,
        cause: why,
        reason,
        legal_basis: basis,
        evidence: proof,
        erasure_id,
        owner_proof: _,
        effects: _,
    } = statement;
    api::Event {
        revision: revision.number(),
        recorded_at: Some(timestamp(recorded_at)),
        kind: event_kind(kind).into(),
        scopes: scopes.into_iter().map(|of| scope(of, names)).collect(),
        brands: brands.into_iter().map(|id| names.brand(id).to_owned()).collect(),
        controllers: controllers.into_iter().map(|id| names.controller(id).to_owned()).collect(),
        channels: channels.into_iter().map(|by| channel(by).into()).collect(),
        cause: why.map_or(api::BlockCause::Unspecified, cause).into(),
        reason: reason.to_string(),
        legal_basis: basis.map_or(api::LegalBasis::Unspecified, legal_basis).into(),
        actor: Some(actor(&by)),
        evidence: proof.map(|proof| evidence(&proof)),
        request_id: request_id.to_string(),
        erasure_id: erasure_id.to_string(),
    }
}

pub(super) fn scope(scope: Scope, names: &Names) -> api::Scope {
    let level = match scope {
        Scope::Everything => Level::Everything(true),
        Scope::Controller(id) => Level::Controller(names.controller(id).to_owned()),
        Scope::Brand(id) => Level::Brand(names.brand(id).to_owned()),
        Scope::Topic(id) => Level::Topic(api::TopicRef {
            brand: names.brand(id.brand()).to_owned(),
            topic: names.topic(id).to_owned(),
        }),
    };
    api::Scope { level: Some(level) }
}

pub(super) fn actor(actor: &Actor) -> api::Actor {
    let Actor { class, id, credential } = actor;
    api::Actor {
        class: actor_class(*class).into(),
        id: id.to_string(),
        credential: credential.to_string(),
    }
}

fn evidence(evidence: &Evidence) -> api::Evidence {
    let Evidence { method: how, source, notice, document_ref, ip, user_agent, occurred_at } =
        evidence;
    let Notice { wording, version, language } = notice;
    api::Evidence {
        method: method(*how).into(),
        source: source.to_string(),
        wording: wording.to_string(),
        wording_version: version.to_string(),
        language: language.to_string(),
        document_ref: document_ref.to_string(),
        ip: ip.to_string(),
        user_agent: user_agent.to_string(),
        occurred_at: occurred_at.map(timestamp),
    }
}

pub(super) fn timestamp(timestamp: Timestamp) -> ProtoTimestamp {
    let (seconds, nanos) = timestamp.parts();
    ProtoTimestamp { seconds, nanos }
}
