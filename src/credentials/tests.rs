//! The file is parsed whole or not at all, a key is known or is not, and a change of the file keeps
//! what stood there.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::credentials::parse::instant;

/// The hash of `maysend_a` and so on: `printf %s maysend_a | sha256sum`.
fn digits(key: &str) -> String {
    KeyDigest::of(key.as_bytes()).0.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn entry(name: &str, more: &str) -> String {
    let sha256 = digits(name);
    format!(
        "[[credential]]\nname = \"{name}\"\nroles = [\"system\"]\nsha256 = \"{sha256}\"\n\
         created = 2026-11-22T08:00:00Z\n{more}\n"
    )
}

fn read(text: &str) -> Credentials {
    parse("c.toml", text).unwrap()
}

fn at(text: &str) -> Timestamp {
    instant(text).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Who shows this on 2026-12-01.
fn who(credentials: &Credentials, key: Option<&str>, certificate: &[&str]) -> Option<String> {
    let key = key.map(str::as_bytes);
    let found = credentials.caller(key, &names(certificate), at("2026-12-01"));
    found.map(|credential| credential.name.to_string())
}

#[test]
fn the_hash_is_sha_256_of_the_key_as_text() {
    // printf %s maysend_a | sha256sum
    assert_eq!(
        digits("maysend_a"),
        "969849bc919a279c5372c04b611cf69229d8f36596057e4363840fb7bcba2dae"
    );
}

#[test]
fn an_entry_is_read_with_all_that_it_says() {
    let text = r#"
# who sends
[[credential]]
name = "mailer"
roles = ["sender", "system"]
sha256 = "00000000000000000000000000000000000000000000000000000000000000ff"
san = ["dns:Mailer.Example", "uri:spiffe://x/mailer"]
created = 2026-11-22T08:00:00+01:00
expires = 2027-01-31
addresses_per_minute = 1_000
distinct_addresses_per_day = 50000
"#;
    let credentials = read(text);
    let mut digest = [0; 32];
    digest[31] = 0xff;
    let expected = Credential {
        name: "mailer".into(),
        roles: vec![Role::Sender, Role::System],
        digest: Some(KeyDigest(digest)),
        certificates: vec!["dns:mailer.example".into(), "uri:spiffe://x/mailer".into()],
        created: at("2026-11-22T07:00:00Z"),
        expires: Some(at("2027-01-31T00:00:00Z")),
        is_revoked: false,
        limits: Limits {
            addresses_per_minute: Some(1_000),
            distinct_addresses_per_day: Some(50_000),
        },
    };
    assert_eq!(credentials.named("mailer").map(|entry| &**entry), Some(&expected));
    assert_eq!(read(""), Credentials::default());
}

/// What is wrong, as `LINE KEY: CLAUSE`.
#[track_caller]
fn faults(text: &str, expect: &[&str]) {
    let errors = parse("c.toml", text).unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let told: Vec<&str> = told.iter().map(|line| line.strip_prefix("c.toml:").unwrap()).collect();
    assert_eq!(told.len(), expect.len(), "{told:#?}");
    for (told, expect) in told.iter().zip(expect) {
        assert!(told.starts_with(expect), "{told} is not {expect}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = r#"other = 1
[[credential]]
name = "A b"
roles = ["sender", "boss", "sender", 7]
sha256 = "maysend_secret"
created = 2026-11-22T08:00:00
expires = "soon"
colour = "red"
addresses_per_minute = 0
distinct_addresses_per_day = -1

[[credential]]
name = "local"
roles = []
san = ["mailer.example", "dns:"]
revoked = 1
"#;
    faults(
        text,
        &[
            "1: other: unknown key; known are credential",
            "3: credential[0].name: is not a name",
            "4: credential[0].roles[1]: is not a role",
            "4: credential[0].roles[2]: names a role twice",
            "4: credential[0].roles[3]: is not a role",
            "5: credential[0].sha256: is not the SHA-256 of a key",
            "6: credential[0].created: is not an instant",
            "7: credential[0].expires: expected a date or time",
            "8: credential[0].colour: unknown key; known are name, roles",
            "9: credential[0].addresses_per_minute: is out of range; allowed is 1 to",
            "10: credential[0].distinct_addresses_per_day: is out of range",
            "12: credential[1].created: the key is missing",
            "13: credential[1].name: `local` is the name of callers without",
            "14: credential[1].roles: names no role",
            "15: credential[1].san[0]: is not the name of a certificate",
            "15: credential[1].san[1]: is not the name of a certificate",
            "16: credential[1].revoked: expected a boolean",
        ],
    );
    faults("[[credential]\n", &["1: "]);
    faults("credential = 1\n", &["1: credential: expected an array of tables"]);
    faults("credential = [1]\n", &["1: credential[0]: expected a table"]);
}

#[test]
fn names_keys_and_certificates_are_given_out_once() {
    let one = entry("a", "san = [\"dns:x\", \"dns:X\"]");
    faults(&one, &["6: credential[0].san[1]: is taken by line 6"]);
    let two = entry("a", "san = [\"dns:x\"]") + &entry("a", "san = [\"dns:X\"]");
    faults(
        &two,
        &[
            "8: credential[1].name: is taken by line 2",
            "10: credential[1].sha256: is taken by line 4",
            "12: credential[1].san[0]: is taken by line 6",
        ],
    );
    let old = "san = [\"dns:x\"]\nrevoked = true";
    read(&(entry("a", old) + &entry("b", "san = [\"dns:x\"]")));
}

#[test]
fn staff_do_not_hold_the_owner_s_proof() {
    let with = |roles: &str| entry("a", "").replace("[\"system\"]", roles);
    faults(&with(r#"["staff", "sender"]"#), &["3: credential[0].roles: staff must not hold"]);
    faults(&with(r#"["portal", "staff"]"#), &["3: credential[0].roles: staff must not hold"]);
    read(&with(r#"["staff", "system", "reviewer"]"#));
    read(&with(r#"["sender", "portal"]"#));
}

#[test]
fn a_credential_without_any_proof_is_a_fault() {
    let none = "[[credential]]\nname = \"a\"\nroles = [\"system\"]\ncreated = 2026-11-22\n";
    faults(none, &["1: credential[0].sha256: needs `sha256`"]);
    read(&format!("{none}san = [\"email:a@example.com\"]\n"));
}

#[test]
fn no_error_shows_a_key() {
    let key = Key::random().unwrap();
    let key = key.reveal();
    for text in [
        entry("a", "").replace(&digits("a"), key),
        entry("a", &format!("{key} = 1")),
        entry("a", &format!("\"{key}\" = 1")),
        entry("a", &format!("san = [\"{key}\"]")),
        entry("a", "").replace("\"a\"", &format!("\"{key}\"")),
        entry("a", "").replace("\"system\"", &format!("\"{key}\"")),
        format!("{key} = 1\n"),
        format!("{key}\n"),
        format!("credential = {key}\n"),
    ] {
        let told = parse("c.toml", &text).unwrap_err();
        assert!(!format!("{told} {told:?}").contains(&key[8..]), "{told}");
    }
}

#[test]
fn a_key_lets_in_whom_it_is_of() {
    let credentials = read(&(entry("a", "") + &entry("b", "revoked = true")));
    assert_eq!(who(&credentials, Some("a"), &[]).as_deref(), Some("a"));
    for nobody in ["", "A", "a ", "b", "c", &digits("a")] {
        assert_eq!(who(&credentials, Some(nobody), &[]), None, "{nobody}");
    }
    assert_eq!(who(&credentials, None, &[]), None);
}

#[test]
fn a_credential_ends_at_the_instant_it_names() {
    let credentials = read(&entry("a", "expires = 2026-12-01T00:00:00Z"));
    let at = |nanos| Timestamp::from_nanos(at("2026-12-01").nanos() + nanos);
    assert!(credentials.caller(Some(b"a"), &[], at(-1)).is_some());
    assert!(credentials.caller(Some(b"a"), &[], at(0)).is_none());
}

#[test]
fn a_certificate_lets_in_whom_it_names_and_agrees_with_the_key() {
    let text = entry("a", "san = [\"dns:a.example\"]")
        + &entry("b", "san = [\"uri:spiffe://b\"]")
        + &entry("c", "")
        + &entry("d", "san = [\"dns:d.example\"]\nexpires = 2026-11-30");
    let credentials = read(&text);
    #[track_caller]
    fn check(credentials: &Credentials, key: &str, certificate: &[&str], expect: &str) {
        let key = Some(key).filter(|key| !key.is_empty());
        let found = who(credentials, key, certificate).unwrap_or_default();
        assert_eq!(found, expect, "{key:?} {certificate:?}");
    }
    let check = |key, certificate: &[&str], expect| check(&credentials, key, certificate, expect);
    check("", &["dns:A.example"], "a");
    check("", &["dns:other", "uri:spiffe://b"], "b");
    check("", &["dns:other"], "");
    check("", &["dns:d.example"], "");
    check("", &["dns:a.example", "uri:spiffe://b"], "");
    check("a", &["dns:a.example"], "a");
    check("a", &["uri:spiffe://b"], "");
    check("c", &["uri:spiffe://b"], "");
    check("a", &["dns:other"], "");
    check("c", &["dns:other"], "c");
    check("wrong", &["dns:a.example"], "");
}

#[test]
fn what_is_upheld_may_do_what_it_could() {
    let before = read(&entry("a", ""));
    let a = before.named("a").unwrap();
    let now = at("2026-12-01");
    assert!(before.upholds(a, now));
    assert!(read(&entry("a", "addresses_per_minute = 7")).upholds(a, now));
    assert!(!read(&entry("a", "revoked = true")).upholds(a, now));
    assert!(!read(&entry("a", "expires = 2026-12-01")).upholds(a, now));
    assert!(!read(&entry("a", "").replace("system", "sender")).upholds(a, now));
    assert!(!read(&entry("a", "").replace(&digits("a"), &digits("b"))).upholds(a, now));
    assert!(!read("").upholds(a, now));
}

#[test]
fn keys_are_new_each_time_and_print_nothing() {
    let (one, two) = (Key::random().unwrap(), Key::random().unwrap());
    assert_ne!(one, two);
    assert_eq!(one.reveal().len(), PREFIX.len() + 43);
    assert_eq!(format!("{one:?} {:?}", one.digest()), "Key(..) KeyDigest(..)");
}

fn new(name: &str) -> New {
    New {
        name: name.to_owned(),
        roles: vec![Role::Sender],
        digest: Some(KeyDigest::of(name.as_bytes())),
        certificates: Vec::new(),
        created: "2026-11-22T08:00:00Z".to_owned(),
        expires: None,
        limits: Limits::default(),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("credentials.toml")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
        std::fs::set_permissions(self.path(), Permissions::from_mode(0o600)).unwrap();
    }

    /// Nothing is left behind but the file.
    fn is_clean(&self) -> bool {
        std::fs::read_dir(self.0.path()).unwrap().count() == 1
    }
}

#[test]
fn an_entry_is_added_behind_what_stands_there() {
    let folder = Folder::new();
    add(&folder.path(), &new("a")).unwrap();
    let (credentials, open) = super::read(&folder.path()).unwrap();
    assert_eq!((who(&credentials, Some("a"), &[]).as_deref(), open), (Some("a"), None));
    let before = "# mine\n".to_owned() + &entry("x", "# kept") + "# the end, without a newline";
    folder.write(&before);
    let limits = Limits { addresses_per_minute: Some(60), distinct_addresses_per_day: Some(1_000) };
    let full = New {
        certificates: names(&["dns:B.example"]),
        expires: Some("2027-01-31T00:00:00Z".to_owned()),
        limits,
        ..new("b")
    };
    add(&folder.path(), &full).unwrap();
    assert!(folder.text().starts_with(&before));
    let (credentials, _) = super::read(&folder.path()).unwrap();
    let b = credentials.named("b").unwrap();
    assert_eq!((b.limits, b.expires), (limits, Some(at("2027-01-31"))));
    assert_eq!(who(&credentials, None, &["dns:b.example"]).as_deref(), Some("b"));
    assert!(folder.is_clean());
}

#[test]
fn a_file_that_cannot_take_the_entry_stays_as_it_was() {
    let folder = Folder::new();
    for (text, wrong) in [
        (entry("a", ""), new("a")),
        (entry("a", "revoked = true"), new("a")),
        (entry("a", "colour = 1"), new("b")),
        ("credential = []\n".to_owned(), new("b")),
        (String::new(), New { roles: vec![Role::Staff, Role::Portal], ..new("b") }),
        (String::new(), New { certificates: names(&["nothing"]), ..new("b") }),
        (String::new(), New { name: "\"]\nx".to_owned(), ..new("b") }),
    ] {
        folder.write(&text);
        assert!(add(&folder.path(), &wrong).is_err(), "{text}");
        assert_eq!(folder.text(), text);
        assert!(folder.is_clean());
    }
}

#[test]
fn a_revoked_entry_stays_with_its_comments() {
    let folder = Folder::new();
    let text =
        entry("a", "") + "# of b\n" + &entry("b", "# last").replace("\"b\"\n", "\"b\" # it\n");
    folder.write(&text);
    assert!(revoke(&folder.path(), "b").unwrap());
    let expected = text.replace("\"b\" # it\n", "\"b\" # it\nrevoked = true\n");
    assert_eq!(folder.text(), expected);
    assert!(!revoke(&folder.path(), "b").unwrap(), "again changes nothing");
    assert!(matches!(revoke(&folder.path(), "c"), Err(FileError::Unknown { .. })));
    assert_eq!(folder.text(), expected);
    for by_hand in [
        entry("a", "revoked = false"),
        "credential = [{ name = \"a\", roles = [\"system\"], san = [\"dns:a\"], created = 2026-11-22 }]\n"
            .to_owned(),
    ] {
        folder.write(&by_hand);
        let refused = revoke(&folder.path(), "a");
        assert!(matches!(refused, Err(FileError::ByHand { .. })), "{refused:?}");
        assert_eq!(folder.text(), by_hand);
    }
    assert!(folder.is_clean());
}

#[test]
fn a_file_that_others_can_read_is_told_and_keeps_its_mode() {
    let folder = Folder::new();
    folder.write(&entry("a", ""));
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o640)).unwrap();
    assert_eq!(super::read(&folder.path()).unwrap().1, Some(0o640));
    add(&folder.path(), &new("b")).unwrap();
    assert_eq!(super::read(&folder.path()).unwrap().1, Some(0o640));
}
