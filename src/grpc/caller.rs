//! Who calls: the credential that the gate found, and the person that the metadata name. A server
//! without credentials listens on loopback or a Unix socket only, and its caller is `local` with
//! every role.

use std::sync::Arc;

use tonic::Request;
use tonic::metadata::MetadataMap;
use unicode_normalization::UnicodeNormalization as _;

use super::gate::Session;
use super::note::{Naming, Note};
use super::refusal::Refusal;
use super::spend::Spends;
use crate::engine::error::InvalidRequest;
use crate::model::actor::Caller;

/// The person behind the credential. A name that is not ASCII travels as UTF-8 under `ACTOR_BIN`.
const ACTOR: &str = "maysend-actor";
const ACTOR_BIN: &str = "maysend-actor-bin";

/// Most octets of the name: every event of the caller holds it.
const MAX_ACTOR: usize = 256;

/// Splits a call into its caller and what it carries, and takes it out of the caller's budgets.
pub(super) fn caller_of<T: Naming + Spends>(request: Request<T>) -> Result<(Caller, T), Refusal> {
    let (caller, session, message) = entered(request)?;
    if let Some(session) = session {
        message.spend(&session)?;
    }
    Ok((caller, message))
}

/// Splits a call into its caller, how that came in, and what it carries; the handler takes the
/// addresses out of the budgets.
pub(super) fn entered<T: Naming>(
    request: Request<T>,
) -> Result<(Caller, Option<Session>, T), Refusal> {
    let (metadata, mut extensions, message) = request.into_parts();
    let actor = actor(&metadata)?;
    let session = extensions.remove::<Session>();
    let caller = match &session {
        None => Caller::local(&actor),
        Some(session) => {
            let (credential, roles) = (&session.credential.name, &session.credential.roles);
            let (credential, roles) = (credential.clone(), roles.clone());
            Caller { credential, roles, actor: actor.into() }
        }
    };
    if let Some(note) = extensions.get::<Arc<Note>>() {
        note.take(&caller.credential, message.addresses());
    }
    Ok((caller, session, message))
}

fn actor(metadata: &MetadataMap) -> Result<String, InvalidRequest> {
    let mut plain = metadata.get_all(ACTOR).iter();
    let mut binary = metadata.get_all_bin(ACTOR_BIN).iter();
    let (key, name) = match (plain.next(), binary.next()) {
        (None, None) => return Ok(String::new()),
        (Some(_), Some(_)) => return refused(ACTOR, "is given in two ways; give it in one"),
        (Some(value), None) => match value.to_str() {
            Ok(text) => (ACTOR, text.to_owned()),
            Err(_) => {
                return refused(ACTOR, "is not ASCII; use `maysend-actor-bin` for such a name");
            }
        },
        (None, Some(value)) => {
            match value.to_bytes().map(|octets| String::from_utf8(octets.into())) {
                Ok(Ok(text)) => (ACTOR_BIN, text),
                Ok(Err(_)) | Err(_) => return refused(ACTOR_BIN, "is not UTF-8"),
            }
        }
    };
    if plain.next().is_some() || binary.next().is_some() {
        return refused(key, "is given twice; one person acts");
    }
    // One name has one form, however a keyboard composes it.
    let name: String = name.nfc().collect();
    let name = name.trim();
    if name.len() > MAX_ACTOR {
        return refused(key, &format!("is longer than {MAX_ACTOR} octets"));
    }
    if name.contains(char::is_control) {
        return refused(key, "holds control characters; give a name in one line");
    }
    Ok(name.to_owned())
}

fn refused<T>(key: &str, problem: &str) -> Result<T, InvalidRequest> {
    Err(InvalidRequest::one(key, problem))
}

#[cfg(test)]
mod tests;
