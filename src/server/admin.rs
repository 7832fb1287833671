//! The admin port: `/livez`, `/readyz` and `/metrics`, for machines that look after the server.
//!
//! Plain HTTP/1.1, GET and HEAD alone; nothing here changes anything, and no page holds an address.
//! It has no credentials, so it listens on loopback or a Unix socket unless it is told to go
//! further. It answers from before the data are read until after the last checkpoint is written.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming as Body;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::task::JoinHandle;

use super::listen::{Guard, Listen};
use super::plain::{self, Bounds};
use super::pulse::{Health, Pulse};
use crate::metrics::{self, Sources};

/// For a scraper or two, probes, an operator. Scrapers and probes come again.
const BOUNDS: Bounds =
    Bounds { connections: 32, head: Duration::from_secs(10), age: Duration::from_secs(10 * 60) };

const TEXT: &str = "text/plain; charset=utf-8";

/// Where the admin port listens.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The address.
    pub listen: Listen,
}

impl Admin {
    /// An address `IP:PORT` or `unix:PATH`.
    ///
    /// # Errors
    /// It is none, or reaches beyond this machine although nobody asked for it (`anywhere`).
    pub fn new(text: &str, anywhere: bool) -> anyhow::Result<Self> {
        let listen = match text.parse() {
            Ok(address) => Listen::Tcp(address),
            Err(_) if text.starts_with("unix:") => text.parse().map_err(anyhow::Error::msg)?,
            Err(_) => bail!("`--admin {text}` is neither `IP:PORT` nor `unix:PATH`"),
        };
        if let Listen::Tcp(address) = &listen
            && !address.ip().is_loopback()
            && !anywhere
        {
            bail!(
                "`--admin {text}` is not on loopback: the admin port has no credentials; give \
                 `--admin-anywhere` too where only those who may read metrics reach it"
            );
        }
        Ok(Self { listen })
    }

    /// Binds it and answers until the handle is ended.
    pub(super) async fn serve(self, pulse: Arc<Pulse>) -> anyhow::Result<Serving> {
        let incoming = self.listen.bind().await.context("the admin port")?;
        let address = incoming.address(Guard { tls: false, credentials: false });
        tracing::info!(address, "the admin port answers");
        #[expect(clippy::disallowed_methods, reason = "joined by `Serving::end`")]
        let task = tokio::spawn(async move {
            let service = |_| {
                let pulse = pulse.clone();
                service_fn(move |request| answer(request, pulse.clone()))
            };
            plain::serve(incoming, BOUNDS, service, std::future::pending()).await;
        });
        Ok(Serving { task, listen: self.listen })
    }
}

/// An admin port that answers.
#[derive(Debug)]
pub(super) struct Serving {
    task: JoinHandle<()>,
    listen: Listen,
}

impl Serving {
    /// Ends it; no page takes long enough to wait for.
    pub(super) async fn end(self) {
        self.task.abort();
        // That it was ended is what it says.
        drop(self.task.await);
        self.listen.clean_up();
    }
}

async fn answer(
    request: Request<Body>,
    pulse: Arc<Pulse>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refusal = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD alone\n".into());
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(refusal);
    }
    Ok(match request.uri().path() {
        "/livez" => health(pulse.is_live()),
        "/readyz" => health(pulse.is_ready()),
        "/metrics" => scrape(pulse).await,
        "/" => page(StatusCode::OK, TEXT, "/livez\n/readyz\n/metrics\n".into()),
        _ => page(StatusCode::NOT_FOUND, TEXT, "there are /livez, /readyz and /metrics\n".into()),
    })
}

fn health(health: Health) -> Response<Full<Bytes>> {
    match health {
        Ok(said) => page(StatusCode::OK, TEXT, said + "\n"),
        Err(why) => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
    }
}

async fn scrape(pulse: Arc<Pulse>) -> Response<Full<Bytes>> {
    let gather = move || {
        let Pulse { data_dir, calls, pages, .. } = &*pulse;
        let (house, engine) = (pulse.house(), pulse.engine());
        metrics::text(&Sources { data_dir, house, calls, pages, engine })
    };
    match tokio::task::spawn_blocking(gather).await {
        Ok(text) => page(StatusCode::OK, metrics::CONTENT_TYPE, text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be gathered");
            page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "see the log\n".into())
        }
    }
}

fn page(status: StatusCode, of: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut page = Response::new(Full::new(text.into()));
    *page.status_mut() = status;
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(of));
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_on_this_machine_unless_told() {
        for text in ["127.0.0.1:9464", "[::1]:9464", "unix:/run/maysend/admin"] {
            assert!(Admin::new(text, false).is_ok(), "{text}");
        }
        let told = Admin::new("0.0.0.0:9464", false).unwrap_err().to_string();
        assert!(told.contains("--admin-anywhere"), "{told}");
        assert!(Admin::new("0.0.0.0:9464", true).is_ok());
        for text in ["9464", "localhost:9464", ""] {
            assert!(Admin::new(text, true).is_err(), "{text}");
        }
    }
}
