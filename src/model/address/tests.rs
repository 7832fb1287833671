mod agreement;
mod characters;

use super::*;

const NUL_TO_SPACE: std::ops::RangeInclusive<u8> = 0..=b' ';

fn canonical(raw: impl AsRef<[u8]>) -> Result<String, InvalidAddress> {
    Address::parse(raw.as_ref()).map(|address| address.as_str().to_owned())
}

#[track_caller]
fn check(raw: impl AsRef<[u8]>, expect: &str) {
    assert_eq!(canonical(raw).as_deref(), Ok(expect));
    assert_eq!(canonical(expect).as_deref(), Ok(expect), "not canonical");
}

#[track_caller]
fn refuse(raw: impl AsRef<[u8]>, why: InvalidAddress) {
    let raw = raw.as_ref();
    assert_eq!(canonical(raw), Err(why), "{}", raw.escape_ascii());
}

#[test]
fn upper_case_is_lower_case_everywhere() {
    check("JANE.DOE@EXAMPLE.COM", "jane.doe@example.com");
    check("J\u{DC}RGEN@B\u{DC}CHER.EXAMPLE", "j\u{FC}rgen@xn--bcher-kva.example");
    check("\"JANE DOE\"@EXAMPLE.COM", "\"jane doe\"@example.com");
    check("J@XN--BCHER-KVA.EXAMPLE", "j@xn--bcher-kva.example");
}

#[test]
fn dots_and_tags_stay() {
    check("j.a.n.e+News+2@gmail.example", "j.a.n.e+news+2@gmail.example");
    check("!#$%&'*+-/=?^_`{|}~@d.example", "!#$%&'*+-/=?^_`{|}~@d.example");
    check("-_-@d.example", "-_-@d.example");
}

#[test]
fn the_kelvin_sign_is_no_k() {
    refuse("mar\u{212A}@d.example", InvalidAddress::Confusable);
    refuse("\"\u{212A} \"@d.example", InvalidAddress::Confusable);
    refuse("a\u{37E}@d.example", InvalidAddress::Confusable);
    refuse("\"a\u{37E}\"@d.example", InvalidAddress::Confusable);
    refuse("a\u{1FEF}@d.example", InvalidAddress::Confusable);
    // A cedilla would hide it in a composed letter.
    refuse("\u{212A}\u{327}@d.example", InvalidAddress::Confusable);
}

#[test]
fn look_alikes_stay_apart() {
    check("m\u{131}ke@d.example", "m\u{131}ke@d.example");
    check("\u{130}rem@d.example", "i\u{307}rem@d.example");
    check("I\u{307}rem@d.example", "i\u{307}rem@d.example");
    check("stra\u{DF}e@d.example", "stra\u{DF}e@d.example");
    check("\u{430}nna@d.example", "\u{430}nna@d.example");
    check("\u{FF41}@d.example", "\u{FF41}@d.example");
    check("\u{3A3}\u{3A3}@d.example", "\u{3C3}\u{3C3}@d.example");
    check("\u{3C2}@d.example", "\u{3C2}@d.example");
}

#[test]
fn composed_and_decomposed_local_parts_are_one() {
    check("j\u{FC}rgen@d.example", "j\u{FC}rgen@d.example");
    check("ju\u{308}rgen@d.example", "j\u{FC}rgen@d.example");
    check("JU\u{308}RGEN@d.example", "j\u{FC}rgen@d.example");
    check("\u{212B}@d.example", "\u{E5}@d.example");
    check("\u{226E}@d.example", "\u{226E}@d.example");
    check("<\u{338}@d.example", "\u{226E}@d.example");
    check("\u{1112}\u{1161}\u{11AB}@d.example", "\u{D55C}@d.example");
}

/// Small letters that Unicode composes and their capitals that it does not.
#[test]
fn a_capital_without_a_composed_form_is_its_small_letter() {
    for (capital, small) in [
        ("H\u{331}", "\u{1E96}"),
        ("J\u{30C}", "\u{1F0}"),
        ("T\u{308}", "\u{1E97}"),
        ("W\u{30A}", "\u{1E98}"),
        ("Y\u{30A}", "\u{1E99}"),
        ("\u{3A5}\u{308}\u{301}", "\u{3B0}"),
    ] {
        check(format!("{capital}@d.example"), &format!("{small}@d.example"));
    }
}

#[test]
fn a_domain_is_its_a_label() {
    for domain in [
        "B\u{DC}CHER.example",
        "b\u{FC}cher.example",
        "bu\u{308}cher.example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.Example",
        "b\u{FC}cher\u{3002}example\u{3002}",
        "b\u{AD}\u{FC}cher.example",
        "\u{FF42}\u{FC}cher.example",
    ] {
        check(format!("j@{domain}"), "j@xn--bcher-kva.example");
    }
    check("j@stra\u{DF}e.example", "j@xn--strae-oqa.example");
    check("j@strasse.example", "j@strasse.example");
    check("j@r3---sn-x.example", "j@r3---sn-x.example");
}

