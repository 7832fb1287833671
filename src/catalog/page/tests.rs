use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// A picture of every kind of thing that a plain drawing has.
const DRAWING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
    <!-- drawn by hand -->\n\
    <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink='http://www.w3.org/1999/xlink'\n\
      viewBox=\"0 0 8 8\"><title>Sun &amp; onset</title>\n\
    <style>.a { fill: url( #g ) }</style><defs><linearGradient id=\"g\"/><path id=\"r\" d=\"M0 0h1\"/>\n\
    </defs><use xlink:href = '#r'/><use href=\"#r\"/><path d=\"M1-1c-8,5\" fill=\"url(#g)\"/></svg>\n";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

fn uri(media_type: &str, octets: impl AsRef<[u8]>) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(octets))
}

fn svg(text: &str) -> Result<Logo, LogoFault> {
    Logo::parse(&uri("image/svg+xml", text))
}

/// A drawing with this in it.
fn with(part: &str) -> Result<Logo, LogoFault> {
    svg(&format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{part}</svg>"))
}

#[track_caller]
fn check_color(text: &str, expected: &str) {
    let told = match Color::parse(text) {
        Ok(color) => format!("{color} {}", color.contrast_with_white()),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(told, expected);
}

#[test]
fn colors_are_those_that_white_can_be_read_on() {
    check_color("#8a1538", "#8a1538 9.35:1");
    check_color("#8A1538", "#8a1538 9.35:1");
    check_color("#000000", "#000000 21.00:1");
    let faint = |color: &str, ratio: &str, darker: &str| {
        let told = format!(
            "the contrast of `{color}` with white is {ratio}:1 and must be at least 4.5:1 \
             (WCAG 2.2, 1.4.3); take a darker color, such as `{darker}`"
        );
        check_color(color, &told);
        check_color(
            darker,
            &format!("{darker} {}", Color::parse(darker).unwrap().contrast_with_white()),
        );
    };
    // The lightest gray, red and green that can be read, and the next of each.
    check_color("#767676", "#767676 4.54:1");
    faint("#777777", "4.47", "#767676");
    check_color("#ee0000", "#ee0000 4.53:1");
    faint("#ef0000", "4.49", "#ee0000");
    check_color("#008a00", "#008a00 4.53:1");
    faint("#008b00", "4.47", "#008a00");
    // The nearest of all: 4.5000006, 4.4999998 and 4.4999996.
    check_color("#7c7290", "#7c7290 4.50:1");
    faint("#9a6c5a", "4.49", "#996b59");
    faint("#6c7b67", "4.49", "#6b7a66");
    faint("#ffffff", "1.00", "#767676");
    faint("#ffd166", "1.44", "#8d7338");
}

#[test]
fn what_is_no_color_is_told_with_the_form() {
    for text in [
        "",
        "#",
        "8a1538",
        "#8a153",
        "#8a15388",
        "#fff",
        "#8a153g",
        "#+a1538",
        " #8a1538",
        "red",
        "rgb(1,2,3)",
        "#8a15\u{df}",
    ] {
        let told = format!(
            "`{}` is no color; colors are written `#rrggbb`, such as `#8a1538`",
            text.escape_debug()
        );
        check_color(text, &told);
    }
}

#[test]
fn our_own_color_can_be_read() {
    assert_eq!(Color::parse(&Color::default().to_string()), Ok(Color::default()));
}

#[test]
fn a_plain_drawing_and_a_png_are_logos() {
    let logo = svg(DRAWING).unwrap();
    assert_eq!((logo.kind(), logo.kind().media_type()), (LogoKind::Svg, "image/svg+xml"));
    assert_eq!(logo.uri(), uri("image/svg+xml", DRAWING));
    svg("<svg></svg>").unwrap();
    svg("\u{feff} <!----><svg\nid='a'></svg>").unwrap();
    with("<path d='M0 0'/><!-- moon -->").unwrap();
    with("<text onward='1'>tonic=1 and season = 2</text>").unwrap_err();
    with("<text fill='url(\"#a\")'>tonic=1 &lt; season = 2</text>").unwrap();
    assert_eq!(Logo::parse(&uri("image/png", PNG)).unwrap().kind(), LogoKind::Png);
}

#[test]
fn what_is_no_logo_is_told() {
    let check =
        |text: &str, expected: LogoFault| assert_eq!(Logo::parse(text), Err(expected), "{text}");
    for text in [
        "",
        "logo.svg",
        "https://example.com/logo.png",
        "data:image/gif;base64,R0lGOD",
        "data:image/svg+xml,<svg/>",
        "data:image/svg+xml;utf8,<svg/>",
        "DATA:image/png;base64,AA==",
        "data:image/png;charset=x;base64,AA==",
    ] {
        check(text, LogoFault::Form);
    }
    for data in ["A", "A===", "AAA", "AA=", "AA==\n", " AA==", "A-_=", "AB==", "AA==AA=="] {
        check(&format!("data:image/png;base64,{data}"), LogoFault::Base64);
    }
    let (png, drawing) = (LogoFault::Kind(LogoKind::Png), LogoFault::Kind(LogoKind::Svg));
    for octets in [&b""[..], b"\x89PNG\r\n\x1a", b"\xff\xd8\xff", DRAWING.as_bytes()] {
        check(&uri("image/png", octets), png.clone());
    }
    for octets in [
        &b""[..],
        PNG,
        b"<svgx>",
        b"<html><svg></svg></html>",
        b"svg",
        b"<SVG></SVG>",
        b"<?xml version='1.0'?>",
        b"<!-- <svg> --",
        b"<svg>\xfc</svg>",
        b"<?xml-stylesheet ?><svg>",
        b"<!DOCTYPE svg><svg></svg>",
        b"\xff\xfe<\0s\0v\0g\0>\0",
    ] {
        check(&uri("image/svg+xml", octets), drawing.clone());
    }
    assert_eq!(png.to_string(), "the octets are no picture of the kind `image/png`");
}

#[test]
fn a_logo_has_at_most_twelve_kibibytes() {
    // Of the 12,288, 22 go to the head, so that 9,198 octets fit.
    let png = |octets: usize| uri("image/png", [PNG, &vec![0; octets - PNG.len()][..]].concat());
    assert_eq!((png(9_198).len(), png(9_199).len()), (12_286, 12_290));
    Logo::parse(&png(9_198)).unwrap();
    let fault = Logo::parse(&png(9_199)).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the logo has 12290 octets, at most 12288 are taken; simplify the picture"
    );
}

#[test]
fn a_drawing_that_runs_something_is_refused() {
    for (part, found) in [
        ("<script>alert(1)</script>", "<script"),
        ("<SCRIPT/>", "<script"),
        ("<svg:script xmlns:svg='http://www.w3.org/2000/svg'/>", ":script"),
        ("<text>javascript:alert(1)</text>", "script:"),
        ("<foreignObject/>", "<foreignobject"),
        ("<s:ForeignObject/>", ":foreignobject"),
        ("<path onclick='x'/>", "onclick"),
        ("<path d=''onLoad = 'x'/>", "onload"),
        ("<path/onload=x>", "onload"),
        ("<set\nonbegin\n=\n'x'/>", "onbegin"),
    ] {
        let expected = LogoFault::Svg(SvgFault::Active(found.to_owned()));
        assert_eq!(with(part), Err(expected), "{part}");
    }
    let root = svg("<svg onload='x'></svg>").unwrap_err();
    assert_eq!(root.to_string(), "the SVG holds `onload`; a logo runs nothing: take it out");
}

#[test]
fn a_drawing_that_refers_to_something_outside_is_refused() {
    for (part, found) in [
        ("<image href='http://example.com/a.png'/>", "http:"),
        ("<image href='HTTPS://example.com/a.png'/>", "https:"),
        ("<image href='//example.com/a.png'/>", "//"),
        ("<image xlink:href='a.png'/>", "href"),
        ("<image href='data:image/png;base64,AA=='/>", "href"),
        ("<a href=a.svg>", "href"),
        ("<use href = \"\n a.svg#b\"/>", "href"),
        ("<style>@import 'a.css'</style>", "@import"),
        ("<style>* { fill: url(a.svg#b) }</style>", "url("),
        ("<path fill=\"url( 'a.svg#b')\"/>", "url("),
        ("<!-- see https://example.com -->", "https:"),
        // Only a namespace may look like an address.
        ("<image src='x' fakexmlns='http://example.com/'/>", "http:"),
        ("<g xmlns:a='http://example.com/?a'/>", "http:"),
        ("<g xmlns:a=http://example.com/>", "http:"),
    ] {
        let expected = LogoFault::Svg(SvgFault::Outside(found.to_owned()));
        assert_eq!(with(part), Err(expected), "{part}");
    }
    let fault = with("<image href='a.png'/>").unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the SVG holds `href`; a logo refers to nothing but its own parts (`#name`): \
         take it out, or save the picture as plain SVG"
    );
}

