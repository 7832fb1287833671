//! The key file on a real disk.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::catalog::Names;
use crate::model::day::Day;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::token::{BadToken, Token, TokenKind};

const FINGERPRINT: &str = "000102030405060708090a0b0c0d0e0f";

fn secret(digits: &str) -> String {
    digits.repeat(32)
}

fn entry(id: u16, secret: &str, state: &str) -> String {
    format!("[[token_key]]\nid = {id}\nsecret = \"{secret}\"\nstate = \"{state}\"\n")
}

fn good() -> String {
    format!("fingerprint_key = \"{FINGERPRINT}\"\n{}", entry(1, &secret("1a"), "signing"))
}

fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (directory, path)
}

fn loaded(text: &str) -> Keys {
    let (_directory, path) = written(text, 0o600);
    Keys::load(&path).unwrap()
}

fn unsubscribe() -> Token {
    Token {
        kind: TokenKind::Unsubscribe,
        fingerprint: Fingerprint::new(5),
        tagged: false,
        asked: false,
        scopes: vec![Scope::Everything],
        minted: Revision::new(1),
        day: Day::new(1),
    }
}

#[test]
fn created_keys_load_as_they_were_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let created = Keys::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");

    let loaded = Keys::load(&path).unwrap();
    assert_eq!(loaded.fingerprint_key(), created.fingerprint_key());
    assert_eq!(loaded.check_value(), created.check_value());
    assert_eq!(loaded.digest("body", b"x"), created.digest("body", b"x"));
    let text = created.token_keys().mint(&unsubscribe());
    let verified =
        loaded.token_keys().verify(&text, &[TokenKind::Unsubscribe], &Names::default()).unwrap();
    assert_eq!(verified.token, unsubscribe());
}

#[test]
fn no_two_creations_are_alike() {
    let directory = tempfile::tempdir().unwrap();
    let one = Keys::create(&directory.path().join("one")).unwrap();
    let two = Keys::create(&directory.path().join("two")).unwrap();
    assert_ne!(one.fingerprint_key(), two.fingerprint_key());
    assert_ne!(one.check_value(), two.check_value());
    assert_ne!(one.token_keys().mint(&unsubscribe()), two.token_keys().mint(&unsubscribe()));
}

