//! What owners may ask for, as far as the queues that people work on.

use super::*;
use crate::engine::access::AccessRequest;
use crate::engine::erasure::{CaseState, ErasureCase};
use crate::model::verdict::Verdict;

impl World {
    async fn data_page(&self) -> String {
        format!("/p/{}/data", self.links("advent").await.preferences_token)
    }

    async fn access_requests(&self) -> Vec<AccessRequest> {
        self.engine.access_requests(&Caller::local("anna"), 0, "").await.unwrap().requests
    }

    async fn cases(&self) -> Vec<ErasureCase> {
        let page = self.engine.erasure_cases(&Caller::local("anna"), None, 0, "").await;
        page.unwrap().cases
    }

    async fn verdicts(&self) -> Vec<Verdict> {
        let token = self.links("advent").await.preferences_token;
        let (now, _) = self.engine.preferences(&Caller::local(""), &token).await.unwrap();
        now.topics.iter().map(|topic| topic.verdict).collect()
    }
}

#[tokio::test]
async fn what_is_held_is_asked_for_once_and_answered_by_people() {
    let world = World::new().await;
    let page = world.data_page().await;
    let email = "name=\"email\"";
    assert!(world.get(&page).await.text.contains(email));
    for typed in ["", "bob@example.com", "ann"] {
        let answer = world.submit(&page, &[("request", "access"), ("email", typed)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(answer.text.contains("not the address that the mail"), "{}", answer.text);
        assert!(world.access_requests().await.is_empty(), "{typed}");
    }
    let first = world.submit(&page, &[("request", "access"), ("email", ANN)]).await;
    let open = world.access_requests().await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].address.as_ref().unwrap().as_str(), ANN);
    assert!(first.text.contains(&format!("reference: {}", open[0].id.number())), "{}", first.text);
    let head = world.engine.head();
    // By now the ledger knows the address.
    assert!(!world.get(&page).await.text.contains(email));
    let again = world.submit(&page, &[("request", "access")]).await;
    assert_eq!((again.text, world.engine.head()), (first.text, head), "it is the same request");
    assert!(world.verdicts().await.iter().all(|verdict| *verdict != Verdict::ErasurePending));
}

#[tokio::test]
async fn erasure_takes_a_tick_and_stops_all_until_people_decide() {
    let world = World::new().await;
    let page = world.data_page().await;
    let unsure = world.submit(&page, &[("request", "erasure"), ("email", ANN)]).await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unsure.text.contains("tick that you are sure"), "{}", unsure.text);
    assert!(unsure.text.contains(ANN), "what was typed stays");
    assert!(world.cases().await.is_empty());
    let sure = [("request", "erasure"), ("sure", "1"), ("email", ANN)];
    let told = world.submit(&page, &sure).await;
    let cases = world.cases().await;
    assert_eq!((cases.len(), cases[0].state), (1, CaseState::Pending));
    assert!(told.text.contains(&*cases[0].id), "{}", told.text);
    assert_eq!(world.verdicts().await, [Verdict::ErasurePending; 3]);
    assert_eq!(&*cases[0].requested.as_ref().unwrap().by.id, "owner");
    world.submit(&page, &sure).await;
    assert_eq!(world.cases().await, cases, "asked again it is the same case");
    let center = page.strip_suffix("/data").unwrap();
    let (seal, told) = (value(&world.get(&page).await.text, "seal"), world.get(center).await);
    assert!(told.text.contains("erasure of your data has been asked for"), "{}", told.text);
    assert_eq!(told.text.matches(" disabled").count(), 3, "nothing is ticked, and nothing can be");
    let leni = Caller::local("leni");
    world.engine.approve_erasure(&leni, &cases[0].id, "as asked".into()).await.unwrap();
    let head = world.engine.head();
    for form in [&sure[..], &[("request", "access")]] {
        let told = world.post(&page, &[form, &[("seal", &seal)]].concat()).await;
        assert!(told.text.contains("Your data were erased."), "{}", told.text);
    }
    for page in [&page, center] {
        let told = world.get(page).await;
        assert!(told.text.contains("Your data were erased."), "{}", told.text);
        assert!(!told.text.contains("<form"), "nothing is left to choose");
    }
    assert_eq!(world.engine.head(), head);
}

#[tokio::test]
async fn a_link_that_is_too_old_or_a_form_that_nobody_loaded_asks_for_nothing() {
    let world = World::new().await;
    let page = world.data_page().await;
    let sure = [("request", "erasure"), ("sure", "1"), ("email", ANN)];
    assert_eq!(world.post(&page, &sure).await.status, StatusCode::BAD_REQUEST);
    let seal = value(&world.get(&page).await.text, "seal");
    world.pass(401);
    assert_eq!(world.get(&page).await.status, StatusCode::FORBIDDEN);
    let told = world.post(&page, &[&sure[..], &[("seal", &seal)]].concat()).await;
    assert!(told.text.contains("too old"), "{}", told.text);
    assert!(world.cases().await.is_empty());
}