#[test]
fn a_drawing_in_which_something_could_hide_is_refused() {
    for (part, found) in [
        ("<a href='&#104;ttp'/>", "&#104"),
        ("<text>&sol;&sol;</text>", "&sol"),
        ("<text>a & b</text>", "&"),
        ("<![CDATA[ x ]]>", "<![cdata["),
        ("<!ENTITY a 'b'>", "<!entity"),
        ("<?xml-stylesheet href='a'?>", "<?xml-stylesheet"),
        ("<style>@\\69mport</style>", "\\"),
        ("<text>\u{1b}$B</text>", "\u{1b}"),
        ("<text>\u{85}</text>", "\u{85}"),
    ] {
        let expected = LogoFault::Svg(SvgFault::Hiding(found.to_owned()));
        assert_eq!(with(part), Err(expected), "{part}");
    }
    let encoded = svg("<?xml version='1.0' encoding='ISO-2022-JP'?><svg></svg>").unwrap_err();
    assert_eq!(
        encoded.to_string(),
        "the SVG holds `encoding`, behind which a script could hide; take it out, or save the \
         picture as plain SVG"
    );
}

#[test]
fn links_lead_to_pages_by_tls_alone() {
    for text in [
        "https://example.com",
        "https://www.example.com/privacy",
        "https://localhost:8443/a",
        "https://xn--bhne-0ra.example/?a=b&c=%C3%BC#d",
        "https://a.example/(x)!$'*+,;=:@~",
    ] {
        assert_eq!(Link::parse(text).as_ref().map(Link::as_str), Ok(text));
    }
    let check = |text: &str, expected| assert_eq!(Link::parse(text), Err(expected), "{text}");
    for text in [
        "",
        "example.com",
        "/privacy",
        "http://example.com",
        "HTTPS://example.com",
        "javascript:alert(1)",
        " https://example.com",
        "https:example.com",
    ] {
        check(text, LinkFault::Scheme);
    }
    for text in [
        "https://",
        "https:///a",
        "https://?",
        "https://me@example.com",
        "https://[::1]/",
        "https://a..example",
        "https://-a.example",
        "https://a-.example",
        "https://a.example:x",
        "https://a.example:+443",
        "https://a.example:65536",
        "https://a b.example",
        "https://\"",
        "https://b\u{fc}hne.example",
        "https://me:you@example.com",
    ] {
        check(text, LinkFault::Host);
    }
    for path in [
        "/a b", "/\"", "/<", "/\\", "/{}", "/`", "/|", "/^", "/[", "/%", "/%1", "/%zz", "/#a#b",
        "/\n", "/\u{fc}",
    ] {
        check(&format!("https://a.example{path}"), LinkFault::Character);
    }
    let long = format!("https://a.example/{}", "a".repeat(1_000 - "https://a.example/".len()));
    Link::parse(&long).unwrap();
    check(&format!("{long}a"), LinkFault::Length);
}

