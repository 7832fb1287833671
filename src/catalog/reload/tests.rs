use super::*;
use crate::catalog::parse::parse;
use crate::model::campaign::{Channel, Purpose};

const EXAMPLE: &str = include_str!("../../../examples/catalog.toml");

/// Two controllers, two brands, two topics each.
const BASE: &str = r#"
[[controller]]
id = "buehne"
title = "B"

[[controller]]
id = "hotels"
title = "H"

[[brand]]
id = "festival"
controller = "buehne"
title = "F"
topic = [{ id = "newsletter", title = "N" }, { id = "programm", title = "P" }]

[[brand]]
id = "theater"
controller = "buehne"
title = "T"
topic = [{ id = "newsletter", title = "N" }]
"#;

const CAMPAIGN: &str = r#"
[[campaign]]
brand = "festival"
id = "advent"
topic = "newsletter"
purpose = "marketing"
channel = "email"
retired = false
"#;

const MOVED: (&str, &str) =
    ("id = \"festival\"\ncontroller = \"buehne\"", "id = \"festival\"\ncontroller = \"hotels\"");

#[track_caller]
fn first(text: &str) -> Catalog {
    match parse("c.toml", text, &Names::default()) {
        Ok(catalog) => catalog,
        Err(errors) => panic!("{errors}"),
    }
}

#[track_caller]
fn after(current: &Catalog, text: &str) -> Catalog {
    match parse("c.toml", text, &current.names) {
        Ok(catalog) => catalog,
        Err(errors) => panic!("{errors}"),
    }
}

/// The text without the entry that has this id, nor what follows up to the next blank line.
#[track_caller]
fn without(text: &str, id: &str) -> String {
    let entries = text.split("\n\n").filter(|entry| !entry.contains(&format!("\nid = \"{id}\"")));
    let rest = entries.collect::<Vec<_>>().join("\n\n");
    assert_ne!(rest, text, "no entry {id}");
    rest
}

#[track_caller]
fn replaced(text: &str, (from, to): (&str, &str)) -> String {
    assert!(text.contains(from), "no {from}");
    text.replacen(from, to, 1)
}

/// Everything that the catalog names has facts.
fn all_used(catalog: &Catalog) -> Used {
    let topics = catalog.brands.iter().flat_map(|brand| &brand.topics);
    Used {
        controllers: catalog.controllers.iter().map(|controller| controller.id).collect(),
        brands: catalog.brands.iter().map(|brand| brand.id).collect(),
        topics: topics.map(|topic| topic.id).collect(),
    }
}

