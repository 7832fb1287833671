//! What is wrong with a file, and how it is told.

use super::*;

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
            "15: controller[1].\"a b\": unknown key; known are `id`, `title`, `titles`, \
             `policy`, `recipients`",
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
            "11: brand[0].topic[0].titel: unknown key; known are `id`, `title`, `titles`",
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