#[test]
fn a_list_is_named_below_a_domain() {
    for text in ["festival.example.com", "a.b", "News_1.xn--bhne-0ra.example"] {
        assert_eq!(ListId::parse(text).as_ref().map(ListId::as_str), Ok(text));
    }
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{label}");
    assert_eq!(longest.len(), 255);
    ListId::parse(&longest).unwrap();
    for text in [
        "",
        "festival",
        ".",
        "a.",
        ".a",
        "a..b",
        "<a.b>",
        "a b.c",
        "-a.b",
        "a-.b",
        "a@b.c",
        "b\u{fc}hne.example",
        "a.b\n",
        &format!("{longest}a"),
        &format!("a{label}.b"),
        &format!("b.{longest}"),
    ] {
        let fault = ListId::parse(text).unwrap_err().to_string();
        assert!(
            fault.starts_with(&format!("`{}` is no List-Id; ", text.escape_debug())),
            "{fault}"
        );
    }
}

#[track_caller]
fn check_mail(text: &str, expected: Result<(), &str>) {
    let told = check_text(text).map_err(|fault| fault.to_string());
    assert_eq!(told, expected.map_err(str::to_owned), "{text:?}");
}

#[test]
fn a_mail_holds_its_link_once_and_no_gap_that_nothing_fills() {
    check_mail("{link}", Ok(()));
    check_mail("{brand}{brand}{topics}\n{link}.", Ok(()));
    check_mail("", Err("the text must hold `{link}` once; it stands there 0 times"));
    check_mail("{link} {link}", Err("the text must hold `{link}` once; it stands there 2 times"));
    let known = "known are `{brand}`, `{topics}`, `{link}`";
    for (text, found) in
        [("{link} {name}", "name"), ("{}{link}", ""), ("{Link}", "Link"), ("{ link }", " link ")]
    {
        check_mail(text, Err(&format!("`{{{found}}}` is no placeholder of this text; {known}")));
    }
    for text in ["{", "}", "{link", "link}", "{link}}", "{{link}", "{li\nnk}", "{link} {a {b"] {
        check_mail(text, Err(&format!("a brace alone; {known}")));
    }
}