#[test]
fn a_domain_that_is_none_is_refused() {
    for domain in [
        "",
        ".",
        "b",
        "b.",
        "..",
        "b..example",
        ".b.example",
        "b.example..",
        "-b.example",
        "b-.example",
        "b.-example",
        "b.example-",
        "b_c.example",
        "b c.example",
        "b\tc.example",
        "b,c.example",
        "b\0.example",
        "b.example\0",
        "b+c.example",
        "\"b\".example",
        "b.ex(c)ample",
        "xn--.example",
        "xn--a.example",
        "XN--A.example",
        "xn--example-.example",
        "xn---.example",
        "xn--0.example",
        "xn--a-ecp.example",
        "xn--bcher-kva\u{FC}.example",
        "b\u{FFFD}.example",
        "\u{200D}.example",
        "\u{301}b.example",
        "\u{FC}-.example",
        "b\u{FF20}c.example",
        "b\u{2024}\u{2024}c.example",
        "[127.0.0.1]",
        "[IPv6:::1]",
        "b.example]",
        "b.example>",
    ] {
        refuse(format!("j@{domain}"), InvalidAddress::Domain);
    }
}

#[test]
fn one_trailing_dot_is_dropped() {
    check("j@d.example.", "j@d.example");
    check("j@xn--bcher-kva.example.", "j@xn--bcher-kva.example");
    refuse("j@d.example..", InvalidAddress::Domain);
}

#[test]
fn a_domain_has_two_labels() {
    refuse("a@b", InvalidAddress::Domain);
    refuse("a@b.", InvalidAddress::Domain);
    refuse("a@\u{FC}", InvalidAddress::Domain);
    check("a@b.c", "a@b.c");
}

#[test]
fn needless_quotes_and_escapes_go() {
    check("\"jane\"@d.example", "jane@d.example");
    check("\"Jane.Doe\"@d.example", "jane.doe@d.example");
    check("\"j\\a\\ne\"@d.example", "jane@d.example");
    check("\"j\u{FC}rgen\"@d.example", "j\u{FC}rgen@d.example");
    check("\"a+b\"@d.example", "a+b@d.example");
}

#[test]
fn needed_quotes_stay_and_only_quote_and_backslash_are_escaped() {
    check("\"jane doe\"@d.example", "\"jane doe\"@d.example");
    check("\"jane\\ doe\"@d.example", "\"jane doe\"@d.example");
    check("\"a\\@b\"@d.example", "\"a@b\"@d.example");
    check("\"a@b\"@d.example", "\"a@b\"@d.example");
    check("\"a\\\"b\"@d.example", "\"a\\\"b\"@d.example");
    check("\"a\\\\b\"@d.example", "\"a\\\\b\"@d.example");
    check("\".a\"@d.example", "\".a\"@d.example");
    check("\"a.\"@d.example", "\"a.\"@d.example");
    check("\"a..b\"@d.example", "\"a..b\"@d.example");
    check("\" \"@d.example", "\" \"@d.example");
    check("\"(a)\"@d.example", "\"(a)\"@d.example");
}

#[test]
fn a_local_part_that_is_none_is_refused() {
    for local in [
        "",
        ".",
        "..",
        ".a",
        "a.",
        "a..b",
        "a b",
        " a b",
        "a\tb",
        "a\r\nb",
        "a\nBcc: b",
        "\0",
        "a\0",
        "a\u{7F}",
        "a\u{1B}[0m",
        "(c)a",
        "a(c)",
        "a,b",
        "a;b",
        "a:b",
        "a<b",
        "<a",
        "a>b",
        "a[b",
        "a\\b",
        "a\"b",
        "\"",
        "\"\"",
        "\"\"\"",
        "\"a",
        "a\"",
        "\"a\"b",
        "b\"a\"",
        "\"a\".b",
        "\"a\".\"b\"",
        "\"a\\\"",
        "\"a\tb\"",
        "\"a\\\tb\"",
        "\"a\r\n b\"",
        "\"a\0\"",
        "\"a\u{7F}\"",
        "\"a\\\u{FC}\"",
        "Jane <j",
    ] {
        refuse(format!("{local}@d.example"), InvalidAddress::LocalPart);
    }
}

