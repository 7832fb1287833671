//! The server's certificate, read again whenever its files change.
//!
//! A connection keeps the certificate that it began with; the next one sees the new one. A pair that
//! cannot be used is told and changes nothing, so that a half-written renewal stops nobody.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use parking_lot::{Mutex, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::grpc::peer::PeerNames;
use crate::model::day::Timestamp;

/// What HTTP/2 is called in a handshake.
pub(super) const H2: &[u8] = b"h2";

/// A certificate is near its end within two weeks, or in the last quarter of a shorter life.
const NEAR: i64 = 14 * 86_400;

/// Where certificate and key lie, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that lead to a root.
    pub cert: PathBuf,
    /// Its key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// Who issues the certificates of clients; none: clients need none.
    pub client_ca: Option<PathBuf>,
}

/// What the server shows to new connections.
#[derive(Debug)]
pub(super) struct Tls {
    files: TlsFiles,
    /// Guards which one is current; held only to clone or replace it.
    current: RwLock<Shown>,
    /// The files as they were when they were read last.
    seen: Mutex<Seen>,
    /// The certificate whose age was told last, and the day.
    told: Mutex<Option<(Life, i64)>>,
}

#[derive(Debug)]
struct Shown {
    config: Arc<ServerConfig>,
    life: Life,
}

/// From when until when a certificate is good, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    begins: i64,
    ends: i64,
}

/// Device, inode, length and time of each file.
type Seen = Vec<Option<(u64, u64, u64, i64, i64)>>;

/// What is to be said of a certificate's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It is good for long enough.
    Good,
    /// So many whole days are left.
    Ends(i64),
    /// Clients refuse it.
    Ended,
    /// Clients refuse it still.
    NotYet,
}

/// Reads the files again, and says what came of it.
pub(super) async fn reload(tls: &Arc<Tls>) {
    let (taking, file) = (tls.clone(), tls.file());
    match tokio::task::spawn_blocking(move || taking.reload()).await {
        Ok(Ok(())) => tracing::info!(%file, "the certificate is read"),
        Ok(Err(error)) => {
            tracing::error!(%file, "the certificate is not taken, the one before stays: {error:#}");
        }
        Err(error) => tracing::error!(%error, "the certificate is not read"),
    }
}

/// Reads the files again if they have changed, and warns once a day where the end is near.
pub(super) async fn keep(tls: &Arc<Tls>, now: Timestamp) {
    if tls.has_changed() {
        reload(tls).await;
    }
    if let Some(age) = tls.news(seconds(now)) {
        let file = tls.file();
        match age {
            Age::Good => {}
            Age::Ends(days) => tracing::warn!(%file, days, "the certificate ends soon: renew it"),
            Age::Ended => tracing::error!(%file, "the certificate has ended: clients refuse it"),
            Age::NotYet => tracing::error!(%file, "the certificate is not good yet, by this clock"),
        }
    }
}

fn seconds(now: Timestamp) -> i64 {
    now.nanos().div_euclid(1_000_000_000)
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or they do not belong together.
    pub(super) fn load(files: TlsFiles) -> anyhow::Result<Self> {
        let seen = Mutex::new(files.look());
        let current = RwLock::new(files.read()?);
        Ok(Self { files, current, seen, told: Mutex::default() })
    }

    /// What a new connection is accepted with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().config.clone().into()
    }

    /// Whether a file has changed since it was read last.
    fn has_changed(&self) -> bool {
        *self.seen.lock() != self.files.look()
    }

    /// Reads the files again. Where they are of no use, all stays as it is.
    ///
    /// # Errors
    /// As `load`.
    fn reload(&self) -> anyhow::Result<()> {
        *self.seen.lock() = self.files.look();
        *self.current.write() = self.files.read()?;
        Ok(())
    }

    /// The certificate's age, where it was not told today.
    fn news(&self, now: i64) -> Option<Age> {
        let life = self.current.read().life;
        let news = Some((life, now.div_euclid(86_400)));
        let mut told = self.told.lock();
        (std::mem::replace(&mut *told, news) != news).then(|| life.age(now))
    }

    /// For the log.
    fn file(&self) -> std::path::Display<'_> {
        self.files.cert.display()
    }
}

