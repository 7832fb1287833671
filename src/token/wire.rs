//! A token's octets, without its MAC.

use std::num::NonZeroU8;

use super::{BadToken, Token, TokenKind};
use crate::catalog::Names;
use crate::model::day::Day;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::{ControllerId, Scope};

/// Octets before the scopes.
pub(super) const FIXED: usize = 1 + 1 + 1 + 16 + 8 + 2;

/// Octets of a scope.
pub(super) const SCOPE: usize = 3;

const VERSION: u8 = 1;

const KIND: u8 = 0x0f;
const TAGGED: u8 = 0x10;
const ASKED: u8 = 0x20;

pub(super) fn body(token: &Token, key: NonZeroU8) -> Vec<u8> {
    let Token { kind, fingerprint, tagged, asked, scopes, minted, day } = token;
    let kind = match kind {
        TokenKind::Unsubscribe => 1,
        TokenKind::Preferences => 2,
        TokenKind::Confirm => 3,
    };
    let tagged = if *tagged { TAGGED } else { 0 };
    let asked = if *asked { ASKED } else { 0 };
    let mut out = Vec::with_capacity(FIXED + scopes.len() * SCOPE + super::MAC);
    out.extend([VERSION, key.get(), kind | tagged | asked]);
    out.extend(fingerprint.bits().to_le_bytes());
    out.extend(minted.number().to_le_bytes());
    out.extend(day.index().to_le_bytes());
    for scope in scopes {
        let (tag, index) = match scope {
            Scope::Everything => (0, 0),
            Scope::Controller(controller) => (1, controller.index()),
            Scope::Brand(brand) => (2, brand.index()),
            Scope::Topic(topic) => (3, topic.index()),
        };
        out.push(tag);
        out.extend(index.to_le_bytes());
    }
    out
}

/// The number of the key that a body names; all that is read before the MAC holds.
pub(super) fn key_id(body: &[u8]) -> Result<u8, BadToken> {
    match body {
        [VERSION, id, ..] => Ok(*id),
        _ => Err(BadToken::Malformed),
    }
}

pub(super) fn token(body: &[u8], names: &Names) -> Result<Token, BadToken> {
    parts(body).ok_or(BadToken::Malformed)?.read(names)
}

struct Parts<'a> {
    flags: u8,
    fingerprint: [u8; 16],
    minted: [u8; 8],
    day: [u8; 2],
    scopes: &'a [[u8; SCOPE]],
}

fn parts(body: &[u8]) -> Option<Parts<'_>> {
    let ([_version, _key, flags], rest) = body.split_first_chunk()?;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let (minted, rest) = rest.split_first_chunk()?;
    let (day, rest) = rest.split_first_chunk()?;
    let (scopes, odd) = rest.as_chunks();
    let whole = odd.is_empty() && !scopes.is_empty();
    whole.then_some(Parts {
        flags: *flags,
        fingerprint: *fingerprint,
        minted: *minted,
        day: *day,
        scopes,
    })
}

impl Parts<'_> {
    fn read(self, names: &Names) -> Result<Token, BadToken> {
        let Self { flags, fingerprint, minted, day, scopes } = self;
        let kind = match flags & KIND {
            1 => TokenKind::Unsubscribe,
            2 => TokenKind::Preferences,
            3 => TokenKind::Confirm,
            _ => return Err(BadToken::Malformed),
        };
        let single = kind != TokenKind::Confirm;
        if flags & !(KIND | TAGGED | ASKED) != 0 || (single && scopes.len() != 1) {
            return Err(BadToken::Malformed);
        }
        Ok(Token {
            kind,
            fingerprint: Fingerprint::new(u128::from_le_bytes(fingerprint)),
            tagged: flags & TAGGED != 0,
            asked: flags & ASKED != 0,
            scopes: scopes.iter().map(|octets| scope(*octets, names)).collect::<Result<_, _>>()?,
            minted: Revision::new(u64::from_le_bytes(minted)),
            day: Day::new(u16::from_le_bytes(day)),
        })
    }
}

fn scope([tag, low, high]: [u8; SCOPE], names: &Names) -> Result<Scope, BadToken> {
    let index = u16::from_le_bytes([low, high]);
    match (tag, index) {
        (0, 0) => Ok(Scope::Everything),
        (1, _) => {
            let id = ControllerId::new(index);
            // A word is never empty, so an empty one says that the number was never handed out.
            let named = !names.controller(id).is_empty();
            named.then_some(Scope::Controller(id)).ok_or(BadToken::UnknownScope)
        }
        (2, _) => names.brand_by_index(index).map(Scope::Brand).ok_or(BadToken::UnknownScope),
        (3, _) => names.topic_by_index(index).map(Scope::Topic).ok_or(BadToken::UnknownScope),
        _ => Err(BadToken::Malformed),
    }
}
