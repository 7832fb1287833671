//! The gate: who calls is found out before a message is read. A call that shows no live credential
//! goes no further than its headers.
//!
//! It stands before every service of the API and before reflection; health is open, for probes have
//! no key. Without a credential file there is no gate, and the caller is `local`.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::peer::PeerNames;
use super::refusal::Refusal;
use crate::credentials::{Budget, Credential, Credentials};
use crate::engine::Engine;

/// The header that shows a key, and what stands before the key.
const AUTHORIZATION: &str = "authorization";
const BEARER: &str = "bearer ";

/// How often a stream looks whether its credential has expired. A change of the file it is told.
const RECHECK: Duration = Duration::from_secs(1);

/// Whoever is let in, and what is left of their budgets.
#[derive(Debug)]
pub struct Gate {
    engine: Arc<Engine>,
    credentials: watch::Sender<Arc<Credentials>>,
    /// Guards which budget belongs to which name, over all versions of the file; held to look one
    /// up or while a version is taken.
    budgets: Mutex<HashMap<Arc<str>, Arc<Budget>>>,
}

/// Someone who was let in: what a call carries from the gate to its handler.
#[derive(Debug, Clone)]
pub(super) struct Session {
    gate: Arc<Gate>,
    pub(super) credential: Arc<Credential>,
    budget: Arc<Budget>,
}

impl Gate {
    /// Lets in whom these credentials let in.
    #[must_use]
    pub fn new(engine: Arc<Engine>, credentials: Credentials) -> Arc<Self> {
        let gate = Self {
            engine,
            credentials: watch::Sender::new(Arc::default()),
            budgets: Mutex::default(),
        };
        gate.take(credentials);
        Arc::new(gate)
    }

    /// From now on these count. Calls under way go on; streams end where their credential is not
    /// good any more. What is spent of a budget stays so unless its limit has changed.
    pub fn take(&self, credentials: Credentials) {
        let mut budgets = self.budgets.lock();
        budgets.retain(|name, _| credentials.named(name).is_some());
        for credential in credentials.iter() {
            match budgets.get(&credential.name) {
                Some(budget) => budget.set(credential.limits),
                None => {
                    let budget = Arc::new(Budget::new(credential.limits));
                    budgets.insert(credential.name.clone(), budget);
                }
            }
        }
        drop(budgets);
        self.credentials.send_replace(Arc::new(credentials));
    }

    /// Who calls.
    fn enter(self: &Arc<Self>, request: &Request<()>) -> Result<Session, Refusal> {
        let names = request.extensions().get::<PeerNames>();
        let names = names.map_or(&[][..], |PeerNames(names)| names);
        let key = key(request.metadata())?;
        let credentials = self.credentials.borrow().clone();
        let credential = credentials.caller(key, names, self.engine.now());
        let credential = credential.ok_or(Refusal::Unauthenticated)?.clone();
        let budget = self.budgets.lock().get(&credential.name).cloned();
        // A version may be taken in between that has the name no more.
        let budget = budget.ok_or(Refusal::Unauthenticated)?;
        Ok(Session { gate: self.clone(), credential, budget })
    }
}

/// The key that a call shows. One in a form that nobody can mean is no key.
fn key(metadata: &MetadataMap) -> Result<Option<&[u8]>, Refusal> {
    let mut values = metadata.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let (scheme, key) =
        value.as_bytes().split_at_checked(BEARER.len()).ok_or(Refusal::Unauthenticated)?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case(BEARER.as_bytes()) {
        return Err(Refusal::Unauthenticated);
    }
    Ok(Some(key.trim_ascii()))
}

/// The gate in the way of a service.
#[derive(Debug, Clone)]
pub(super) struct AtGate(pub(super) Arc<Gate>);

impl Interceptor for AtGate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let session = self.0.enter(&request)?;
        request.extensions_mut().insert(session);
        Ok(request)
    }
}

impl Session {
    /// Takes a question about these addresses out of the budgets.
    pub(super) fn spend<'a>(
        &self,
        count: usize,
        addresses: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Refusal> {
        if !self.budget.is_limited() {
            return Ok(());
        }
        let engine = &self.gate.engine;
        let names = match self.budget.counts_addresses() {
            true => engine.names(addresses),
            false => Vec::new(),
        };
        Ok(self.budget.spend(engine.now(), count, &names)?)
    }

    /// Waits until the credential is good no more.
    async fn ended(self) {
        let mut versions = self.gate.credentials.subscribe();
        loop {
            let now = self.gate.engine.now();
            if !versions.borrow_and_update().upholds(&self.credential, now) {
                return;
            }
            tokio::select! {
                changed = versions.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RECHECK), if self.credential.expires.is_some() => {}
            }
        }
    }
}

/// A stream of answers that ends with an error when the credential of who reads it does.
pub(super) struct Guarded<S> {
    answers: S,
    /// None where there is no gate, and behind the error.
    ended: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_over: bool,
}

impl<S> Guarded<S> {
    pub(super) fn new(answers: S, session: Option<Session>) -> Self {
        let ended = session.map(|session| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(session.ended())
        });
        Self { answers, ended, is_over: false }
    }
}

impl<T, S: Stream<Item = Result<T, Status>> + Unpin> Stream for Guarded<S> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(ended) = &mut self.ended
            && ended.as_mut().poll(context).is_ready()
        {
            self.is_over = true;
            return Poll::Ready(Some(Err(Refusal::Unauthenticated.into())));
        }
        Pin::new(&mut self.answers).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use tonic::metadata::AsciiMetadataValue;

    use super::*;

    #[track_caller]
    fn check(values: &[&str], expect: Result<Option<&str>, Refusal>) {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append(AUTHORIZATION, AsciiMetadataValue::try_from(*value).unwrap());
        }
        assert_eq!(key(&metadata), expect.map(|key| key.map(str::as_bytes)));
    }

    #[test]
    fn a_key_is_shown_in_one_way() {
        check(&[], Ok(None));
        check(&["Bearer maysend_x"], Ok(Some("maysend_x")));
        check(&["bearer  maysend_x "], Ok(Some("maysend_x")));
        check(&["Bearer "], Ok(Some("")));
        for no_key in ["", "Bearer", "Basic maysend_x", "maysend_x"] {
            check(&[no_key], Err(Refusal::Unauthenticated));
        }
        check(&["Bearer maysend_x", "Bearer maysend_x"], Err(Refusal::Unauthenticated));
    }
}
