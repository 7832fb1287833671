//! Which campaign of which brand a question is about.

use crate::engine::error::{InvalidRequest, Violation};
use crate::grpc::codec::CheckAsk;
use crate::grpc::refusal::Refusal;

/// A brand and its campaign, by name. The engine knows whether there are such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::grpc) struct Subject {
    pub(in crate::grpc) brand: String,
    pub(in crate::grpc) campaign: String,
}

impl Subject {
    /// Of a call of its own: both are named.
    pub(in crate::grpc) fn of_call(ask: &CheckAsk) -> Result<Self, Refusal> {
        Self::named(ask.brand(), ask.campaign())
    }

    /// Of a message of a stream: both are named, or neither, and then it is that of the message
    /// before. One without the other is refused: half a question is a mistake.
    pub(in crate::grpc) fn of_message(
        ask: &CheckAsk,
        before: Option<&Self>,
    ) -> Result<Self, Refusal> {
        match before {
            Some(before) if ask.brand().is_empty() && ask.campaign().is_empty() => {
                Ok(before.clone())
            }
            Some(_) | None => Self::named(ask.brand(), ask.campaign()),
        }
    }

    /// Both names, neither of them empty.
    pub(super) fn named(brand: &str, campaign: &str) -> Result<Self, Refusal> {
        let violations: Vec<Violation> = [("brand", brand), ("campaign", campaign)]
            .into_iter()
            .filter(|(_, name)| name.is_empty())
            .map(|(field, _)| Violation { field: field.into(), problem: "is mandatory".into() })
            .collect();
        if violations.is_empty() {
            Ok(Self { brand: brand.to_owned(), campaign: campaign.to_owned() })
        } else {
            Err(InvalidRequest { violations }.into())
        }
    }
}
