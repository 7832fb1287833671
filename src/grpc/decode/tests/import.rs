//! Rows of a file.

use super::*;

fn imported() -> api::ImportedFact {
    api::ImportedFact {
        address: ADDRESS.to_owned(),
        scope: Some(topic("festival", "newsletter")),
        state: api::ImportedState::Granted.into(),
        legal_basis: api::LegalBasis::ExistingCustomer.into(),
        evidence: Some(api::Evidence { method: 0, ..evidence() }),
        reason: "moved here".to_owned(),
    }
}

#[test]
fn rows_of_a_file_are_read_each_with_its_own_fact() {
    let controller = scope(Level::Controller("buehne".to_owned()));
    let other = |state: api::ImportedState, scope| api::ImportedFact {
        state: state.into(),
        scope: Some(scope),
        legal_basis: 0,
        ..imported()
    };
    let facts = vec![
        imported(),
        other(api::ImportedState::Refused, scope(Level::Everything(true))),
        other(api::ImportedState::OptedOut, controller.clone()),
        other(api::ImportedState::Blocked, brand("theater")),
        other(api::ImportedState::Registered, controller),
    ];
    let catalog = catalog();
    let request = api::ImportFactsRequest { facts, dry_run: true };
    let import = import_facts(request, &catalog).unwrap();
    assert!(import.dry_run);
    let theater = catalog.brand("theater").unwrap().id;
    let newsletter = Scope::Topic(catalog.brand("festival").unwrap().topics[0].id);
    let facts: Vec<_> = import.rows.iter().map(|row| row.fact).collect();
    assert_eq!(
        facts,
        [
            ImportedFact::Granted { scope: newsletter, legal_basis: LegalBasis::ExistingCustomer },
            ImportedFact::Refused(Scope::Everything),
            ImportedFact::OptedOut(Scope::Controller(theater.controller())),
            ImportedFact::Blocked(theater),
            ImportedFact::Registered(theater.controller()),
        ]
    );
    for row in &import.rows {
        assert_eq!(row.evidence.method, Method::Import, "whatever is left out");
        assert_eq!((&*row.address, &*row.reason), (ADDRESS.as_bytes(), "moved here"));
    }
}

#[test]
fn a_malformed_row_is_named_by_its_place() {
    let import = |bad: api::ImportedFact| {
        import_facts(
            api::ImportFactsRequest { facts: vec![imported(), bad], dry_run: false },
            &catalog(),
        )
    };
    let at = |scope| Some(scope);
    let fact = imported;
    for (bad, field) in [
        (api::ImportedFact { scope: None, ..fact() }, "scope"),
        (api::ImportedFact { state: 0, ..fact() }, "state"),
        (api::ImportedFact { state: 77, ..fact() }, "state"),
        (api::ImportedFact { legal_basis: 0, ..fact() }, "legal_basis"),
        (api::ImportedFact { evidence: None, ..fact() }, "evidence"),
        (api::ImportedFact { evidence: Some(evidence()), ..fact() }, "evidence.method"),
        (api::ImportedFact { scope: at(scope(Level::Everything(true))), ..fact() }, "scope"),
        (
            api::ImportedFact {
                state: api::ImportedState::Blocked.into(),
                legal_basis: 0,
                ..fact()
            },
            "scope",
        ),
        (
            api::ImportedFact {
                state: api::ImportedState::Registered.into(),
                legal_basis: 0,
                ..fact()
            },
            "scope",
        ),
        (
            api::ImportedFact {
                state: api::ImportedState::OptedOut.into(),
                scope: at(brand("festival")),
                ..fact()
            },
            "legal_basis",
        ),
        (api::ImportedFact { reason: "\u{1}".to_owned(), ..fact() }, "reason"),
    ] {
        malformed(import(bad), &[&format!("facts[1].{field}")]);
    }
    let unknown_brand = api::ImportedFact { scope: at(brand("nobody")), ..fact() };
    unknown(import(unknown_brand), &Name::Scope, &["facts[1].scope.brand"]);
}