#[test]
fn there_is_one_at() {
    refuse("", InvalidAddress::NoAt);
    refuse("   ", InvalidAddress::NoAt);
    refuse("jane.doe", InvalidAddress::NoAt);
    refuse("jane\u{FF20}d.example", InvalidAddress::NoAt);
    refuse("@", InvalidAddress::LocalPart);
    refuse("@d.example", InvalidAddress::LocalPart);
    refuse("a@", InvalidAddress::Domain);
    refuse("a@b@d.example", InvalidAddress::LocalPart);
    refuse("a@b.example@d.example", InvalidAddress::LocalPart);
    refuse("a@@d.example", InvalidAddress::LocalPart);
    refuse("a@b.example,c@d.example", InvalidAddress::LocalPart);
}

#[test]
fn characters_that_nobody_sees_are_refused() {
    for c in [
        '\u{85}',
        '\u{A0}',
        '\u{AD}',
        '\u{34F}',
        '\u{200B}',
        '\u{200D}',
        '\u{202E}',
        '\u{2028}',
        '\u{2060}',
        '\u{3000}',
        '\u{3164}',
        '\u{FE0F}',
        '\u{FEFF}',
        '\u{FFFD}',
        '\u{E000}',
        '\u{378}',
        '\u{FDD0}',
        '\u{FFFE}',
        '\u{E0041}',
        '\u{10FFFF}',
    ] {
        refuse(format!("a{c}b@d.example"), InvalidAddress::Character);
        refuse(format!("\"a{c} b\"@d.example"), InvalidAddress::Character);
    }
}

#[test]
fn white_space_around_is_dropped() {
    for space in [" ", "\t", "\r\n", "\n\n", "\u{B}", "\u{C}", "\u{A0}", "\u{2003}", "\u{3000}\r\n"]
    {
        check(format!("{space}J@D.example{space}"), "j@d.example");
        check(format!("{space}\u{DC}@D.example{space}"), "\u{FC}@d.example");
    }
    refuse("j @d.example", InvalidAddress::LocalPart);
    refuse("j@ d.example", InvalidAddress::Domain);
    refuse("j@d.example\r\nBcc: k@d.example", InvalidAddress::LocalPart);
    refuse("\u{FEFF}j@d.example", InvalidAddress::Character);
}

