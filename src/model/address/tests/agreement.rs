//! `plain`, `general` and the oracle judge alike, and what they give is its own canonical form.

use proptest::prelude::*;

use super::*;

/// Every two ASCII characters at every place where a rule could look at them.
#[test]
fn every_pair_of_ascii_characters_is_judged_as_by_the_oracle() {
    for a in 0..0x80_u8 {
        for b in 0..0x80_u8 {
            let pair = [a, b];
            for (before, after) in [
                ("", "@d.example"),
                ("x", "x@d.example"),
                ("\"", "\"@d.example"),
                ("x@", ".e"),
                ("x@d", "e.f"),
                ("x@d.", ""),
            ] {
                let raw = [before.as_bytes(), &pair, after.as_bytes()].concat();
                fuzz::target(&raw);
            }
        }
    }
}

/// Or every answer would be right and late.
#[test]
fn the_common_address_takes_the_short_cut() {
    for len in 5..=63_usize {
        let tail = if len < 14 { "Y@Z.e" } else { "Y-_.+9@a-Z.9e" };
        let raw = format!(" {tail:x>len$}\r\n");
        let mut out = [0; MAX_ADDRESS];
        let shape = plain::canonical(raw.as_bytes(), Level::new(), &mut out).unwrap();
        assert_eq!(shape.len, len);
        assert_eq!(out[..len], *raw.trim().to_ascii_lowercase().as_bytes());
    }
}

/// Short addresses, those of one block, of two, of four, and those that are too long for blocks.
#[test]
fn every_place_of_a_block_is_judged_as_by_the_oracle() {
    for len in [5, 6, 14, 15, 16, 17, 18, 31, 32, 33, 34, 47, 48, 49, 62, 63, 64, 65, 66] {
        for at in [1, len - 4] {
            let mut raw = vec![b'x'; len];
            raw[at] = b'@';
            raw[len - 2] = b'.';
            fuzz::target(&raw);
            for place in 0..len {
                let before = raw[place];
                for octet in *b".@-+_XZ09/:`[{ \"\0\xC3" {
                    raw[place] = octet;
                    fuzz::target(&raw);
                }
                raw[place] = before;
            }
        }
    }
}

/// Pieces in which a mistake could hide.
fn piece() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        ".",
        "..",
        "@",
        "\"",
        "\\",
        "\\\"",
        " ",
        "+",
        "-",
        "--",
        "_",
        "\t",
        "\r\n",
        "\0",
        "\u{7F}",
        "<",
        "=",
        ";",
        "(",
        "xn--",
        "XN--",
        "xn--bcher-kva",
        "xn--a",
        "\u{FC}",
        "U\u{308}",
        "\u{308}",
        "\u{338}",
        "\u{301}",
        "\u{323}",
        "\u{345}",
        "\u{130}",
        "\u{131}",
        "\u{DF}",
        "\u{1E9E}",
        "\u{3A3}",
        "\u{3C2}",
        "\u{390}",
        "\u{1F88}",
        "\u{212A}",
        "\u{212B}",
        "\u{37E}",
        "\u{1FEF}",
        "\u{AD}",
        "\u{200B}",
        "\u{200D}",
        "\u{FEFF}",
        "\u{A0}",
        "\u{3000}",
        "\u{3002}",
        "\u{FF20}",
        "\u{FF0E}",
        "\u{4E2D}",
        "\u{5D0}",
        "\u{628}",
        "\u{1100}\u{1161}",
        "\u{11A8}",
        "\u{1F600}",
        "\u{E000}",
        "\u{FFFD}",
        "\u{958}",
        "\u{1E9B}\u{323}",
        "\u{FB1D}",
        "\u{2126}",
        "\u{13A0}",
    ])
    .prop_map(str::to_owned);
    prop_oneof![6 => "[a-zA-Z0-9]{1,4}", 2 => odd, 1 => any::<char>().prop_map(String::from)]
}

fn pieces(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), count).prop_map(|pieces| pieces.concat())
}

/// Mostly addresses: locals bare or quoted, domains of some labels, now and then too long.
fn address() -> impl Strategy<Value = Vec<u8>> {
    let local = prop_oneof![
        4 => pieces(1..5),
        2 => pieces(0..5).prop_map(|content| format!("\"{content}\"")),
        1 => (pieces(1..3), 55..68_usize).prop_map(|(tail, n)| "x".repeat(n) + &tail),
    ];
    let label = prop_oneof![6 => "[a-zA-Z0-9-]{1,6}", 3 => pieces(1..3), 1 => "[a-z]{60,65}"];
    let domain = prop::collection::vec(label, 1..6).prop_map(|labels| labels.join("."));
    let around = prop::sample::select(vec!["", "", "", " ", "\r\n", "\u{A0}", "."]);
    (around.clone(), local, domain, around).prop_map(|(before, local, domain, after)| {
        format!("{before}{local}@{domain}{after}").into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn addresses_are_judged_as_by_the_oracle(raw in address()) {
        fuzz::target(&raw);
    }

    #[test]
    fn text_is_judged_as_by_the_oracle(raw in pieces(0..8)) {
        fuzz::target(raw.as_bytes());
    }

    #[test]
    fn damaged_addresses_are_judged_as_by_the_oracle(
        mut raw in address(), at in any::<prop::sample::Index>(), octet in any::<u8>(),
    ) {
        let at = at.index(raw.len());
        raw[at] = octet;
        fuzz::target(&raw);
    }

    #[test]
    fn spellings_of_one_address_have_one_key(
        local in "[a-z\u{FC}\u{E9}\u{3C3}.]{1,10}", domain in "[a-z\u{FC}\u{E9}]{1,10}",
    ) {
        use unicode_normalization::UnicodeNormalization as _;
        let text = format!("{local}@{domain}.example");
        let (bare, quoted) = (canonical(&text), canonical(format!("\"{local}\"@{domain}.EXAMPLE.")));
        prop_assert!(quoted.is_ok());
        if bare.is_ok() {
            prop_assert_eq!(&bare, &quoted);
            prop_assert_eq!(&bare, &canonical(text.nfd().collect::<String>()));
            prop_assert_eq!(&bare, &canonical(text.to_uppercase()));
            let ascii = idna::domain_to_ascii(&domain).unwrap();
            prop_assert_eq!(&bare, &canonical(format!(" {local}@{ascii}.example")));
        }
    }
}
