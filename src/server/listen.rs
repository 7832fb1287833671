//! Where a server listens: loopback or a Unix socket, as long as there are no credentials.

use std::fmt;
use std::fs::Permissions;
use std::future::Future;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::{Router, TcpIncoming};

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A port of this host.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let address: SocketAddr =
            text.parse().map_err(|_| "is neither `IP:PORT` nor `unix:PATH`".to_owned())?;
        if address.ip().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err("is not on loopback: without credentials and TLS maysend listens on 127.0.0.1, [::1] \
                 or unix:PATH only"
                .to_owned())
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A bound listener.
pub(super) enum Incoming {
    Tcp(SocketAddr, TcpListener),
    Unix(PathBuf, UnixListener),
}

impl Listen {
    pub(super) async fn bind(&self) -> anyhow::Result<Incoming> {
        match self {
            Self::Tcp(address) => {
                let bound = TcpListener::bind(address).await;
                let listener = bound.with_context(|| format!("cannot listen on {address}"))?;
                Ok(Incoming::Tcp(listener.local_addr()?, listener))
            }
            Self::Unix(path) => {
                // A socket that nobody answers on was left by a crash.
                if UnixStream::connect(path).await.is_err() && is_socket(path) {
                    std::fs::remove_file(path)?;
                }
                let bound = UnixListener::bind(path);
                let listener =
                    bound.with_context(|| format!("cannot listen on unix:{}", path.display()))?;
                // Whoever may connect has every role: the owner and its group, nobody else.
                std::fs::set_permissions(path, Permissions::from_mode(0o660))?;
                Ok(Incoming::Unix(path.clone(), listener))
            }
        }
    }

    /// Removes the socket of a server that has ended.
    pub(super) fn clean_up(&self) {
        if let Self::Unix(path) = self
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, "the socket cannot be removed");
        }
    }
}

fn is_socket(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

impl Incoming {
    /// Where clients reach it.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Tcp(address, _) => Listen::Tcp(*address).to_string(),
            Self::Unix(path, _) => Listen::Unix(path.clone()).to_string(),
        }
    }

    /// Serves until `stopped`.
    pub(super) async fn serve(
        self,
        server: Router,
        stopped: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        match self {
            Self::Tcp(_, listener) => {
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                server.serve_with_incoming_shutdown(incoming, stopped).await
            }
            Self::Unix(_, listener) => {
                let incoming = UnixListenerStream::new(listener);
                server.serve_with_incoming_shutdown(incoming, stopped).await
            }
        }
    }
}
