//! The rows of `ImportFacts`, each read under its place in the call.

use std::sync::Arc;

use super::reading::Reading;
use super::words;
use crate::catalog::Catalog;
use crate::engine::import::{Import, Row};
use crate::grpc::api;
use crate::grpc::refusal::Refusal;
use crate::model::command::ImportedFact;
use crate::model::evidence::{Evidence, LegalBasis, Method};
use crate::model::scope::Scope;

pub(in crate::grpc) fn import_facts(
    request: api::ImportFactsRequest,
    catalog: &Catalog,
) -> Result<Import, Refusal> {
    let api::ImportFactsRequest { facts, dry_run } = request;
    let mut reading = Reading::new(catalog);
    let rows = (0_usize..).zip(facts);
    let rows: Vec<Option<Row>> = rows
        .map(|(i, fact)| reading.within(format_args!("facts[{i}]"), |reading| reading.row(fact)))
        .collect();
    let rows = reading.finish(|| rows.into_iter().collect())?;
    Ok(Import { rows, dry_run })
}

impl Reading<'_> {
    fn row(&mut self, fact: api::ImportedFact) -> Option<Row> {
        let api::ImportedFact { address, scope, state, legal_basis, evidence, reason } = fact;
        let state = self.imported_state("state", state);
        let scope = match scope {
            Some(scope) => self.scope("scope", scope),
            None => self.fault("scope", "is mandatory; say where it applies"),
        };
        let basis = match state {
            Some(api::ImportedState::Granted) => {
                self.legal_basis("legal_basis", legal_basis).map(Some)
            }
            None => Some(None),
            Some(_) if legal_basis == i32::from(api::LegalBasis::Unspecified) => Some(None),
            Some(_) => self.fault("legal_basis", "is for GRANTED alone; leave it out"),
        };
        let evidence = self.row_evidence("evidence", evidence);
        let reason = self.prose("reason", &reason);
        let fact = self.fact("scope", state?, scope?, basis?);
        Some(Row {
            address: address.into_bytes().into_boxed_slice(),
            fact: fact?,
            reason: reason?,
            evidence: evidence?,
        })
    }

    fn imported_state(&mut self, field: &str, number: i32) -> Option<api::ImportedState> {
        let problem = "is mandatory: IMPORTED_STATE_GRANTED, IMPORTED_STATE_REFUSED, \
                       IMPORTED_STATE_OPTED_OUT, IMPORTED_STATE_BLOCKED or \
                       IMPORTED_STATE_REGISTERED";
        match api::ImportedState::try_from(number) {
            Ok(api::ImportedState::Unspecified) | Err(_) => self.fault(field, problem),
            Ok(state) => Some(state),
        }
    }

    /// Evidence of a row: whatever it leaves out, its method is the file.
    fn row_evidence(
        &mut self,
        field: &str,
        evidence: Option<api::Evidence>,
    ) -> Option<Arc<Evidence>> {
        let Some(mut evidence) = evidence else {
            return self.fault(field, "is mandatory; its source names the file and the line");
        };
        match words::method(evidence.method) {
            Some(Method::Unspecified) => evidence.method = api::Method::Import.into(),
            Some(Method::Import) => {}
            Some(_) | None => {
                return self.fault(format!("{field}.method"), "must be METHOD_IMPORT");
            }
        }
        self.mandatory_evidence(field, Some(evidence))
    }

    fn fact(
        &mut self,
        field: &str,
        state: api::ImportedState,
        scope: Scope,
        basis: Option<LegalBasis>,
    ) -> Option<ImportedFact> {
        match (state, scope, basis) {
            (api::ImportedState::Granted, Scope::Brand(_) | Scope::Topic(_), Some(legal_basis)) => {
                Some(ImportedFact::Granted { scope, legal_basis })
            }
            (api::ImportedState::Granted, ..) => {
                self.fault(field, "must be a brand or a topic: nobody consents to more")
            }
            (api::ImportedState::Refused, ..) => Some(ImportedFact::Refused(scope)),
            (api::ImportedState::OptedOut, ..) => Some(ImportedFact::OptedOut(scope)),
            (api::ImportedState::Blocked, Scope::Brand(brand), _) => {
                Some(ImportedFact::Blocked(brand))
            }
            (api::ImportedState::Blocked, ..) => self.fault(field, "must be a brand"),
            (api::ImportedState::Registered, Scope::Controller(controller), _) => {
                Some(ImportedFact::Registered(controller))
            }
            (api::ImportedState::Registered, ..) => self.fault(field, "must be a controller"),
            // `imported_state` gives none such.
            (api::ImportedState::Unspecified, ..) => self.fault(field, "is of no state"),
        }
    }
}
