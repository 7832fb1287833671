//! What is to be explained.

use super::reading::Reading;
use super::subject::Subject;
use crate::catalog::Catalog;
use crate::engine::explain::Inquiry;
use crate::grpc::api;
use crate::grpc::refusal::Refusal;

pub(in crate::grpc) fn explain(
    request: api::ExplainRequest,
    catalog: &Catalog,
) -> Result<Inquiry, Refusal> {
    let api::ExplainRequest { address, brand, campaign, as_of } = request;
    let Subject { brand, campaign } = Subject::named(&brand, &campaign)?;
    let mut reading = Reading::new(catalog);
    let as_of = match as_of {
        Some(at) => reading.instant("as_of", at).map(Some),
        None => Some(None),
    };
    let address = address.into_bytes().into_boxed_slice();
    reading.finish(|| Some(Inquiry { address, brand, campaign, as_of: as_of? }))
}
