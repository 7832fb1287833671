mod faults;
mod page;

use std::num::NonZeroU16;

use proptest::prelude::*;

use super::*;
use crate::catalog::{
    ConsentRequests, Marketing, PlusTags, StaffConsent, StaffResubscribe, UnknownAddresses,
};
use crate::model::campaign::Purpose;
use crate::model::scope::Scope;

const EXAMPLE: &str = include_str!("../../../examples/catalog.toml");

/// Ten lines; what a test appends begins on line 11.
const BASE: &str = r#"[[controller]]
id = "buehne"
title = "B"

[[brand]]
id = "festival"
controller = "buehne"
title = "F"
topic = [{ id = "newsletter", title = "N" }, { id = "programm", title = "P" }]

"#;

#[track_caller]
fn parsed(text: &str) -> Catalog {
    match parse("c.toml", text, &Names::default()) {
        Ok(catalog) => catalog,
        Err(errors) => panic!("{errors}"),
    }
}

/// Each expected line is `LINE: KEY: CLAUSE`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let Err(errors) = parse("c.toml", text, &Names::default()) else {
        panic!("no error found, expected {expected:#?}");
    };
    let expected: Vec<_> = expected.iter().map(|line| format!("c.toml:{line}")).collect();
    assert_eq!(errors.to_string(), expected.join("\n"));
}

/// What `text`, appended to `BASE`, is faulted for.
#[track_caller]
fn check_after_base(text: &str, expected: &[&str]) {
    check(&format!("{BASE}{text}"), expected);
}

fn policy(catalog: &Catalog, brand: &str) -> Policy {
    catalog.brand(brand).unwrap().policy.as_ref().clone()
}

#[test]
fn base_is_free_of_faults() {
    parsed(BASE);
}

#[test]
fn empty_file_is_an_empty_catalog() {
    let catalog = parsed("");
    assert!(catalog.controllers.is_empty() && catalog.brands.is_empty());
    assert_eq!(catalog.plus_tags, PlusTags::WidenRestrictions);
}

#[test]
fn example_parses_into_what_it_says() {
    let catalog = parsed(EXAMPLE);
    assert_eq!((catalog.controllers.len(), catalog.brands.len()), (2, 4));
    let festival = catalog.brand("festival").unwrap();
    let buehne = catalog.controller("buehne").unwrap();
    assert_eq!(&*buehne.title, "B\u{fc}hne GmbH");
    assert_eq!(festival.id.controller(), buehne.id);
    assert_eq!(festival.policy.marketing, Marketing::OptOut);
    assert_eq!(festival.policy.consent_request, ConsentRequests::Allowed);
    assert_eq!(policy(&catalog, "stadttheater"), Policy::default());

    let campaign = |brand: &str, id: &str| {
        let brand = catalog.brand(brand).unwrap().id;
        catalog.campaign(brand, &CampaignId::parse(id).unwrap()).unwrap().as_ref().clone()
    };
    let newsletter = festival.topic(&catalog.names, "newsletter").unwrap().id;
    let advent = campaign("festival", "2026-11-advent");
    assert_eq!(advent.scope(), Scope::Topic(newsletter));
    assert_eq!((advent.purpose, advent.channel), (Purpose::Marketing, Channel::Email));
    assert!(!advent.retired && campaign("alpenhof", "2025-herbst").retired);
    let tickets = campaign("festival", "tickets");
    assert_eq!((tickets.purpose, tickets.topic), (Purpose::Transactional, None));
    assert_eq!(campaign("festival", "2026-consent").purpose, Purpose::ConsentRequest);
    assert_eq!(campaign("festival", "2026-brochure").channel, Channel::Post);
    assert_eq!(campaign("stadttheater", "ensemble").purpose, Purpose::OneToOne);
}

#[test]
fn example_shows_every_key_with_its_default() {
    let policy = EXAMPLE.split("[policy]").nth(1).unwrap().split("[[controller]]").next().unwrap();
    let catalog = parsed(&format!("[policy]{policy}{BASE}"));
    assert_eq!(catalog.plus_tags, PlusTags::WidenRestrictions);
    assert_eq!(*catalog.brands[0].policy, Policy::default());
    assert_eq!(policy.matches(" = ").count(), 10);
}

