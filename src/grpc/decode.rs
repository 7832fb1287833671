//! Messages to words of the model, by the names of the catalog.
//!
//! Every message is taken apart field by field, so that a new field does not build until somebody
//! thought about it, and every fault of a message is reported, not the first alone. What the rules
//! say of a well-formed command (a reason that is not blank, evidence that proves a yes) is the
//! engine's to check; here is what cannot be said in words of the model at all.
#![deny(clippy::wildcard_enum_match_arm)]

mod access;
mod campaign;
mod erasure;
mod explain;
mod import;
mod preference;
mod reading;
mod sheet;
mod subject;
mod words;
mod write;

pub(super) use self::access::{answer_access, request_access};
pub(super) use self::campaign::register_campaign;
pub(super) use self::erasure::{approve, case_state, reject, request_erasure};
pub(super) use self::explain::explain;
pub(super) use self::import::import_facts;
pub(super) use self::preference::{
    ConfirmOptIn, MintLinks, Unsubscribe, begin_opt_in, confirm_opt_in, mint_links,
    record_owner_choice, unsubscribe, update_preferences,
};
pub(super) use self::sheet::{SheetAsk, subject_sheet};
pub(super) use self::subject::Subject;
pub(super) use self::write::{
    block_addresses, lift_blocks, mark_consent_requested, opt_out, record_consent,
    register_addresses, resubscribe_by_staff, withdraw_consent,
};

/// The addresses as their octets came.
fn octets(addresses: Vec<String>) -> Vec<Box<[u8]>> {
    addresses.into_iter().map(|address| address.into_bytes().into_boxed_slice()).collect()
}

/// What tells a repeat of a call with a `request_id` from another call under that id: the name of
/// the call and the message. Two messages of different calls can have the same octets.
fn body(call: &str, request: &impl prost::Message, request_id: &str) -> Vec<u8> {
    if request_id.is_empty() {
        return Vec::new();
    }
    let mut body = Vec::with_capacity(call.len() + 1 + request.encoded_len());
    body.extend_from_slice(call.as_bytes());
    body.push(0);
    body.append(&mut request.encode_to_vec());
    body
}

#[cfg(test)]
mod tests;