/// What is said against `next` as the successor of `text`, where everything has facts.
#[track_caller]
fn check(text: &str, next: &str, expected: &[&str]) {
    let current = first(text);
    let next = after(&current, next);
    let said = match successor(&current, next, &all_used(&current)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(said, expected);
}

#[track_caller]
fn check_loosened(text: &str, next: &str, expected: &[&str]) {
    let current = first(text);
    assert_eq!(loosened(&current, &after(&current, next)), expected);
}

fn campaign(catalog: &Catalog, brand: BrandId, id: &str) -> Option<Campaign> {
    catalog.campaign(brand, &CampaignId::parse(id).unwrap()).map(|known| known.as_ref().clone())
}

#[test]
fn same_file_succeeds_itself() {
    check(BASE, BASE, &[]);
    check(EXAMPLE, EXAMPLE, &[]);
}

#[test]
fn titles_and_policies_and_order_may_change() {
    let next = replaced(BASE, ("title = \"F\"", "title = \"Sommer\""));
    let next = replaced(&next, ("title = \"P\"", "title = \"Programm\""));
    let next = replaced(&next, ("title = \"B\"", "title = \"B\"\npolicy.marketing = \"opt-out\""));
    let mut entries: Vec<_> = next.trim().split("\n\n").collect();
    entries.reverse();
    check(BASE, &entries.join("\n\n"), &[]);
}

#[test]
fn another_dress_is_another_version_that_loosens_nothing() {
    let dressed = |color: &str, title: &str| {
        let page =
            format!("titles.en = \"{title}\"\npage.color = \"{color}\"\n[[brand]]\nid = \"t");
        replaced(BASE, ("\n[[brand]]\nid = \"t", &page))
    };
    let (red, blue) = (dressed("#8a1538", "Summer"), dressed("#1f4e79", "Festival"));
    for (from, to) in [(BASE, &*red), (&red, &blue), (&red, BASE)] {
        check(from, to, &[]);
        check_loosened(from, to, &[]);
        let current = first(from);
        assert_ne!(successor(&current, after(&current, to), &all_used(&current)).unwrap(), current);
    }
}

#[test]
fn new_entries_may_come() {
    let next = format!("{BASE}{CAMPAIGN}[[controller]]\nid = \"c\"\ntitle = \"C\"\n");
    check(BASE, &replaced(&next, ("topic = [", "topic = [{ id = \"x\", title = \"X\" }, ")), &[]);
}

#[test]
fn controller_with_facts_may_not_vanish() {
    check(
        BASE,
        &without(BASE, "hotels"),
        &["the controller `hotels` has facts and may not vanish; put it back"],
    );
}

#[test]
fn brand_with_facts_may_not_vanish_and_its_topics_are_not_listed() {
    check(
        BASE,
        &without(BASE, "festival"),
        &["the brand `festival` has facts and may not vanish; put it back"],
    );
}

#[test]
fn topic_with_facts_may_not_vanish() {
    check(
        BASE,
        &replaced(BASE, (", { id = \"programm\", title = \"P\" }", "")),
        &["the topic `programm` of the brand `festival` has facts and may not vanish; put it back"],
    );
}

#[test]
fn topic_of_the_same_word_in_another_brand_is_no_substitute() {
    let next = replaced(BASE, ("{ id = \"newsletter\", title = \"N\" }, ", ""));
    check(
        BASE,
        &next,
        &[
            "the topic `newsletter` of the brand `festival` has facts and may not vanish; put it back",
        ],
    );
}

#[test]
fn brand_with_facts_may_not_change_its_controller() {
    check(
        BASE,
        &replaced(BASE, MOVED),
        &[
            "the brand `festival` has facts or campaigns and may not move from `buehne` to `hotels`; \
         add a brand with another id",
        ],
    );
}

#[test]
fn facts_of_a_topic_alone_hold_its_brand() {
    let current = first(BASE);
    let topic = current.brands[0].topics[0].id;
    let used = Used { topics: [topic].into(), ..Used::default() };
    let brand = "festival".to_owned();
    let next = after(&current, &without(BASE, "festival"));
    let gone = ReloadError::BrandGone { brand: brand.clone() };
    assert_eq!(successor(&current, next, &used).unwrap_err(), [gone]);
    let next = after(&current, &replaced(BASE, MOVED));
    let (from, to) = ("buehne".to_owned(), "hotels".to_owned());
    let moved = ReloadError::BrandMoved { brand, from, to };
    assert_eq!(successor(&current, next, &used).unwrap_err(), [moved]);
}

#[test]
fn what_has_no_facts_may_vanish_and_move() {
    let current = first(&format!("{BASE}{CAMPAIGN}"));
    for text in ["", &without(BASE, "hotels"), &without(BASE, "festival")] {
        successor(&current, after(&current, text), &Used::default()).unwrap();
    }
    let current = first(BASE);
    successor(&current, after(&current, &replaced(BASE, MOVED)), &Used::default()).unwrap();
}

#[test]
fn a_brand_whose_links_may_be_in_mailboxes_may_not_move() {
    let text = format!("{BASE}{CAMPAIGN}");
    let current = first(&text);
    let next = after(&current, &replaced(&text, MOVED));
    let [brand, from, to] = ["festival", "buehne", "hotels"].map(str::to_owned);
    let moved = ReloadError::BrandMoved { brand, from, to };
    assert_eq!(successor(&current, next, &Used::default()).unwrap_err(), [moved]);
}

#[test]
fn a_brand_that_moved_begins_without_the_facts_of_the_old_one() {
    let current = first(BASE);
    let next = after(&current, &replaced(BASE, MOVED));
    let moved = successor(&current, next, &Used::default()).unwrap();
    let (old, new) = (&current.brands[0], &moved.brands[0]);
    assert_ne!(old.id.index(), new.id.index());
    assert!(old.topics.iter().all(|o| new.topics.iter().all(|n| o.id.index() != n.id.index())));
}

#[test]
fn campaigns_may_not_change() {
    let text = format!("{BASE}{CAMPAIGN}");
    let changed = |key: &str, from: &str, to: &str| {
        format!(
            "the campaign `advent` of the brand `festival` may not change its {key} \
             from `{from}` to `{to}`; add a campaign with another id"
        )
    };
    let topic = ("\ntopic = \"newsletter\"", "\ntopic = \"programm\"");
    check(&text, &replaced(&text, topic), &[&changed("topic", "newsletter", "programm")]);
    let channel = ("\"email\"", "\"post\"");
    check(&text, &replaced(&text, channel), &[&changed("channel", "email", "post")]);
    let purpose =
        ("\ntopic = \"newsletter\"\npurpose = \"marketing\"", "\npurpose = \"one-to-one\"");
    check(
        &text,
        &replaced(&text, purpose),
        &[
            &changed("topic", "newsletter", "no topic"),
            &changed("purpose", "marketing", "one-to-one"),
        ],
    );
}

#[test]
fn retiring_is_for_good() {
    let text = format!("{BASE}{CAMPAIGN}");
    let retired = replaced(&text, ("retired = false", "retired = true"));
    check(&text, &retired, &[]);
    check(
        &retired,
        &text,
        &["the campaign `advent` of the brand `festival` is retired and may \
                              not return; add a campaign with another id"],
    );
}

#[test]
fn campaigns_that_the_file_does_not_name_stay_known() {
    let mut current = first(&format!("{BASE}{CAMPAIGN}"));
    let (brand, topic) = (current.brands[0].id, current.brands[0].topics[1].id);
    let registered = Campaign {
        brand,
        id: CampaignId::parse("registered").unwrap(),
        topic: Some(topic),
        purpose: Purpose::Marketing,
        channel: Channel::Post,
        retired: false,
    };
    current.campaigns.insert((brand, registered.id.clone()), registered.clone().into());

    let next = successor(&current, after(&current, BASE), &all_used(&current)).unwrap();
    assert_eq!(next.campaigns, current.campaigns);
    assert_eq!(campaign(&next, brand, "registered"), Some(registered));

    // Where the brand has left as well they wait for it, and still may not change.
    let gone = successor(&next, after(&next, ""), &Used::default()).unwrap();
    assert!(gone.brand("festival").is_none());
    let other = replaced(CAMPAIGN, ("\"email\"", "\"post\""));
    let back = after(&gone, &format!("{BASE}{other}"));
    successor(&gone, back, &Used::default()).unwrap_err();
}

#[test]
fn a_registered_campaign_may_not_change_through_the_file() {
    let mut current = first(BASE);
    let other =
        after(&current, &format!("{BASE}{}", replaced(CAMPAIGN, ("\"email\"", "\"post\""))));
    current.campaigns = other.campaigns;
    let next = after(&current, &format!("{BASE}{CAMPAIGN}"));
    assert_eq!(successor(&current, next, &Used::default()).unwrap_err().len(), 1);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = format!("{BASE}{CAMPAIGN}");
    let next = without(&without(&text, "hotels"), "theater");
    let next = replaced(&next, (", { id = \"programm\", title = \"P\" }", ""));
    check(
        &text,
        &replaced(&next, ("\"email\"", "\"post\"")),
        &[
            "the controller `hotels` has facts and may not vanish; put it back",
            "the brand `theater` has facts and may not vanish; put it back",
            "the topic `programm` of the brand `festival` has facts and may not vanish; put it back",
            "the campaign `advent` of the brand `festival` may not change its channel \
         from `email` to `post`; add a campaign with another id",
        ],
    );
}

#[test]
fn a_version_with_other_numbers_is_refused() {
    let current = first(BASE);
    let foreign = first(&without(BASE, "festival"));
    let refused = successor(&current, foreign, &Used::default()).unwrap_err();
    assert_eq!(refused, [ReloadError::ForeignNumbers]);
}

#[test]
fn words_that_leave_and_return_keep_their_numbers() {
    let current = first(BASE);
    let other = replaced(&without(BASE, "festival"), ("\"newsletter\"", "\"neu\""));
    let gone = successor(&current, after(&current, &other), &Used::default()).unwrap();
    let back = successor(&gone, after(&gone, BASE), &Used::default()).unwrap();
    assert_eq!(back.controllers, current.controllers);
    assert_eq!(back.brands, current.brands);
    assert_eq!(back.names, gone.names);
    assert_eq!(gone.names.beyond(&current.names).len(), 1);
}

#[test]
fn names_replayed_from_the_ledger_give_the_same_catalog() {
    let current = first(EXAMPLE);
    let mut replayed = Names::default();
    for name in current.names.iter() {
        replayed.add(&name).unwrap();
    }
    assert_eq!(replayed, *current.names);
    assert_eq!(parse("c.toml", EXAMPLE, &replayed).unwrap(), current);
}

#[test]
fn each_loosened_rule_is_told_and_no_tightened_one() {
    let strict = "[policy]\nmarketing = \"opt-in\"\nunknown_address = \"deny\"\n\
                  consent_request = \"forbidden\"\nconsent_request_cooldown_days = 90\n\
                  consent_lifetime_days = 365\nconsent_renewal_window_days = 30\n\
                  staff_resubscribe = \"forbidden\"\nstaff_consent = \"forbidden\"\n\
                  opt_in_mails_per_day = 3\nplus_tag = \"widen-restrictions\"\n";
    let brand = without(BASE, "theater");
    let strict = format!("{strict}{brand}");
    let cases = [
        ("marketing = \"opt-in\"", "marketing = \"opt-out\"", "`opt-out`, was `opt-in`"),
        ("unknown_address = \"deny\"", "unknown_address = \"allow\"", "`allow`, was `deny`"),
        (
            "consent_request = \"forbidden\"",
            "consent_request = \"allowed\"",
            "`allowed`, was `forbidden`",
        ),
        ("consent_request_cooldown_days = 90", "consent_request_cooldown_days = 89", "89, was 90"),
        ("consent_lifetime_days = 365", "consent_lifetime_days = 366", "366, was 365"),
        ("consent_lifetime_days = 365", "consent_lifetime_days = 0", "0, was 365"),
        ("consent_renewal_window_days = 30", "consent_renewal_window_days = 31", "31, was 30"),
        (
            "staff_resubscribe = \"forbidden\"",
            "staff_resubscribe = \"with-legal-basis\"",
            "`with-legal-basis`, was `forbidden`",
        ),
        (
            "staff_consent = \"forbidden\"",
            "staff_consent = \"with-evidence\"",
            "`with-evidence`, was `forbidden`",
        ),
        ("opt_in_mails_per_day = 3", "opt_in_mails_per_day = 4", "4, was 3"),
    ];
    for (from, to, change) in cases {
        let loose = replaced(&strict, (from, to));
        let (key, _) = from.split_once(' ').unwrap();
        check_loosened(&strict, &loose, &[&format!("brand `festival`: {key} is now {change}")]);
        check_loosened(&loose, &strict, &[]);
    }
    let exact = replaced(&strict, ("widen-restrictions", "exact"));
    let told = "organization: plus_tag is now `exact`, was `widen-restrictions`";
    check_loosened(&strict, &exact, &[told]);
    check_loosened(&exact, &strict, &[]);
    check_loosened(&strict, &strict, &[]);
}

#[test]
fn loosened_rules_are_told_per_brand() {
    let next = replaced(BASE, ("title = \"F\"", "title = \"F\"\npolicy.marketing = \"opt-out\""));
    let festival = "brand `festival`: marketing is now `opt-out`, was `opt-in`";
    check_loosened(BASE, &next, &[festival]);
    check_loosened(BASE, &replaced(&next, MOVED), &[festival]);
    // A brand that is new has nothing to be looser than.
    check_loosened(&without(BASE, "festival"), &next, &[]);
    let next = format!("policy.marketing = \"opt-out\"\n{BASE}");
    let theater = "brand `theater`: marketing is now `opt-out`, was `opt-in`";
    check_loosened(BASE, &next, &[festival, theater]);
}
