//! What a token proves, and what does not pass for one.

use proptest::prelude::*;

use super::*;
use crate::model::scope::{BrandId, ControllerId, TopicId};

const ALL: [TokenKind; 3] = [TokenKind::Unsubscribe, TokenKind::Preferences, TokenKind::Confirm];

fn names() -> Names {
    let mut names = Names::default();
    let controller = names.add_controller("buehne").unwrap();
    for word in ["festival", "theater"] {
        let brand = names.add_brand(controller, word).unwrap();
        names.add_topic(brand, "newsletter").unwrap();
        names.add_topic(brand, "programm").unwrap();
    }
    names
}

fn key(id: u8, state: KeyState) -> TokenKey {
    TokenKey::new(NonZeroU8::new(id).unwrap(), &[id; SECRET], state)
}

fn keys() -> TokenKeys {
    TokenKeys::new(key(1, KeyState::Active), Vec::new())
}

fn topic(index: u16) -> Scope {
    names().topic_by_index(index).map(Scope::Topic).unwrap()
}

fn token(kind: TokenKind) -> Token {
    Token {
        kind,
        fingerprint: Fingerprint::new(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100),
        tagged: false,
        asked: false,
        scopes: vec![topic(1)],
        minted: Revision::new(7),
        day: Day::new(20_000),
    }
}

fn any_token() -> impl Strategy<Value = Token> {
    let kind = prop::sample::select(ALL.to_vec());
    let scope = prop_oneof![
        Just(Scope::Everything),
        Just(Scope::Controller(ControllerId::new(0))),
        (0_u16..2).prop_map(|index| names().brand_by_index(index).map(Scope::Brand).unwrap()),
        (0_u16..4).prop_map(topic),
    ];
    let scopes = prop::collection::vec(scope, 1..8);
    let flags = any::<[bool; 2]>();
    (kind, any::<u128>(), flags, scopes, any::<u64>(), any::<u16>()).prop_map(
        |(kind, bits, [tagged, asked], mut scopes, minted, day)| {
            if kind != TokenKind::Confirm {
                scopes.truncate(1);
            }
            Token {
                kind,
                fingerprint: Fingerprint::new(bits),
                tagged,
                asked,
                scopes,
                minted: Revision::new(minted),
                day: Day::new(day),
            }
        },
    )
}

proptest! {
    #[test]
    fn every_token_comes_back_as_it_went(token in any_token()) {
        let text = keys().mint(&token);
        let verified = keys().verify(&text, &[token.kind], &names());
        prop_assert_eq!(verified, Ok(Verified { token, retired: false }));
    }

    #[test]
    fn no_kind_passes_for_another(token in any_token()) {
        let text = keys().mint(&token);
        let others: Vec<_> = ALL.into_iter().filter(|kind| *kind != token.kind).collect();
        let found = keys().verify(&text, &others, &names());
        prop_assert_eq!(found, Err(BadToken::ForeignKind(token.kind)));
    }

    #[test]
    fn no_flipped_bit_is_accepted(token in any_token()) {
        let (keys, names) = (keys(), names());
        let text = keys.mint(&token);
        let octets = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for bit in 0..octets.len() * 8 {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let flipped = URL_SAFE_NO_PAD.encode(flipped);
            prop_assert!(keys.verify(&flipped, &ALL, &names).is_err(), "bit {}", bit);
        }
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(flipped) = String::from_utf8(flipped) {
                prop_assert!(keys.verify(&flipped, &ALL, &names).is_err(), "text bit {}", bit);
            }
        }
    }

    #[test]
    fn no_truncation_is_accepted(token in any_token()) {
        let (keys, names) = (keys(), names());
        let text = keys.mint(&token);
        for end in 0..text.len() {
            prop_assert!(keys.verify(&text[..end], &ALL, &names).is_err(), "cut at {}", end);
            prop_assert!(keys.verify(&text[text.len() - end..], &ALL, &names).is_err());
        }
        prop_assert!(keys.verify(&[text.as_str(), "A"].concat(), &ALL, &names).is_err());
        prop_assert!(keys.verify(&[text.as_str(), "="].concat(), &ALL, &names).is_err());
    }

    #[test]
    fn foreign_text_is_no_token(text in ".{0,120}") {
        prop_assert!(keys().verify(&text, &ALL, &names()).is_err());
    }

    /// Even the holder of a key cannot make the reader fail: what stands behind a good MAC is read
    /// with the same care.
    #[test]
    fn a_signed_body_that_is_no_token_is_an_error(
        mut body in prop::collection::vec(any::<u8>(), 2..60),
        flags in 0_u8..4,
    ) {
        body[0] = 1;
        body[1] = 1;
        if let Some(octet) = body.get_mut(2) {
            *octet = flags;
        }
        let mac = key(1, KeyState::Active).mac(&body).finalize().into_bytes();
        let octets = [&body[..], &mac[..MAC]].concat();
        if let Ok(verified) = keys().verify(&URL_SAFE_NO_PAD.encode(octets), &ALL, &names()) {
            let again = wire::body(&verified.token, NonZeroU8::MIN);
            prop_assert_eq!(again, body);
        }
    }
}

#[test]
fn several_kinds_may_be_expected() {
    let text = keys().mint(&token(TokenKind::Preferences));
    let verified =
        keys().verify(&text, &[TokenKind::Unsubscribe, TokenKind::Preferences], &names());
    assert_eq!(verified.map(|verified| verified.token), Ok(token(TokenKind::Preferences)));
    assert!(keys().verify(&text, &[], &names()).is_err());
}