#[test]
fn example_overrides_reach_the_brand() {
    let catalog = parsed(EXAMPLE);
    let seeblick = Policy {
        consent_request: ConsentRequests::Allowed,
        consent_request_cooldown_days: 180,
        consent_lifetime_days: NonZeroU16::new(730),
        consent_renewal_window_days: 60,
        ..Policy::default()
    };
    assert_eq!(policy(&catalog, "seeblick"), seeblick);
    let alpenhof = Policy {
        marketing: Marketing::OptOut,
        consent_request_cooldown_days: 180,
        staff_resubscribe: StaffResubscribe::WithLegalBasis,
        ..Policy::default()
    };
    assert_eq!(policy(&catalog, "alpenhof"), alpenhof);
}

#[test]
fn narrower_policy_wins_key_by_key() {
    let catalog = parsed(
        r#"
[policy]
marketing = "opt-out"
unknown_address = "allow"
consent_request = "allowed"
consent_request_cooldown_days = 1
consent_lifetime_days = 2
consent_renewal_window_days = 3
staff_resubscribe = "with-legal-basis"
staff_consent = "forbidden"
opt_in_mails_per_day = 4
plus_tag = "exact"

[[controller]]
id = "c"
title = "C"
policy = { marketing = "opt-in", consent_lifetime_days = 0x16d, opt_in_mails_per_day = 0 }

[[brand]]
id = "plain"
controller = "c"
title = "P"

[[brand]]
id = "own"
controller = "c"
title = "O"
policy = { marketing = "opt-out", consent_lifetime_days = 0, staff_consent = "with-evidence" }
"#,
    );
    let plain = Policy {
        marketing: Marketing::OptIn,
        unknown_address: UnknownAddresses::Allow,
        consent_request: ConsentRequests::Allowed,
        consent_request_cooldown_days: 1,
        consent_lifetime_days: NonZeroU16::new(365),
        consent_renewal_window_days: 3,
        staff_resubscribe: StaffResubscribe::WithLegalBasis,
        staff_consent: StaffConsent::Forbidden,
        opt_in_mails_per_day: 0,
    };
    assert_eq!(policy(&catalog, "plain"), plain);
    let own = Policy {
        marketing: Marketing::OptOut,
        consent_lifetime_days: None,
        staff_consent: StaffConsent::WithEvidence,
        ..plain
    };
    assert_eq!(policy(&catalog, "own"), own);
    assert_eq!(catalog.plus_tags, PlusTags::Exact);
}

#[test]
fn topics_may_be_written_as_tables_of_their_own() {
    let text = BASE.replace("topic = [{ id = \"newsletter\", title = \"N\" }, {", "#");
    let text = format!("{text}[[brand.topic]]\nid = \"newsletter\"\ntitle = \"N\"\n");
    let catalog = parsed(&text);
    assert!(catalog.brands[0].topic(&catalog.names, "newsletter").is_some());
    check(
        &format!("{text}policy = 1\n"),
        &["14: brand[0].topic[0].policy: unknown key; known are `id`, `title`, `titles`"],
    );
}

#[test]
fn same_ids_in_different_places_are_no_duplicates() {
    let catalog = parsed(&format!(
        r#"{BASE}[[brand]]
id = "buehne"
controller = "buehne"
title = "B"
topic = [{{ id = "newsletter", title = "N" }}]
[[campaign]]
brand = "festival"
id = "a"
topic = "newsletter"
purpose = "marketing"
[[campaign]]
brand = "buehne"
id = "a"
topic = "newsletter"
purpose = "marketing"
"#
    ));
    assert_eq!(catalog.campaigns.len(), 2);
    let topics: Vec<_> = catalog.campaigns.values().map(|campaign| campaign.topic).collect();
    assert_ne!(topics[0], topics[1]);
}

