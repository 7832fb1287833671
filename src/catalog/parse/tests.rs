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
        &["14: brand[0].topic[0].policy: unknown key; known are `id`, `title`"],
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
fn syntax_errors_are_told_all_at_once_and_alone() {
    check(
        "colour = 1\n[policy]\nmarketing = opt-in\nplus_tag = \nplus_tag = 1\n",
        &[
            "3: string values must be quoted, expected literal string",
            "4: string values must be quoted, expected literal string",
            "5: duplicate key",
        ],
    );
    check("[[brand]]\n\nid = \"a", &["3: invalid basic string, expected `\"`"]);
}

#[test]
fn key_that_stands_twice_is_a_syntax_error() {
    check("[policy]\nmarketing = \"opt-in\"\nmarketing = \"opt-in\"\n", &["3: duplicate key"]);
}

#[test]
fn unknown_keys_are_faulted_with_the_known_ones() {
    check_after_base(
        "[colors]\n[[controller]]\nid = \"c\"\ntitle = \"C\"\n\"a b\" = 1\n",
        &[
            "11: colors: unknown key; known are `policy`, `controller`, `brand`, `campaign`",
            "15: controller[1].\"a b\": unknown key; known are `id`, `title`, `policy`, `recipients`",
        ],
    );
    check(
        "[policy]\nmarketting = \"opt-in\"\n",
        &["2: policy.marketting: unknown key; known are `marketing`, `unknown_address`, \
         `consent_request`, `consent_request_cooldown_days`, `consent_lifetime_days`, \
         `consent_renewal_window_days`, `staff_resubscribe`, `staff_consent`, \
         `opt_in_mails_per_day`, `plus_tag`"],
    );
}

#[test]
fn missing_keys_are_faulted_at_the_head_of_their_table() {
    check(
        "\n[[controller]]\n[[brand]]\ntopic = [\n {},\n]\n[[campaign]]\n",
        &[
            "2: controller[0].id: the key is missing",
            "2: controller[0].title: the key is missing",
            "3: brand[0].id: the key is missing",
            "3: brand[0].controller: the key is missing",
            "3: brand[0].title: the key is missing",
            "5: brand[0].topic[0].id: the key is missing",
            "5: brand[0].topic[0].title: the key is missing",
            "7: campaign[0].brand: the key is missing",
            "7: campaign[0].id: the key is missing",
            "7: campaign[0].purpose: the key is missing",
        ],
    );
}

#[test]
fn wrong_types_are_faulted_once_each() {
    check(
        "policy = 1\ncontroller = {}\nbrand = [true]\n",
        &[
            "1: policy: expected a table, found an integer",
            "2: controller: expected an array of tables, found a table",
            "3: brand[0]: expected a table, found a boolean",
        ],
    );
    check(
        "[policy]\nmarketing = true\nconsent_lifetime_days = \"1\"\nopt_in_mails_per_day = 1.5\n\
         [[controller]]\nid = 1\ntitle = 1979-05-27\npolicy = []\n\
         [[brand]]\nid = []\ncontroller = {}\ntitle = 1\ntopic = \"a\"\n\
         [[campaign]]\nbrand = 1\nid = 1\npurpose = 1\ntopic = 1\nchannel = 1\nretired = \"no\"\n",
        &[
            "2: policy.marketing: expected a string, found a boolean",
            "3: policy.consent_lifetime_days: expected an integer, found a string",
            "4: policy.opt_in_mails_per_day: expected an integer, found a float",
            "6: controller[0].id: expected a string, found an integer",
            "7: controller[0].title: expected a string, found a date or time",
            "8: controller[0].policy: expected a table, found an array",
            "10: brand[0].id: expected a string, found an array",
            "11: brand[0].controller: expected a string, found a table",
            "12: brand[0].title: expected a string, found an integer",
            "13: brand[0].topic: expected an array of tables, found a string",
            "15: campaign[0].brand: expected a string, found an integer",
            "16: campaign[0].id: expected a string, found an integer",
            "17: campaign[0].purpose: expected a string, found an integer",
            "18: campaign[0].topic: expected a string, found an integer",
            "19: campaign[0].channel: expected a string, found an integer",
            "20: campaign[0].retired: expected a boolean, found a string",
        ],
    );
}