#[test]
fn the_mac_is_hmac_sha256_over_label_and_body() {
    // Python: hmac.new(bytes([1]) * 32, b"maysend owner token\0" + body, "sha256").digest()[:16]
    let text = keys().mint(&token(TokenKind::Unsubscribe));
    assert_eq!(text, "AQEBAAECAwQFBgcICQoLDA0ODwcAAAAAAAAAIE4DAQCcW9jj_SPUOARTr_F6Ntqf");
}

#[test]
fn an_unknown_key_is_named() {
    let other = TokenKeys::new(key(9, KeyState::Active), Vec::new());
    let text = other.mint(&token(TokenKind::Unsubscribe));
    assert_eq!(keys().verify(&text, &ALL, &names()), Err(BadToken::UnknownKey(9)));
}

#[test]
fn another_key_under_the_same_number_does_not_verify() {
    let other = TokenKey::new(NonZeroU8::MIN, &[77; SECRET], KeyState::Active);
    let text = TokenKeys::new(other, Vec::new()).mint(&token(TokenKind::Unsubscribe));
    assert_eq!(keys().verify(&text, &ALL, &names()), Err(BadToken::WrongMac));
}

#[test]
fn a_rotated_key_goes_on_verifying() {
    for kind in ALL {
        let text = keys().mint(&token(kind));
        let rotated = TokenKeys::new(key(2, KeyState::Active), vec![key(1, KeyState::Active)]);
        assert_ne!(rotated.mint(&token(kind)), text);
        let verified = rotated.verify(&text, &ALL, &names());
        assert_eq!(verified, Ok(Verified { token: token(kind), retired: false }));
    }
}

#[test]
fn a_retired_key_says_no_and_confirms_nothing() {
    let rotated = TokenKeys::new(key(2, KeyState::Active), vec![key(1, KeyState::Retired)]);
    for kind in [TokenKind::Unsubscribe, TokenKind::Preferences] {
        let verified = rotated.verify(&keys().mint(&token(kind)), &ALL, &names());
        assert_eq!(verified, Ok(Verified { token: token(kind), retired: true }));
    }
    let found = rotated.verify(&keys().mint(&token(TokenKind::Confirm)), &ALL, &names());
    assert_eq!(found, Err(BadToken::RetiredKey(1)));
}

#[test]
fn a_scope_that_was_never_named_is_an_error() {
    let text = keys().mint(&token(TokenKind::Unsubscribe));
    let found = keys().verify(&text, &ALL, &Names::default());
    assert_eq!(found, Err(BadToken::UnknownScope));
}

#[test]
fn the_longest_unsubscribe_token_fits_a_header_line() {
    let brand = BrandId::new(ControllerId::new(u16::MAX), u16::MAX);
    let longest = Token {
        fingerprint: Fingerprint::new(u128::MAX),
        tagged: true,
        asked: true,
        scopes: vec![Scope::Topic(TopicId::new(brand, u16::MAX))],
        minted: Revision::new(u64::MAX),
        day: Day::new(u16::MAX),
        ..token(TokenKind::Unsubscribe)
    };
    let text = TokenKeys::new(key(255, KeyState::Active), Vec::new()).mint(&longest);
    assert_eq!(text.len(), 64);
    // RFC 5322 section 2.1.1: a line should have at most 78 characters, and must at most 998.
    let line = format!("List-Unsubscribe: <https://mail.example.com/u/{text}>");
    assert!(line.len() <= 998);
}

#[test]
fn a_token_of_the_most_scopes_verifies_and_one_more_does_not() {
    let mut token = token(TokenKind::Confirm);
    token.scopes = vec![topic(1); MAX_SCOPES];
    assert!(keys().verify(&keys().mint(&token), &ALL, &names()).is_ok());
    token.scopes.push(topic(2));
    assert_eq!(keys().verify(&keys().mint(&token), &ALL, &names()), Err(BadToken::Malformed));
    token.scopes.clear();
    assert_eq!(keys().verify(&keys().mint(&token), &ALL, &names()), Err(BadToken::Malformed));
}

#[test]
fn a_token_that_says_no_names_one_scope() {
    let mut token = token(TokenKind::Unsubscribe);
    token.scopes.push(topic(2));
    assert_eq!(keys().verify(&keys().mint(&token), &ALL, &names()), Err(BadToken::Malformed));
}

#[test]
fn a_yes_expires_after_its_days() {
    #[track_caller]
    fn check(kind: TokenKind, today: u16, lifetime: u16, expired: bool) {
        assert_eq!(token(kind).has_expired(Day::new(today), lifetime), expired);
    }
    for kind in [TokenKind::Preferences, TokenKind::Confirm] {
        check(kind, 20_000, 7, false);
        check(kind, 20_006, 7, false);
        check(kind, 20_007, 7, true);
        check(kind, 20_000, 0, true);
        check(kind, u16::MAX, 7, true);
        // A little ahead of the clock, and far ahead.
        check(kind, 19_998, 7, false);
        check(kind, 19_997, 7, true);
    }
    check(TokenKind::Unsubscribe, u16::MAX, 0, false);
}

#[test]
fn a_bad_token_says_no_more_than_that() {
    let bad = [
        BadToken::Malformed,
        BadToken::UnknownKey(3),
        BadToken::WrongMac,
        BadToken::ForeignKind(TokenKind::Confirm),
        BadToken::RetiredKey(3),
        BadToken::UnknownScope,
    ];
    for bad in bad {
        assert_eq!(bad.to_string(), "not a token of this server");
    }
}

#[test]
fn keys_print_no_secret() {
    let printed = format!("{:?}", TokenKey::new(NonZeroU8::MIN, &[0xab; 32], KeyState::Active));
    assert_eq!(printed, "TokenKey { id: 1, state: Active, .. }");
}