#[test]
fn numbers_follow_the_file_and_old_words_keep_theirs() {
    let two = format!("{BASE}[[controller]]\nid = \"verein\"\ntitle = \"V\"\n");
    let first = parsed(&two);
    let numbers: Vec<_> = first.controllers.iter().map(|c| c.id.index()).collect();
    assert_eq!(numbers, [0, 1]);
    let topics: Vec<_> = first.brands[0].topics.iter().map(|topic| topic.id.index()).collect();
    assert_eq!(topics, [0, 1]);

    // All gone, with others in their place.
    let other = two
        .replace("buehne", "hotels")
        .replace("festival", "seeblick")
        .replace("newsletter", "angebote");
    let second = parse("c.toml", &other, &first.names).unwrap();
    assert_eq!(second.controller("hotels").unwrap().id.index(), 2);
    assert_eq!(second.controller("verein").unwrap().id.index(), 1);
    assert!(second.controller("buehne").is_none() && second.brand("festival").is_none());
    assert_eq!(second.names.beyond(&first.names).len(), 4);

    // Back again, in another order.
    let third = parse("c.toml", &two, &second.names).unwrap();
    assert_eq!(third.names, second.names);
    assert_eq!(third.controllers, first.controllers);
    assert_eq!(third.brands, first.brands);
}

#[test]
fn refused_file_hands_out_no_numbers() {
    let names = Names::default();
    parse("c.toml", &BASE.replace("\"F\"", "\"\""), &names).unwrap_err();
    assert_eq!(names, Names::default());
}

/// Pieces of catalog files, so that arbitrary text gets past the TOML parser.
fn piece() -> impl Strategy<Value = String> {
    let word = || {
        prop_oneof![
            Just("buehne".to_owned()),
            Just("festival".to_owned()),
            Just("marketing".to_owned()),
            Just("opt-out".to_owned()),
            "[ -~\u{fc}]{0,3}".prop_map(|text| text.replace(['"', '\\'], "")),
        ]
    };
    let head = prop::sample::select(vec![
        "[policy]",
        "[[controller]]",
        "[[brand]]",
        "[[brand.topic]]",
        "[brand.policy]",
        "[brand.page]",
        "[brand.page.de]",
        "[[campaign]]",
    ]);
    let key = prop::sample::select(vec![
        "id",
        "title",
        "controller",
        "brand",
        "topic",
        "purpose",
        "channel",
        "retired",
        "policy",
        "marketing",
        "plus_tag",
        "consent_lifetime_days",
        "policy.marketing",
        "titles.en",
        "page",
        "color",
        "logo",
        "imprint",
        "list_id",
        "sign_up",
        "mail_text",
        "a.b",
    ]);
    let value = prop_oneof![
        word().prop_map(|word| format!("\"{word}\"")),
        any::<i32>().prop_map(|number| number.to_string()),
        Just("true".to_owned()),
        Just("[{ id = \"festival\" }, 1]".to_owned()),
        Just("{ marketing = \"opt-out\" }".to_owned()),
        Just("\"data:image/svg+xml;base64,PHN2ZyA+PC9zdmc+\"".to_owned()),
        Just("\"{brand}: {link}\"".to_owned()),
    ];
    prop_oneof![
        2 => head.prop_map(|head| format!("{head}\n")),
        5 => (key, value).prop_map(|(key, value)| format!("{key} = {value}\n")),
    ]
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        if let Err(errors) = parse("c.toml", &text, &Names::default()) {
            prop_assert!(errors.iter().count() > 0);
        }
    }

    #[test]
    fn arbitrary_tables_never_panic(pieces in prop::collection::vec(piece(), 0..20)) {
        let text = pieces.concat();
        if let Err(errors) = parse("c.toml", &text, &Names::default()) {
            let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
            prop_assert!(!lines.is_empty() && lines.is_sorted());
            prop_assert!(lines.iter().all(|line| (1..=text.lines().count() + 1).contains(line)));
            prop_assert_eq!(errors.to_string().lines().count(), lines.len());
        }
    }

    #[test]
    fn cut_example_never_panics(cut in 0..EXAMPLE.len()) {
        let cut = EXAMPLE.floor_char_boundary(cut);
        if let Ok(catalog) = parse("c.toml", &EXAMPLE[..cut], &Names::default()) {
            prop_assert!(catalog.brands.len() <= 4);
        }
    }
}