#[test]
fn malformed_ids_are_faulted_with_the_pattern() {
    let malformed = |line: &str, key: &str, id: &str| {
        format!("{line}: {key}: `{id}` is not an id; ids match `[a-z0-9][a-z0-9._-]{{0,62}}`")
    };
    let long = "a".repeat(64);
    let text = format!(
        "[[controller]]\nid = \"B\u{fc}hne\"\ntitle = \"B\"\n\
         [[brand]]\nid = \"-f\"\ncontroller = \"B\u{fc}hne\"\ntitle = \"F\"\n\
         topic = [\n{{ id = \"\", title = \"N\" }},\n{{ id = \"a\\nb\", title = \"N\" }},\n]\n\
         [[campaign]]\nbrand = \"-f\"\nid = \"{long}\"\ntopic = \"\"\npurpose = \"marketing\"\n\
         [[campaign]]\nbrand = \"none\"\nid = \"A\"\npurpose = \"one-to-one\"\n"
    );
    check(
        &text,
        &[
            &malformed("2", "controller[0].id", "B\u{fc}hne"),
            &malformed("5", "brand[0].id", "-f"),
            &malformed("9", "brand[0].topic[0].id", ""),
            &malformed("10", "brand[0].topic[1].id", "a\\nb"),
            &malformed("14", "campaign[0].id", &long),
            "18: campaign[1].brand: no brand has the id `none`; known are `-f`",
            &malformed("19", "campaign[1].id", "A"),
        ],
    );
    parsed(&BASE.replace("festival", &"a".repeat(63)).replace("newsletter", "0._-"));
}

#[test]
fn duplicate_ids_are_faulted_with_the_first_line() {
    let campaign = "[[campaign]]\nbrand = \"festival\"\nid = \"a\"\npurpose = \"one-to-one\"\n";
    check_after_base(
        &format!(
            "[[controller]]\nid = \"buehne\"\ntitle = \"B\"\n\
             [[brand]]\nid = \"festival\"\ncontroller = \"buehne\"\ntitle = \"F\"\n\
             topic = [\n{{ id = \"a\", title = \"A\" }},\n{{ id = \"a\", title = \"A\" }},\n]\n\
             {campaign}{campaign}{campaign}"
        ),
        &[
            "12: controller[1].id: the id `buehne` is taken by line 2",
            "15: brand[1].id: the id `festival` is taken by line 6",
            "20: brand[1].topic[1].id: the id `a` is taken by line 19",
            "28: campaign[1].id: the id `a` is taken by line 24",
            "32: campaign[2].id: the id `a` is taken by line 24",
        ],
    );
}

#[test]
fn dangling_references_are_faulted_with_what_there_is() {
    check_after_base(
        "[[controller]]\nid = \"verein\"\ntitle = \"V\"\n\
         [[brand]]\nid = \"b\"\ncontroller = \"bune\"\ntitle = \"B\"\n\
         [[campaign]]\nbrand = \"festivall\"\nid = \"a\"\npurpose = \"one-to-one\"\n\
         [[campaign]]\nbrand = \"festival\"\nid = \"a\"\npurpose = \"marketing\"\ntopic = \"x\"\n\
         [[campaign]]\nbrand = \"b\"\nid = \"a\"\npurpose = \"marketing\"\ntopic = \"x\"\n",
        &[
            "16: brand[1].controller: no controller has the id `bune`; \
             known are `buehne`, `verein`",
            "19: campaign[0].brand: no brand has the id `festivall`; known are `festival`, `b`",
            "26: campaign[1].topic: the brand `festival` has no topic `x`; \
             known are `newsletter`, `programm`",
            "31: campaign[2].topic: the brand `b` has no topic `x`; there is none",
        ],
    );
}

#[test]
fn long_lists_of_known_words_are_cut() {
    let mut text = String::new();
    for place in 0..14 {
        text.push_str(&format!("[[controller]]\nid = \"c{place}\"\ntitle = \"C\"\n"));
    }
    text.push_str("[[brand]]\nid = \"b\"\ntitle = \"B\"\ncontroller = \"x\"\n");
    check(
        &text,
        &["46: brand[0].controller: no controller has the id `x`; known are `c0`, `c1`, \
                    `c2`, `c3`, `c4`, `c5`, `c6`, `c7`, `c8`, `c9`, `c10`, `c11` and 2 more"],
    );
}

