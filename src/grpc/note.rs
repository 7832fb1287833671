//! What a call says of itself for the log: its request id, its credential, its addresses counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tonic::Streaming;
use tonic::codegen::http::HeaderMap;

use super::api;
use super::codec::CheckAsk;

/// The headers that name a request: our own, and W3C's trace context.
const REQUEST_ID: &str = "x-request-id";
const TRACE_PARENT: &str = "traceparent";

/// Octets of a request id that is taken over. A UUID has 36, a trace id 32.
const ID_OCTETS: std::ops::RangeInclusive<usize> = 8..=64;

/// Filled in while the call is worked.
#[derive(Debug, Default)]
pub(super) struct Note {
    credential: OnceLock<Arc<str>>,
    addresses: AtomicUsize,
}

impl Note {
    /// Notes who calls, and how many addresses the message names.
    pub(super) fn take(&self, credential: &Arc<str>, addresses: usize) {
        self.credential.get_or_init(|| credential.clone());
        self.add(addresses);
    }

    /// Counts more addresses of a stream in.
    pub(super) fn add(&self, addresses: usize) {
        self.addresses.fetch_add(addresses, Ordering::Relaxed);
    }

    pub(super) fn addresses(&self) -> usize {
        self.addresses.load(Ordering::Relaxed)
    }

    /// Empty where the call was refused before anybody knew.
    pub(super) fn credential(&self) -> &str {
        self.credential.get().map_or("", |credential| credential)
    }
}

/// The name of a request: as the client gave it, else made up.
///
/// INVARIANT(no address): what a client gives is taken over only as hexadecimal digits and dashes,
/// which are UUIDs, trace ids and what proxies make. Anything else could be a name or an address.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_id = |id: &&str| {
        ID_OCTETS.contains(&id.len()) && id.bytes().all(|o| o.is_ascii_hexdigit() || o == b'-')
    };
    let traced = || given(TRACE_PARENT).and_then(|parent| parent.split('-').nth(1)).filter(is_id);
    let id = given(REQUEST_ID).filter(is_id).or_else(traced);
    id.map_or_else(|| format!("{:016x}", rand::random::<u64>()), str::to_owned)
}

/// A message that names addresses.
pub(super) trait Naming {
    /// How many.
    fn addresses(&self) -> usize;
}

macro_rules! naming {
    ($($count:literal: $($message:ident),+;)+) => {
        $($(impl Naming for api::$message {
            fn addresses(&self) -> usize {
                $count
            }
        })+)+
    };
}

macro_rules! listing {
    ($field:ident: $($message:ident),+) => {
        $(impl Naming for api::$message {
            fn addresses(&self) -> usize {
                self.$field.len()
            }
        })+
    };
}

naming! {
    0: GetCatalogRequest, RegisterCampaignRequest, ListCampaignsRequest, WatchRequest,
        ListErasureCasesRequest, ListAccessRequestsRequest;
    1: ExplainRequest, GetStatusRequest, GetHistoryRequest, GetSubjectSheetRequest,
        ResubscribeByStaffRequest, GetPreferencesRequest, UpdatePreferencesRequest,
        InspectLinkRequest,
        UnsubscribeRequest, BeginOptInRequest, ConfirmOptInRequest, RecordOwnerChoiceRequest,
        RequestErasureRequest, ApproveErasureRequest, RejectErasureRequest, RequestAccessRequest,
        AnswerAccessRequest;
}

listing!(
    addresses: BlockAddressesRequest,
    LiftBlocksRequest,
    OptOutRequest,
    RecordConsentRequest,
    WithdrawConsentRequest,
    RegisterAddressesRequest,
    MarkConsentRequestedRequest,
    MintLinksRequest
);
listing!(facts: ImportFactsRequest);

impl Naming for CheckAsk {
    fn addresses(&self) -> usize {
        self.count()
    }
}

/// Counted message by message.
impl Naming for Streaming<CheckAsk> {
    fn addresses(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &'static str, value: &'static str, taken: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let id = request_id(&headers);
        match taken {
            Some(taken) => assert_eq!(id, taken),
            None => assert!(id.len() == 16 && !value.contains(&id), "{id}"),
        }
    }

    #[test]
    fn a_request_keeps_its_name_unless_that_could_be_a_persons() {
        let uuid = "8c1d8f1e-6c50-4e5e-9d0d-0a1b2c3d4e5f";
        check("x-request-id", uuid, Some(uuid));
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        check("traceparent", trace, Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        check("x-request-id", "eve@example.org", None);
        check("x-request-id", "eve-mueller-12345", None);
        check("x-request-id", "ab", None);
        check("traceparent", "eve", None);
    }
}
