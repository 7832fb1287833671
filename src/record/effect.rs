//! Effects: the part of an event that replay applies.

use super::DecodeError;
use super::ids::{brand, controller, put_brand, put_controller, put_scope, scope};
use super::wire::{Reader, put_code, put_u16};
use crate::catalog::Names;
use crate::model::day::Day;
use crate::model::event::Effect;
use crate::model::fact::Block;

const REGISTER: u8 = 1;
const YES: u8 = 2;
const NO: u8 = 3;
const UNDECLARE: u8 = 4;
const BLOCK: u8 = 5;
const UNBLOCK: u8 = 6;
const ASKED: u8 = 7;
const ERASURE: u8 = 8;

pub(super) fn put_effect(out: &mut Vec<u8>, effect: Effect) {
    match effect {
        Effect::Register(controller) => {
            out.push(REGISTER);
            put_controller(out, controller);
        }
        Effect::Yes { scope, basis, day } => {
            out.push(YES);
            put_scope(out, scope);
            put_code(out, basis);
            put_u16(out, day.index());
        }
        Effect::No { scope, origin } => {
            out.push(NO);
            put_scope(out, scope);
            put_code(out, origin);
        }
        Effect::Undeclare(scope) => {
            out.push(UNDECLARE);
            put_scope(out, scope);
        }
        Effect::Block(block) => {
            out.push(BLOCK);
            put_block(out, block);
        }
        Effect::Unblock(block) => {
            out.push(UNBLOCK);
            put_block(out, block);
        }
        Effect::Asked(brand, day) => {
            out.push(ASKED);
            put_brand(out, brand);
            put_u16(out, day.index());
        }
        Effect::Erasure(erasure) => {
            out.push(ERASURE);
            put_code(out, erasure);
        }
    }
}

fn put_block(out: &mut Vec<u8>, block: Block) {
    let Block { brand, channel, cause } = block;
    put_brand(out, brand);
    put_code(out, channel);
    put_code(out, cause);
}

pub(super) fn effect(reader: &mut Reader<'_>, names: &Names) -> Result<Effect, DecodeError> {
    Ok(match reader.octet()? {
        REGISTER => Effect::Register(controller(reader, names)?),
        YES => Effect::Yes {
            scope: scope(reader, names)?,
            basis: reader.code()?,
            day: reader.u16().map(Day::new)?,
        },
        NO => Effect::No { scope: scope(reader, names)?, origin: reader.code()? },
        UNDECLARE => Effect::Undeclare(scope(reader, names)?),
        BLOCK => Effect::Block(block(reader, names)?),
        UNBLOCK => Effect::Unblock(block(reader, names)?),
        ASKED => Effect::Asked(brand(reader, names)?, reader.u16().map(Day::new)?),
        ERASURE => Effect::Erasure(reader.code()?),
        code => return Err(DecodeError::Code { what: "effect", code }),
    })
}

fn block(reader: &mut Reader<'_>, names: &Names) -> Result<Block, DecodeError> {
    Ok(Block { brand: brand(reader, names)?, channel: reader.code()?, cause: reader.code()? })
}
