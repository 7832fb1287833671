//! What the owner chooses.

use super::*;

#[test]
fn a_portal_session_is_what_makes_an_owner() {
    let session = |portal_session: &str| {
        let request = api::RegisterAddressesRequest {
            controllers: vec!["buehne".to_owned()],
            portal_session: portal_session.to_owned(),
            ..Default::default()
        };
        let command = register_addresses(request, &catalog()).unwrap().command;
        matches!(command, Command::RegisterAddresses { owner_session: true, .. })
    };
    assert!(session("s-1"));
    assert!(!session(""));
}

#[test]
fn choices_are_read_with_their_wish() {
    let choice = |scope, subscribed| api::Choice { scope, subscribed };
    let request = |choices| api::UpdatePreferencesRequest { choices, ..Default::default() };
    let catalog = catalog();
    let update = update_preferences(
        request(vec![
            choice(Some(brand("festival")), true),
            choice(Some(scope(Level::Everything(true))), false),
        ]),
        &catalog,
    );
    let wishes: Vec<Wish> = update.unwrap().choices.into_iter().map(|c| c.wish).collect();
    assert_eq!(wishes, [Wish::Subscribe, Wish::Unsubscribe]);
    malformed(
        update_preferences(
            request(vec![choice(None, true), choice(Some(brand("x")), false)]),
            &catalog,
        ),
        &["choices[0].scope", "choices[1].scope.brand"],
    );
}

#[test]
fn an_unsubscription_may_leave_its_scope_to_the_token() {
    let request = |scope| api::UnsubscribeRequest { scope, ..Default::default() };
    assert_eq!(unsubscribe(request(None), &catalog()).unwrap().scope, None);
    let everything = Some(scope(Level::Everything(true)));
    let read = unsubscribe(request(everything), &catalog()).unwrap();
    assert_eq!(read.scope, Some(Scope::Everything));
    malformed(unsubscribe(request(Some(api::Scope { level: None })), &catalog()), &["scope"]);
}