#[test]
fn unknown_words_are_faulted_with_the_allowed_ones() {
    check(
        "[policy]\nmarketing = \"optin\"\nunknown_address = \"\"\nconsent_request = \"Allowed\"\n\
         staff_resubscribe = \"x\"\nstaff_consent = \"x\"\nplus_tag = \"x\"\n",
        &[
            "2: policy.marketing: `optin` is unknown; allowed are `opt-in`, `opt-out`",
            "3: policy.unknown_address: `` is unknown; allowed are `deny`, `allow`",
            "4: policy.consent_request: `Allowed` is unknown; allowed are `forbidden`, `allowed`",
            "5: policy.staff_resubscribe: `x` is unknown; \
             allowed are `forbidden`, `with-legal-basis`",
            "6: policy.staff_consent: `x` is unknown; allowed are `forbidden`, `with-evidence`",
            "7: policy.plus_tag: `x` is unknown; allowed are `widen-restrictions`, `exact`",
        ],
    );
    check_after_base(
        "[[campaign]]\nbrand = \"festival\"\nid = \"a\"\npurpose = \"ads\"\nchannel = \"fax\"\n",
        &[
            "14: campaign[0].purpose: `ads` is unknown; \
             allowed are `marketing`, `transactional`, `one-to-one`, `consent-request`",
            "15: campaign[0].channel: `fax` is unknown; allowed are `email`, `post`",
        ],
    );
}

#[test]
fn numbers_out_of_range_are_faulted_with_the_range() {
    check(
        "[policy]\nconsent_request_cooldown_days = -1\nconsent_lifetime_days = 36501\n\
         consent_renewal_window_days = 99999999999999999999\nopt_in_mails_per_day = 0xff\n",
        &[
            "2: policy.consent_request_cooldown_days: `-1` is out of range; allowed is 0 to 36500",
            "3: policy.consent_lifetime_days: `36501` is out of range; allowed is 0 to 36500",
            "4: policy.consent_renewal_window_days: `99999999999999999999` is out of range; \
             allowed is 0 to 36500",
            "5: policy.opt_in_mails_per_day: `0xff` is out of range; allowed is 0 to 100",
        ],
    );
    let greatest = "policy = { consent_lifetime_days = 36_500, opt_in_mails_per_day = 100 }\n";
    let policy = policy(&parsed(&format!("{greatest}{BASE}")), "festival");
    assert_eq!(policy.consent_lifetime_days, NonZeroU16::new(MAX_DAYS));
    assert_eq!(policy.opt_in_mails_per_day, MAX_OPT_IN_MAILS);
}

#[test]
fn advertising_needs_a_topic_and_other_mail_does_not() {
    let campaign = |id: &str, purpose: &str| {
        format!("[[campaign]]\nbrand = \"festival\"\nid = \"{id}\"\npurpose = \"{purpose}\"\n")
    };
    let advertising = campaign("a", "marketing") + &campaign("b", "consent-request");
    check_after_base(
        &advertising,
        &[
            "11: campaign[0].topic: a campaign of purpose `marketing` needs a topic",
            "15: campaign[1].topic: a campaign of purpose `consent-request` needs a topic",
        ],
    );
    let other = campaign("a", "transactional") + &campaign("b", "one-to-one");
    assert_eq!(parsed(&format!("{BASE}{other}")).campaigns.len(), 2);
}

#[test]
fn plus_tag_belongs_to_the_organization_alone() {
    let text = BASE
        .replace("title = \"B\"\n", "title = \"B\"\npolicy.plus_tag = \"exact\"\n")
        .replace("title = \"F\"\n", "title = \"F\"\npolicy = { plus_tag = \"exact\" }\n");
    check(
        &text,
        &[
            "4: controller[0].policy.plus_tag: \
         only the table `[policy]` of the organization may set this key",
            "10: brand[0].policy.plus_tag: \
         only the table `[policy]` of the organization may set this key",
        ],
    );
    check(
        "plus_tag = \"exact\"\n",
        &["1: plus_tag: unknown key; known are `policy`, `controller`, `brand`, `campaign`"],
    );
}

