//! Any octets as a token: as text from a link, and as a body that one of our keys did sign, so that
//! what stands behind the MAC is read too.

use super::*;

const KINDS: [TokenKind; 3] = [TokenKind::Unsubscribe, TokenKind::Preferences, TokenKind::Confirm];

/// The numbers of the keys: one signs, one is retired.
const SIGNING: NonZeroU8 = NonZeroU8::MIN;
const RETIRED: NonZeroU8 = NonZeroU8::MAX;

/// Whether the octets are a token. The first tells what they are: `s` a body to be signed, anything
/// else the text itself, which begins there.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let keys = keys();
    let names = crate::fuzz::names();
    let body = octets.strip_prefix(b"s");
    let signed = body.map(|body| {
        let key = body.get(1).and_then(|id| keys.key(*id)).unwrap_or(&keys.signing);
        let mac = key.mac(body).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([body, mac.get(..MAC).unwrap_or_default()].concat())
    });
    let text = signed.unwrap_or_else(|| String::from_utf8_lossy(octets).into_owned());
    let Ok(Verified { token, retired }) = keys.verify(&text, &KINDS, &names) else { return false };

    assert!(body.is_some() || text == SEED, "a forged token");
    assert!(!token.scopes.is_empty() && token.scopes.len() <= MAX_SCOPES);
    assert!(!retired || token.kind != TokenKind::Confirm, "a retired key says yes");
    if !retired {
        assert_eq!(keys.mint(&token), text, "a token has one text");
    }
    let others: Vec<TokenKind> = KINDS.into_iter().filter(|kind| *kind != token.kind).collect();
    let foreign = keys.verify(&text, &others, &names);
    assert_eq!(foreign, Err(BadToken::ForeignKind(token.kind)));
    true
}

fn keys() -> TokenKeys {
    let key = |id: NonZeroU8, state| TokenKey::new(id, &[id.get(); SECRET], state);
    TokenKeys::new(key(SIGNING, KeyState::Active), vec![key(RETIRED, KeyState::Retired)])
}

/// The only text in the corpus that one of the keys signed.
const SEED: &str = "AQEiAAECAwQFBgcICQoLDA0ODwcAAAAAAAAAIE4DAQCfGULwO9bdGu8tfpVSi6fV";

/// What the corpus begins with.
#[cfg(test)]
pub(crate) fn seeds() -> crate::fuzz::Seeds {
    let names = crate::fuzz::names();
    let topic = names.topic_by_index(1).map(Scope::Topic).unwrap();
    let brand = names.brand_by_index(0).map(Scope::Brand).unwrap();
    let token = |kind, scopes: &[Scope]| Token {
        kind,
        fingerprint: Fingerprint::new(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100),
        tagged: false,
        asked: kind == TokenKind::Preferences,
        scopes: scopes.to_vec(),
        minted: Revision::new(7),
        day: Day::new(20_000),
    };
    let all = [Scope::Everything, Scope::Controller(ControllerId::new(0)), brand, topic];
    let signed = |token: &Token, key| [b"s", &wire::body(token, key)[..]].concat();
    let preferences = token(TokenKind::Preferences, &[topic]);
    crate::fuzz::named(vec![
        ("text", keys().mint(&preferences).into_bytes()),
        ("unsubscribe", signed(&token(TokenKind::Unsubscribe, &[brand]), SIGNING)),
        ("preferences", signed(&preferences, SIGNING)),
        ("confirm", signed(&token(TokenKind::Confirm, &all), SIGNING)),
        ("retired", signed(&token(TokenKind::Unsubscribe, &[topic]), RETIRED)),
    ])
}

#[cfg(test)]
use crate::model::scope::ControllerId;
