//! What a form chose, said to the engine: the noes first and by themselves, so that whatever stands
//! in the way of a yes takes no no with it.
//!
//! A yes that comes twice is one: the submission has a name. A no has none and is recorded each time,
//! for each voids what was begun before it (`transition::grant`): a double click is two small events.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Site;
use super::fault::Fault;
use super::form::Form;
use super::visit::Visit;
use crate::engine::preferences::{Preference, Preferences, PreferencesUpdate, PreferencesUpdated};
use crate::model::command::{Choice, Wish};
use crate::model::evidence::Method;
use crate::model::scope::Scope;
use crate::model::verdict::WriteOutcome;

/// What a submission's name is made for.
const SUBMISSION: &str = "submission of an owner's page";

/// A form that came from a page of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choosing<'a> {
    pub(super) token: &'a str,
    pub(super) visit: &'a Visit,
    pub(super) form: &'a Form,
    /// The page, in the event.
    pub(super) source: &'static str,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// As it stands now.
    pub(super) preferences: Preferences,
    /// One for each choice: noes first.
    pub(super) outcomes: Vec<WriteOutcome>,
    /// Why the yeses could not be recorded although the noes are.
    pub(super) problem: Option<Fault>,
    /// A yes was answered from memory, and a no came since.
    pub(super) is_stale: bool,
}

impl Chosen {
    /// Whether all of it stands.
    pub(super) fn stands(&self) -> bool {
        let stands =
            |o: &WriteOutcome| matches!(o, WriteOutcome::Applied | WriteOutcome::Unchanged);
        self.problem.is_none() && self.outcomes.iter().all(stands)
    }

    fn add(&mut self, updated: PreferencesUpdated) {
        self.preferences = updated.preferences;
        self.outcomes.extend(updated.outcomes);
    }
}

impl Site {
    /// Records noes, and yeses to these words.
    pub(super) async fn choose(
        &self,
        of: Choosing<'_>,
        noes: &[Scope],
        yeses: &[Scope],
        wording: &str,
    ) -> Result<Chosen, Fault> {
        let mut chosen = Chosen::default();
        if !noes.is_empty() {
            chosen.add(self.say(of, noes, Wish::Unsubscribe, "", String::new()).await?);
        }
        if !yeses.is_empty() {
            match self.say(of, yeses, Wish::Subscribe, wording, self.submission(of)).await {
                Ok(updated) => {
                    chosen.add(updated);
                    let said = |no: &Preference| yeses.iter().any(|yes| yes.covers(no.scope));
                    let mut noes = chosen.preferences.topics.iter().filter(|of| !of.subscribed);
                    chosen.is_stale = chosen.stands() && noes.any(said);
                }
                Err(fault) if noes.is_empty() => return Err(fault),
                Err(fault) => chosen.problem = Some(fault),
            }
        }
        Ok(chosen)
    }

    async fn say(
        &self,
        of: Choosing<'_>,
        scopes: &[Scope],
        wish: Wish,
        wording: &str,
        name: String,
    ) -> Result<PreferencesUpdated, Fault> {
        let update = PreferencesUpdate {
            token: of.token.to_owned(),
            choices: scopes.iter().map(|scope| Choice { scope: *scope, wish }).collect(),
            evidence: Some(of.visit.evidence(Method::Link, of.source, wording)),
            request_id: name.into(),
            body: of.form.text(),
        };
        Ok(self.engine.update_preferences(&self.caller, update).await?)
    }

    /// The name of a submission: the same form from the same page, however often it is sent.
    fn submission(&self, of: Choosing<'_>) -> String {
        let digest = self.engine.seal(SUBMISSION, &of.form.text());
        format!("web-{}", URL_SAFE_NO_PAD.encode(digest))
    }
}