impl TlsFiles {
    /// Reads the files as a server does, and tells the age of its certificate.
    ///
    /// # Errors
    /// One cannot be read, or they do not belong together.
    pub fn age(&self, now: Timestamp) -> anyhow::Result<Age> {
        Ok(self.read()?.life.age(seconds(now)))
    }

    fn look(&self) -> Seen {
        let stamp =
            |data: Metadata| (data.dev(), data.ino(), data.len(), data.mtime(), data.mtime_nsec());
        let files = [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()];
        files.into_iter().flatten().map(|path| path.metadata().ok().map(stamp)).collect()
    }

    fn read(&self) -> anyhow::Result<Shown> {
        let Self { cert, key, client_ca } = self;
        let chain = certificates(cert)?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unread(key, &error))?;
        let leaf = chain.first().context("no certificate")?;
        let life = life_of(leaf).with_context(|| told(cert))?;
        let provider = Arc::new(ring::default_provider());
        let begun = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let verified = match client_ca {
            None => begun.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(ca)? {
                    roots.add(root).with_context(|| told(ca))?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                begun.with_client_cert_verifier(verifier.build().with_context(|| told(ca))?)
            }
        };
        let mut config = verified.with_single_cert(chain, secret).with_context(|| {
            format!("`{}` and `{}` do not belong together", cert.display(), key.display())
        })?;
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Shown { config: Arc::new(config), life })
    }
}

impl Life {
    fn age(self, now: i64) -> Age {
        let Self { begins, ends } = self;
        let left = ends.saturating_sub(now);
        if now < begins {
            Age::NotYet
        } else if left <= 0 {
            Age::Ended
        } else if left < NEAR.min(ends.saturating_sub(begins) / 4) {
            Age::Ends(left / 86_400)
        } else {
            Age::Good
        }
    }
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| unread(path, &error))?;
    if found.is_empty() {
        bail!("`{}` holds no certificate in PEM", path.display());
    }
    Ok(found)
}

fn told(path: &Path) -> String {
    format!("`{}` cannot be used", path.display())
}

fn unread(path: &Path, error: &pem::Error) -> anyhow::Error {
    match error {
        pem::Error::NoItemsFound => {
            anyhow::anyhow!("`{}` holds no key in PEM that is not encrypted", path.display())
        }
        error => anyhow::anyhow!("cannot read `{}`: {error}", path.display()),
    }
}

fn life_of(leaf: &CertificateDer<'_>) -> anyhow::Result<Life> {
    let parsed = Certificate::from_der(leaf)?;
    let validity = parsed.tbs_certificate.validity;
    let at = |time: x509_cert::time::Time| {
        i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
    };
    Ok(Life { begins: at(validity.not_before), ends: at(validity.not_after) })
}

/// The names of a client certificate that the handshake has verified.
///
/// # Errors
/// It cannot be read.
pub(super) fn names_of(leaf: &CertificateDer<'_>) -> anyhow::Result<PeerNames> {
    let parsed = Certificate::from_der(leaf)?;
    let mut names = Vec::new();
    for extension in parsed.tbs_certificate.filter::<SubjectAltName>() {
        let (_, SubjectAltName(alternatives)) = extension?;
        for name in alternatives {
            match name {
                GeneralName::DnsName(name) => names.push(format!("dns:{name}")),
                GeneralName::UniformResourceIdentifier(name) => names.push(format!("uri:{name}")),
                GeneralName::Rfc822Name(name) => names.push(format!("email:{name}")),
                _ => {}
            }
        }
    }
    Ok(PeerNames(names))
}

#[cfg(test)]
mod tests;
