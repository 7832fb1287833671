//! Identifiers as the bare numbers that `catalog::Names` handed out, and back to whole paths.

use super::DecodeError;
use super::wire::{Reader, put_u16};
use crate::catalog::Names;
use crate::model::scope::{BrandId, ControllerId, Scope, TopicId};

const EVERYTHING: u8 = 0;
const CONTROLLER: u8 = 1;
const BRAND: u8 = 2;
const TOPIC: u8 = 3;

pub(super) fn put_controller(out: &mut Vec<u8>, controller: ControllerId) {
    put_u16(out, controller.index());
}

pub(super) fn put_brand(out: &mut Vec<u8>, brand: BrandId) {
    put_u16(out, brand.index());
}

pub(super) fn put_topic(out: &mut Vec<u8>, topic: TopicId) {
    put_u16(out, topic.index());
}

pub(super) fn put_scope(out: &mut Vec<u8>, scope: Scope) {
    match scope {
        Scope::Everything => out.push(EVERYTHING),
        Scope::Controller(controller) => {
            out.push(CONTROLLER);
            put_controller(out, controller);
        }
        Scope::Brand(brand) => {
            out.push(BRAND);
            put_brand(out, brand);
        }
        Scope::Topic(topic) => {
            out.push(TOPIC);
            put_topic(out, topic);
        }
    }
}

pub(super) fn controller(
    reader: &mut Reader<'_>,
    names: &Names,
) -> Result<ControllerId, DecodeError> {
    let index = reader.u16()?;
    let id = ControllerId::new(index);
    // A word is never empty, so an empty one says that the number was never handed out.
    let named = !names.controller(id).is_empty();
    named.then_some(id).ok_or(DecodeError::Unnamed { what: "controller", index })
}

pub(super) fn brand(reader: &mut Reader<'_>, names: &Names) -> Result<BrandId, DecodeError> {
    let index = reader.u16()?;
    names.brand_by_index(index).ok_or(DecodeError::Unnamed { what: "brand", index })
}

pub(super) fn topic(reader: &mut Reader<'_>, names: &Names) -> Result<TopicId, DecodeError> {
    let index = reader.u16()?;
    names.topic_by_index(index).ok_or(DecodeError::Unnamed { what: "topic", index })
}

pub(super) fn scope(reader: &mut Reader<'_>, names: &Names) -> Result<Scope, DecodeError> {
    match reader.octet()? {
        EVERYTHING => Ok(Scope::Everything),
        CONTROLLER => controller(reader, names).map(Scope::Controller),
        BRAND => brand(reader, names).map(Scope::Brand),
        TOPIC => topic(reader, names).map(Scope::Topic),
        code => Err(DecodeError::Code { what: "scope", code }),
    }
}