#[test]
fn control_characters_around_are_refused() {
    for octet in NUL_TO_SPACE.filter(|&octet| !char::from(octet).is_whitespace()) {
        let c = char::from(octet);
        refuse(format!("{c}j@d.example"), InvalidAddress::LocalPart);
        refuse(format!("j@d.example{c}"), InvalidAddress::Domain);
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    refuse(b"j\xFCrgen@d.example", InvalidAddress::NotUtf8);
    refuse(b"j@b\xFCcher.example", InvalidAddress::NotUtf8);
    refuse(b"j@d.example\xFF", InvalidAddress::NotUtf8);
    refuse(b"\xC0\xAEj@d.example", InvalidAddress::NotUtf8);
    refuse(b"\xED\xA0\x80j@d.example", InvalidAddress::NotUtf8);
}

#[test]
fn a_local_part_has_64_octets() {
    let x = |n: usize| "x".repeat(n);
    check(format!("{}@d.example", x(64)), &format!("{}@d.example", x(64)));
    refuse(format!("{}@d.example", x(65)), InvalidAddress::TooLong);
    // Octets of the canonical form: without needless quotes, with needed ones, composed.
    check(format!("\"{}\"@d.example", x(64)), &format!("{}@d.example", x(64)));
    check(format!("\" {}\"@d.example", x(61)), &format!("\" {}\"@d.example", x(61)));
    refuse(format!("\" {}\"@d.example", x(62)), InvalidAddress::TooLong);
    check(
        format!("{}@d.example", "u\u{308}".repeat(32)),
        &format!("{}@d.example", "\u{FC}".repeat(32)),
    );
    refuse(format!("{}x@d.example", "u\u{308}".repeat(32)), InvalidAddress::TooLong);
    // A lower case may be longer than its capital: two octets become three.
    refuse(format!("{}@d.example", "\u{23A}".repeat(22)), InvalidAddress::TooLong);
}

/// A domain of `len` octets, labels of at most 63.
fn domain(len: usize) -> String {
    let mut text = format!("{}.", "d".repeat(49)).repeat(5);
    text.truncate(len);
    text
}

#[test]
fn an_address_has_254_octets() {
    assert_eq!(domain(190).len(), 190);
    for (local, len, valid) in [(64, 189, true), (64, 190, false), (5, 248, true), (5, 249, false)]
    {
        let text = format!("{}@{}", "x".repeat(local), domain(len));
        if valid {
            check(format!(" {}. ", text.to_uppercase()), &text);
        } else {
            refuse(&text, InvalidAddress::TooLong);
        }
    }
}

#[test]
fn a_label_has_63_octets() {
    for (len, valid) in [(62, true), (63, true), (64, false)] {
        for text in [format!("j@{}.e", "d".repeat(len)), format!("j@e.{}", "d".repeat(len))] {
            assert_eq!(canonical(&text).is_ok(), valid, "{text}");
        }
    }
}

#[test]
fn longer_text_is_not_looked_at() {
    let padded = |len: usize| format!("{:>len$}", "j@d.example");
    check(padded(MAX_RAW), "j@d.example");
    refuse(padded(MAX_RAW + 1), InvalidAddress::TooLong);
    refuse(vec![0xFF; MAX_RAW + 1], InvalidAddress::TooLong);
}

#[track_caller]
fn check_base(raw: &str, expect: Option<&str>) {
    let address = Address::parse(raw.as_bytes()).unwrap();
    let mut canonicaliser = Canonicaliser::default();
    canonicaliser.canonical(raw.as_bytes()).unwrap();
    assert_eq!(canonicaliser.base(), expect.map(str::as_bytes));
    assert!(canonicaliser.is_tagged() || expect.is_none());
    assert_eq!(address.base().as_ref().map(Address::as_str), expect);
    if let Some(base) = expect {
        check(base, base);
    }
}

#[test]
fn the_base_precedes_the_first_plus() {
    check_base("Jane@d.example", None);
    check_base("jane+news@d.example", Some("jane@d.example"));
    check_base("jane+News+2@D.example.", Some("jane@d.example"));
    check_base("jane+@d.example", Some("jane@d.example"));
    check_base("+news@d.example", None);
    check_base("++@d.example", None);
    check_base("ju\u{308}rgen+x@d.example", Some("j\u{FC}rgen@d.example"));
}

#[test]
fn the_base_is_quoted_where_it_must_be() {
    check_base("a.+x@d.example", Some("\"a.\"@d.example"));
    check_base("\"a b+c\"@d.example", Some("\"a b\"@d.example"));
    check_base("\"a +c\"@d.example", Some("\"a \"@d.example"));
    check_base("\"a+b c\"@d.example", Some("a@d.example"));
    check_base("\"a@b+c@d\"@d.example", Some("\"a@b\"@d.example"));
    check_base("\"a\\\"+c\"@d.example", Some("\"a\\\"\"@d.example"));
    check_base("\"a\\\\+c\"@d.example", Some("\"a\\\\\"@d.example"));
    check_base("\"+ c\"@d.example", None);
}

#[test]
fn a_base_that_would_be_too_long_is_none() {
    let x = |n: usize| "x".repeat(n);
    check_base(&format!("{}.+y@d.example", x(60)), Some(&format!("\"{}.\"@d.example", x(60))));
    check_base(&format!("{}.+@d.example", x(61)), Some(&format!("\"{}.\"@d.example", x(61))));
    check_base(&format!("{}.+@d.example", x(62)), None);
    let d = domain(248);
    check_base(&format!("a.+xx@{d}"), Some(&format!("\"a.\"@{d}")));
    let d = format!("{d}dd");
    check_base(&format!("a+x@{d}"), Some(&format!("a@{d}")));
    check_base(&format!("a.+@{d}"), None);
}

#[test]
fn after_an_error_there_is_no_base() {
    let mut canonicaliser = Canonicaliser::default();
    for invalid in [&b"j+x@d"[..], b"j+x@d..example", &[b'+'; MAX_RAW + 1]] {
        canonicaliser.canonical(b"jane+news@d.example").unwrap();
        assert!(canonicaliser.is_tagged());
        canonicaliser.canonical(invalid).unwrap_err();
        assert!(!canonicaliser.is_tagged());
        assert_eq!(canonicaliser.base(), None);
    }
}

#[test]
fn a_mask_shows_one_character() {
    let masked = |text| Address::from_canonical(text).masked();
    assert_eq!(masked("jane.doe@example.com"), "j***@example.com");
    assert_eq!(masked("j@example.com"), "j***@example.com");
    assert_eq!(masked("\u{FC}ber@example.com"), "\u{FC}***@example.com");
    assert_eq!(masked("\"a@b c\"@example.com"), "a***@example.com");
    assert_eq!(masked("\"\\\"\"@example.com"), "\"***@example.com");
}

#[test]
fn an_address_prints_no_content() {
    let address = Address::parse(b"secret+tag@secret.example").unwrap();
    let mut canonicaliser = Canonicaliser::default();
    canonicaliser.canonical(b"secret+tag@secret.example").unwrap();
    assert_eq!(format!("{address:?} {canonicaliser:?}"), "Address(..) Canonicaliser(..)");
}