#[test]
fn empty_titles_are_faulted() {
    let text = BASE
        .replace("title = \"B\"", "title = \"\"")
        .replace("title = \"F\"", "title = \" \\t\"")
        .replace("title = \"P\"", "title = \"\u{a0}\"");
    check(
        &text,
        &[
            "3: controller[0].title: the title is empty",
            "8: brand[0].title: the title is empty",
            "9: brand[0].topic[1].title: the title is empty",
        ],
    );
}

#[test]
fn a_file_full_of_faults_is_told_in_the_order_of_its_lines() {
    check(
        r#"[[campaign]]
brand = "festival"
id = "2026"
purpose = "marketing"
topic = "program"

[[brand]]
id = "festival"
controller = "buhne"
title = ""
topic = [{ id = "programm", titel = "P" }]
policy = { consent_lifetime_days = -3, plus_tag = "exact" }

[policy]
marketing = "yes"

[[controller]]
id = "buehne"
title = "B"
"#,
        &[
            "5: campaign[0].topic: the brand `festival` has no topic `program`; \
             known are `programm`",
            "9: brand[0].controller: no controller has the id `buhne`; known are `buehne`",
            "10: brand[0].title: the title is empty",
            "11: brand[0].topic[0].title: the key is missing",
            "11: brand[0].topic[0].titel: unknown key; known are `id`, `title`",
            "12: brand[0].policy.consent_lifetime_days: \
             `-3` is out of range; allowed is 0 to 36500",
            "12: brand[0].policy.plus_tag: \
             only the table `[policy]` of the organization may set this key",
            "15: policy.marketing: `yes` is unknown; allowed are `opt-in`, `opt-out`",
        ],
    );
}

#[test]
fn exhausted_numbers_are_faulted_at_the_id() {
    let mut names = Names::default();
    for index in 0..=u16::MAX {
        names.add_controller(&format!("c{index}")).unwrap();
    }
    let text =
        "[[controller]]\nid = \"new\"\ntitle = \"N\"\n[[controller]]\nid = \"c7\"\ntitle = \"C\"\n";
    let errors = parse("c.toml", text, &names).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "c.toml:2: controller[0].id: \
         more than 65,535 controllers, brands or topics were ever named"
    );
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
        "a.b",
    ]);
    let value = prop_oneof![
        word().prop_map(|word| format!("\"{word}\"")),
        any::<i32>().prop_map(|number| number.to_string()),
        Just("true".to_owned()),
        Just("[{ id = \"festival\" }, 1]".to_owned()),
        Just("{ marketing = \"opt-out\" }".to_owned()),
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

#[test]
fn recipients_are_texts_of_one_line_and_few() {
    let of = |recipients: &str| {
        format!("[[controller]]\nid = \"c\"\ntitle = \"C\"\nrecipients = {recipients}\n")
    };
    let catalog = parsed(&of("[\"Mail Ltd\", \"Print Ltd (letters)\"]"));
    let recipients: Vec<&str> = catalog.controllers[0].recipients.iter().map(|r| &**r).collect();
    assert_eq!(recipients, ["Mail Ltd", "Print Ltd (letters)"]);
    assert!(parsed(BASE).controllers[0].recipients.is_empty());
    let long = "x".repeat(MAX_RECIPIENT + 1);
    let clause = "a text of 1 to 200 characters on one line is needed";
    check(
        &of(&format!("[\" \", 7, \"a\\nb\", \"{long}\"]")),
        &[
            &format!("4: controller[0].recipients[0]: {clause}"),
            "4: controller[0].recipients[1]: expected a string, found an integer",
            &format!("4: controller[0].recipients[2]: {clause}"),
            &format!("4: controller[0].recipients[3]: {clause}"),
        ],
    );
    let many = format!("[{}]", "\"r\", ".repeat(MAX_RECIPIENTS + 1));
    check(&of(&many), &["4: controller[0].recipients: the list has more than 50 entries"]);
    check(
        &of("\"Mail Ltd\""),
        &["4: controller[0].recipients: expected an array of strings, found a string"],
    );
}
