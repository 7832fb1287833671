use super::*;

fn args(language: Tongue) -> ExplainArgs {
    ExplainArgs {
        address: "Eve@example.com".to_owned(),
        brand: "festival".to_owned(),
        campaign: "advent".to_owned(),
        as_of: None,
        language,
    }
}

fn explanation() -> api::ExplainResponse {
    let brand = api::scope::Level::Brand("festival".to_owned());
    let evidence = api::Evidence {
        method: api::Method::Phone.into(),
        source: "call\ncenter".to_owned(),
        ..Default::default()
    };
    let event = api::Event { evidence: Some(evidence), ..event::tests::block() };
    api::ExplainResponse {
        verdict: api::Verdict::DeniedBlocked.into(),
        canonical_address: "eve@example.com".to_owned(),
        findings: vec![
            api::Finding {
                verdict: api::Verdict::DeniedBlocked.into(),
                scope: Some(api::Scope { level: Some(brand) }),
                event: Some(event),
                base_address: String::new(),
            },
            api::Finding { verdict: api::Verdict::DeniedNotRequested.into(), ..Default::default() },
        ],
        revision: 9,
    }
}

#[test]
fn people_get_the_answer_then_the_facts() {
    assert_eq!(
        args(Tongue::En).human(&explanation(), None),
        "No: festival/advent must not go to eve@example.com.
As of now, revision 9.

Because:
  - blocked for this brand
      where       brand:festival
      what        Blocked: at the owner's request
      when        1970-01-01 00:00:00 UTC  #7
      by whom     anna (staff), credential crm
      why         called, angry
      proof       telephone
      proof       source: call center

And if that were not so, these would deny, one after the other:
  - on file, but never gave consent
      what        nothing is recorded
"
    );
}

#[test]
fn people_get_it_in_german_too() {
    let text = args(Tongue::De).human(&explanation(), None);
    assert!(text.starts_with("Nein: festival/advent darf nicht an eve@example.com gehen.\n"));
    assert!(text.contains("  - f\u{fc}r diese Marke gesperrt\n      wo          brand:festival\n"));
    assert!(text.contains("      wann        01.01.1970 00:00:00 UTC  #7\n"), "{text}");
    assert!(text.contains("      Beleg       Telefon\n"));
}

#[test]
fn programs_get_one_document_without_empty_properties() {
    let document = document(&explanation());
    assert_eq!(document["verdict"], "VERDICT_DENIED_BLOCKED");
    assert_eq!(document["allowed"], false);
    assert_eq!(document["findings"][0]["event"]["revision"], 7);
    let last = json!({
        "verdict": "VERDICT_DENIED_NOT_REQUESTED",
        "explanation": "on file, but never gave consent",
    });
    assert_eq!(document["findings"][1], last);
}

#[test]
fn an_instant_is_rfc_3339_or_a_day_of_which_the_end_counts() {
    let now = Timestamp::from_parts(1_772_332_505, 0).unwrap();
    let read = |text: &str| text.parse::<AsOf>().map(|as_of| as_of.instant(now));
    let at = |seconds, nanos| Ok(Timestamp::from_parts(seconds, nanos));
    assert_eq!(read("2026-02-28T12:00:00+01:00"), at(1_772_276_400, 0));
    assert_eq!(read("2026-02-28"), at(1_772_323_199, 999_999_999));
    assert_eq!(read("2026-03-01"), Ok(None), "today has not ended");
    assert_eq!(read("2026-03-02"), at(1_772_495_999, 999_999_999), "the server refuses it");
    for text in ["yesterday", "2026-02-30", "2026-03-01T12:00:00", ""] {
        assert!(read(text).is_err(), "{text}");
    }
}
