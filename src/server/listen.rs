//! Where a server listens, and what it takes to listen there.
//!
//! Without TLS and credentials whoever reaches the server has every role: so it listens where only
//! this host reaches it, on loopback or on a Unix socket.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::meter::Line;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A port of this host.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Whether only this machine reaches it.
    pub(super) const fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let address =
            text.parse().map_err(|_| "is neither `IP:PORT` nor `unix:PATH`".to_owned())?;
        Ok(Self::Tcp(address))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Whether those who connect are known, and nobody else hears or changes what they say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    pub(super) tls: bool,
    pub(super) credentials: bool,
}

/// A bound listener.
pub(super) enum Incoming {
    Tcp(SocketAddr, TcpListener),
    Unix(PathBuf, UnixListener),
}

impl Listen {
    /// Whether a server so guarded may listen here.
    ///
    /// # Errors
    /// It may not; says what it takes.
    pub(super) fn permit(&self, guard: Guard) -> anyhow::Result<()> {
        let address = match self {
            Self::Unix(_) if guard.tls => bail!(
                "TLS is for IP:PORT; the mode of its file guards a Unix socket: leave --tls-cert out"
            ),
            Self::Tcp(address) if !address.ip().is_loopback() => address,
            Self::Unix(_) | Self::Tcp(_) => return Ok(()),
        };
        let missing = match (guard.tls, guard.credentials) {
            (true, true) => return Ok(()),
            (false, false) => "--tls-cert FILE --tls-key FILE --credentials FILE",
            (false, true) => "--tls-cert FILE --tls-key FILE",
            (true, false) => "--credentials FILE",
        };
        bail!(
            "{address} is reached from other hosts, so it takes TLS and credentials: add {missing} \
             (`maysend credential new` makes credentials), or listen on 127.0.0.1:{port} or unix:PATH",
            port = address.port()
        )
    }

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
                // Whoever may connect may have every role: the owner and its group, nobody else.
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
    /// Where clients reach it: `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`.
    pub(super) fn address(&self, guard: Guard) -> String {
        match self {
            Self::Tcp(address, _) if guard.tls => format!("https://{address}"),
            Self::Tcp(address, _) => format!("http://{address}"),
            Self::Unix(path, _) => Listen::Unix(path.clone()).to_string(),
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Line>> {
        match self {
            Self::Tcp(_, listener) => {
                let (line, _) = listener.accept().await?;
                line.set_nodelay(true)?;
                Ok(Box::new(line))
            }
            Self::Unix(_, listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn permits(listen: &str, tls: bool, credentials: bool, missing: Option<&str>) {
        let listen: Listen = listen.parse().unwrap();
        let told = listen.permit(Guard { tls, credentials }).err().map(|error| error.to_string());
        match (told, missing) {
            (None, None) => {}
            (Some(told), Some(missing)) => assert!(told.contains(missing), "{told}"),
            (told, missing) => panic!("{told:?} instead of {missing:?}"),
        }
    }

    #[test]
    fn other_hosts_take_tls_and_credentials() {
        for near in ["127.0.0.1:1", "127.8.9.10:1", "[::1]:1"] {
            for (tls, credentials) in [(false, false), (true, false), (false, true), (true, true)] {
                permits(near, tls, credentials, None);
            }
        }
        for far in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[2001:db8::1]:1", "[::ffff:127.0.0.1]:1"]
        {
            permits(far, true, true, None);
            permits(far, true, false, Some("add --credentials FILE ("));
            permits(far, false, true, Some("add --tls-cert FILE --tls-key FILE ("));
            permits(far, false, false, Some("--tls-key FILE --credentials FILE ("));
        }
        permits("unix:/run/m", false, false, None);
        permits("unix:/run/m", true, true, Some("leave --tls-cert out"));
        assert!("maysend:1".parse::<Listen>().is_err());
    }
}