#[test]
fn a_subject_names_the_brand_alone_and_a_page_fills_nothing() {
    assert_eq!(check_subject("Confirm: {brand}"), Ok(()));
    assert_eq!(
        check_subject("Confirm: {topics}").unwrap_err().to_string(),
        "`{topics}` is no placeholder of this text; known are `{brand}`"
    );
    assert_eq!(check_words("Yes."), Ok(()));
    assert_eq!(
        check_words("Yes, {brand}.").unwrap_err().to_string(),
        "`{brand}` is no placeholder of this text; it has none, and braces have no place in it"
    );
}

fn dressed(subject: &str, text: &str) -> Page {
    let texts = Texts {
        mail_subject: Some(subject.into()),
        mail_text: Some(text.into()),
        ..Texts::default()
    };
    let texts = PerLanguage::make(|language| match language {
        Language::German => texts.clone(),
        Language::English => Texts::default(),
    });
    Page { texts, ..Page::default() }
}

#[test]
fn gaps_are_filled_and_what_fills_them_is_left_alone() {
    let page = dressed("{brand}: {brand}!", "{brand}: {topics}\n<{link}>{");
    let subject = |brand: &str| page.mail_subject(Language::German, brand);
    assert_eq!(subject("Sommer"), "Sommer: Sommer!");
    assert_eq!(subject("{link}"), "{link}: {link}!");
    let text = |topics: &[&str]| page.mail_text(Language::German, "{topics}", topics, "https://l");
    assert_eq!(text(&["{link}"]), "{topics}: {link}\n<https://l>{");
    assert_eq!(text(&["A", "B"]), "{topics}: A und B\n<https://l>{");
    assert_eq!(text(&["A", "B", "C"]), "{topics}: A, B und C\n<https://l>{");
    assert_eq!(text(&[]), "{topics}: alle Themen\n<https://l>{");
    let own: Vec<_> = page.own_texts().collect();
    assert_eq!(own, [(Language::German, "mail_subject"), (Language::German, "mail_text")]);
    let english = page.mail_text(Language::English, "Summer", &["A", "B", "C"], "https://l");
    assert!(english.contains(" A, B and C."), "{english}");
}

#[test]
fn our_own_mail_says_who_asks_for_what_and_how_long_and_is_sound() {
    let page = Page::default();
    assert_eq!(page.own_texts().count(), 0);
    // The days that a link to confirm holds, in letters.
    assert_eq!(crate::token::CONFIRM_LIFETIME_DAYS, 7);
    for (language, days, nothing) in [
        (Language::English, "seven days", "If you do nothing, nothing happens"),
        (Language::German, "sieben Tage", "Wenn Sie nichts tun, geschieht nichts"),
    ] {
        assert_eq!(check_subject(words::subject(language)), Ok(()));
        assert_eq!(check_text(words::text(language)), Ok(()));
        assert!(words::text(language).chars().count() <= MAX_TEXT);
        let subject = page.mail_subject(language, "Sommerfestival");
        assert!(subject.contains("Sommerfestival") && subject.chars().count() <= 78, "{subject}");
        let text = page.mail_text(language, "Sommerfestival", &["Newsletter"], "https://l/t");
        for part in ["Sommerfestival", "Newsletter", "\nhttps://l/t\n", days, nothing] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 76), "{text}");
        assert_eq!(text.matches("http").count(), 1, "one link and no other: {text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_checked_and_filled_without_losing_a_letter(text in "[a{}\n]{0,12}|.{0,20}") {
        let filled = mail::fill(&text, |placeholder| match placeholder {
            Placeholder::Brand => "{brand}",
            Placeholder::Topics => "{topics}",
            Placeholder::Link => "{link}",
        });
        prop_assert_eq!(&filled, &text);
        if check_words(&text).is_ok() {
            prop_assert_eq!(text.find(['{', '}']), None);
        }
    }

    #[test]
    fn any_drawing_is_judged(part in "[<>&#;:/=\"' a-zA-Z!?\\\\-]{0,40}") {
        if with(&part).is_ok() {
            let part = part.to_lowercase();
            prop_assert!(!part.contains("<script") && !part.contains("&#") && !part.contains("<?"));
        }
    }

    #[test]
    fn any_color_is_one_or_is_told_one(channels in any::<[u8; 3]>()) {
        let [red, green, blue] = channels;
        let text = format!("#{red:02x}{green:02x}{blue:02x}");
        match Color::parse(&text) {
            Ok(color) => prop_assert_eq!(color.to_string(), text),
            Err(fault) => {
                let told = fault.to_string();
                let darker = told.rsplit('`').nth(1).unwrap();
                prop_assert!(Color::parse(darker).is_ok(), "{}", told);
            }
        }
    }
}