#[test]
fn a_key_file_is_never_overwritten() {
    let (directory, path) = written("precious", 0o600);
    assert!(matches!(Keys::create(&path), Err(KeysError::Exists(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_missing_directory_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nowhere/keys.toml");
    let error = Keys::create(&path).unwrap_err().to_string();
    assert!(error.contains("nowhere/keys.toml"), "{error}");
    assert!(matches!(Keys::load(&path), Err(KeysError::Io { .. })));
}

#[test]
fn a_file_that_others_may_read_is_refused_with_what_to_do() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o777, 0o644] {
        let (_directory, path) = written(&good(), mode);
        let error = Keys::load(&path).unwrap_err();
        assert!(matches!(error, KeysError::Open { mode: found, .. } if found == mode));
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    for mode in [0o600, 0o400] {
        let (_directory, path) = written(&good(), mode);
        Keys::load(&path).unwrap();
    }
}

#[test]
fn states_are_what_the_file_says() {
    let old = loaded(&good()).token_keys().mint(&unsubscribe());
    let verify = |state: &str| {
        let text = format!(
            "fingerprint_key = \"{FINGERPRINT}\"\n{}{}",
            entry(1, &secret("1a"), state),
            entry(255, &secret("ff"), "signing"),
        );
        let keys = loaded(&text);
        assert_ne!(keys.token_keys().mint(&unsubscribe()), old);
        keys.token_keys().verify(&old, &[TokenKind::Unsubscribe], &Names::default())
    };
    assert!(!verify("verifying").unwrap().retired);
    assert!(verify("retired").unwrap().retired);
    let gone =
        format!("fingerprint_key = \"{FINGERPRINT}\"\n{}", entry(2, &secret("1a"), "signing"));
    let found =
        loaded(&gone).token_keys().verify(&old, &[TokenKind::Unsubscribe], &Names::default());
    assert_eq!(found, Err(BadToken::UnknownKey(1)));
}

#[test]
fn a_bad_file_is_refused_by_line_and_without_its_content() {
    #[track_caller]
    fn check(text: &str, at: usize, hint: &str) {
        let (_directory, path) = written(text, 0o600);
        let error = Keys::load(&path).unwrap_err();
        let KeysError::Content { line, found, .. } = &error else { panic!("{error}") };
        assert_eq!((*line, found.contains(hint)), (at, true), "{error}");
        let printed = format!("{error} {error:?}");
        for secret in [FINGERPRINT, "1a1a1a", "111111"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
    let good = good();
    check("", 1, "expected");
    check("this is not TOML", 1, "expected");
    check(&good.replace("fingerprint_key", "finger_key"), 1, "expected");
    check(&good.replace(FINGERPRINT, &FINGERPRINT[1..]), 1, "32 digits");
    check(&good.replace("0a0b", "0A0B"), 1, "32 digits");
    check(&good.replace("0a0b", "0g0b"), 1, "32 digits");
    check(&good.replace("0a0b", "\u{e4}0b"), 1, "32 digits");
    check(&good.replace(&secret("1a"), "1a1a1a"), 4, "64 digits");
    check(&good.replace("\"1a", "1a"), 4, "expected");
    check(&good.replace(&format!("\"{}\"", secret("1a")), "111111"), 4, "expected");
    check(&good.replace("id = 1", "id = 0"), 3, "expected");
    check(&good.replace("id = 1", "id = 256"), 3, "expected");
    check(&good.replace("signing", "sleeping"), 5, "expected");
    check(&good.replace("signing", "verifying"), 6, "no token key");
    check(&format!("{good}{}", entry(1, &secret("2b"), "retired")), 7, "this `id`");
    check(&format!("{good}{}", entry(2, &secret("2b"), "signing")), 9, "two token keys");
    check(&format!("{good}colour = 1\n"), 6, "expected");
    check(&format!("{good}{}", "#".repeat(1 << 19)), 1, "too long");
}

#[test]
fn check_value_and_digest_are_what_they_were() {
    let keys = loaded(&good());
    assert_eq!(hex::encode(&keys.fingerprint_key()), FINGERPRINT);
    assert_eq!(hex::encode(&keys.check_value()), "a81cb6d84efe18e5336f01295a824390");
    assert_eq!(hex::encode(&keys.digest("body", b"octets")), "c0c881472b71c856f5e0a55bf47ff0b8");
}

#[test]
fn digests_hang_on_key_label_and_octets() {
    let keys = loaded(&good());
    let other = loaded(&good().replace("0001", "0002"));
    let digest = keys.digest("body", b"octets");
    assert_ne!(digest, other.digest("body", b"octets"));
    assert_ne!(digest, keys.digest("bod", b"yoctets"));
    assert_ne!(digest, keys.digest("body", b"octet"));
    assert_ne!(keys.check_value(), other.check_value());
}

#[test]
fn token_keys_do_not_touch_the_check_value() {
    let other = loaded(&good().replace(&secret("1a"), &secret("2b")));
    assert_eq!(loaded(&good()).check_value(), other.check_value());
}

#[test]
fn keys_print_no_secret() {
    assert_eq!(format!("{:?}", loaded(&good())), "Keys { .. }");
}

fn id(number: u8) -> NonZeroU8 {
    NonZeroU8::new(number).unwrap()
}

#[test]
fn a_rotated_key_signs_and_the_old_one_verifies() {
    let (directory, path) = written(&good(), 0o600);
    let before = Keys::load(&path).unwrap();
    let old = before.token_keys().mint(&unsubscribe());
    assert_eq!(Keys::rotate(&path).unwrap(), (id(2), id(1)));
    let after = Keys::load(&path).unwrap();
    assert_eq!(after.fingerprint_key(), before.fingerprint_key());
    let new = after.token_keys().mint(&unsubscribe());
    assert_ne!(new, old);
    for text in [&old, &new] {
        let kinds = [TokenKind::Unsubscribe];
        let verified = after.token_keys().verify(text, &kinds, &Names::default()).unwrap();
        assert!(!verified.retired);
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    let states = [(id(1), "verifying"), (id(2), "signing")];
    assert_eq!(Keys::list(&path).unwrap(), states);
}

#[test]
fn a_retired_key_says_no_for_ever_and_the_signing_one_cannot_be_retired() {
    let (_directory, path) = written(&good(), 0o600);
    let old = Keys::load(&path).unwrap().token_keys().mint(&unsubscribe());
    assert!(matches!(Keys::retire(&path, id(1)), Err(KeysError::Signs(_))));
    assert!(matches!(Keys::retire(&path, id(7)), Err(KeysError::NoSuchKey { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), good(), "what is refused changes nothing");
    Keys::rotate(&path).unwrap();
    for _again in 0..2 {
        Keys::retire(&path, id(1)).unwrap();
        let keys = Keys::load(&path).unwrap();
        let kinds = [TokenKind::Unsubscribe];
        let verified = keys.token_keys().verify(&old, &kinds, &Names::default());
        assert!(verified.unwrap().retired);
    }
}

#[test]
fn a_file_that_others_may_read_or_that_is_none_is_not_rotated() {
    let broken = good().replace("signing", "sleeping");
    for (text, mode) in [(good(), 0o644), (broken, 0o600)] {
        let (_directory, path) = written(&text, mode);
        Keys::rotate(&path).unwrap_err();
        Keys::retire(&path, id(1)).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_link_to_the_key_file_stays_one() {
    let (directory, path) = written(&good(), 0o600);
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    Keys::rotate(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Keys::list(&path).unwrap().len(), 2);
}

#[test]
fn rotations_at_the_same_time_lose_no_key() {
    let (_directory, path) = written(&good(), 0o600);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    Keys::rotate(&path).unwrap();
                }
            });
        }
    });
    assert_eq!(Keys::list(&path).unwrap().len(), 21);
}

#[test]
fn numbers_end_at_255_and_gaps_are_filled() {
    let text = format!("{}{}", good(), entry(255, &secret("2b"), "retired"));
    let (_directory, path) = written(&text, 0o600);
    assert_eq!(Keys::rotate(&path).unwrap(), (id(2), id(1)));
    for _ in 3..255 {
        Keys::rotate(&path).unwrap();
    }
    assert!(matches!(Keys::rotate(&path), Err(KeysError::Exhausted(_))));
    assert_eq!(Keys::load(&path).unwrap().token_keys().ids().count(), 255);
}
