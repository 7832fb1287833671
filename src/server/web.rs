//! The owner's pages on a listener of their own: plain HTTP, behind the sender's reverse proxy, which
//! speaks TLS to the world.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hyper::Request;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tower::ServiceExt as _;

use super::listen::{Guard, Listen};
use super::plain::{self, Bounds};
use super::relay::Relay;
use super::told;
use crate::engine::Engine;
use crate::web::{self, Measures, Peer, Privacy, Site};

/// A proxy holds some dozens open and comes again; what browsers open themselves is short.
pub(super) const BOUNDS: Bounds =
    Bounds { connections: 1024, head: Duration::from_secs(10), age: Duration::from_secs(60) };

/// Where the pages are, and what they keep.
#[derive(Debug, Clone)]
pub struct Web {
    /// The address.
    pub listen: Listen,
    /// What is kept of a visitor's connection.
    pub privacy: Privacy,
}

impl Web {
    /// An address `IP:PORT` or `unix:PATH`.
    ///
    /// # Errors
    /// It is none, or reaches beyond this machine although nobody asked for it (`anywhere`): what
    /// passes there is not encrypted, and a link is all that it takes to speak for its owner.
    pub fn new(listen: Listen, anywhere: bool, privacy: Privacy) -> anyhow::Result<Self> {
        if !listen.is_local() && !anywhere {
            let address = &listen;
            bail!(
                "`--web-listen {address}` is not on loopback: the pages are plain HTTP, for a reverse \
                 proxy with TLS ahead; give `--web-anywhere` too where only that proxy reaches it"
            );
        }
        Ok(Self { listen, privacy })
    }

    /// Binds it and serves until the server drains.
    pub(super) async fn serve(
        self,
        engine: Arc<Engine>,
        relay: Option<Relay>,
        measures: Arc<Measures>,
        stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<Serving> {
        let incoming = self.listen.bind().await.context("the owner's pages")?;
        let address = incoming.address(Guard { tls: false, credentials: false });
        tracing::info!(address, "the owner's pages are there");
        if !self.privacy.forwarded && self.listen.is_local() {
            tracing::warn!(
                "without --web-forwarded every visitor looks like the proxy: its network is kept as \
                 evidence, and all share the pace of one in signing up"
            );
        }
        let started =
            relay.map(|relay| relay.start(engine.clone(), measures.clone(), stopped.clone()));
        let (post, posting) = started.unzip();
        let site = Arc::new(Site::new(engine, self.privacy, post, measures));
        let router = web::router(site);
        let service = move |from: Option<IpAddr>| {
            let from = from.map(Peer);
            TowerToHyperService::new(router.clone().map_request(move |mut request: Request<_>| {
                if let Some(peer) = from {
                    request.extensions_mut().insert(peer);
                }
                request
            }))
        };
        #[expect(clippy::disallowed_methods, reason = "joined by `Serving::end`")]
        let task = tokio::spawn(plain::serve(incoming, BOUNDS, service, told(stopped)));
        Ok(Serving { task, posting, listen: self.listen, address })
    }
}

async fn wait(task: Option<JoinHandle<()>>) -> Option<Result<(), JoinError>> {
    match task {
        Some(task) => Some(task.await),
        None => None,
    }
}

/// Pages that are served.
#[derive(Debug)]
pub(super) struct Serving {
    task: JoinHandle<()>,
    posting: Option<JoinHandle<()>>,
    listen: Listen,
    /// `http://HOST:PORT` or `unix:PATH`.
    pub(super) address: String,
}

impl Serving {
    /// Waits until the last request is answered and the last mail is gone; the server drains.
    pub(super) async fn end(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the owner's pages ended early");
        }
        // The pages are gone, and with them whoever could put a letter in.
        if let Some(Err(error)) = wait(self.posting).await {
            tracing::error!(%error, "the mails ended early");
        }
        self.listen.clean_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_behind_a_proxy_on_this_machine_unless_told() {
        let web = |listen: &str, anywhere| {
            Web::new(listen.parse().unwrap(), anywhere, Privacy::default())
        };
        assert!(
            web("127.0.0.1:8080", false).is_ok() && web("unix:/run/maysend/web", false).is_ok()
        );
        let told = web("0.0.0.0:8080", false).unwrap_err().to_string();
        assert!(told.contains("--web-anywhere"), "{told}");
        assert!(web("0.0.0.0:8080", true).is_ok());
    }
}
