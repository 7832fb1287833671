//! TLS to a server: whom the client trusts, who it is, and what to do where they do not agree.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::io::AsyncBufReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, ClientConfig, RootCertStore};

use crate::server::TlsFiles;

/// How long a server may take to say its first word; one that lets the client begin says none.
const FIRST_WORD: Duration = Duration::from_secs(2);

/// What `https` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct TlsArgs {
    /// Who issued the server's certificate (PEM) [default: whom this system trusts].
    #[arg(long, global = true, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Certificate (PEM), with those that lead to a root: of `serve` and `doctor` the server's
    /// own, else the client's, where the server demands one.
    #[arg(long, global = true, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM, not encrypted).
    #[arg(long, global = true, value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// Certificate and key, where they are given.
    ///
    /// # Errors
    /// One is given without the other.
    fn pair(&self) -> anyhow::Result<Option<(&Path, &Path)>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            (Some(_), None) => bail!("--tls-cert comes with --tls-key"),
            (None, Some(_)) => bail!("--tls-key comes with --tls-cert"),
        }
    }

    /// What a server is given.
    ///
    /// # Errors
    /// One is given without what it comes with.
    pub(in crate::cli) fn files(
        &self,
        client_ca: Option<PathBuf>,
    ) -> anyhow::Result<Option<TlsFiles>> {
        match (self.pair()?, client_ca) {
            (Some((cert, key)), client_ca) => {
                Ok(Some(TlsFiles { cert: cert.to_owned(), key: key.to_owned(), client_ca }))
            }
            (None, None) => Ok(None),
            (None, Some(_)) => bail!("--tls-client-ca comes with --tls-cert and --tls-key"),
        }
    }

    /// How connections to servers begin.
    ///
    /// # Errors
    /// A file cannot be read or is of no use.
    pub(super) fn connector(&self) -> anyhow::Result<TlsConnector> {
        let mut roots = RootCertStore::empty();
        match &self.tls_ca {
            Some(path) => {
                for root in certificates(path)? {
                    let taken = roots.add(root);
                    taken.with_context(|| format!("`{}` cannot be used", path.display()))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            bail!("no issuer of certificates is known here: name one with --tls-ca");
        }
        let begun = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match self.pair()? {
            Some((cert, key)) => {
                let secret = PrivateKeyDer::from_pem_file(key);
                let secret = secret.with_context(|| format!("cannot read `{}`", key.display()))?;
                let taken = begun.with_client_auth_cert(certificates(cert)?, secret);
                taken.with_context(|| {
                    format!("`{}` and `{}` do not belong together", cert.display(), key.display())
                })?
            }
            None => begun.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.with_context(|| format!("cannot read `{}`", path.display()))?;
    if found.is_empty() {
        bail!("`{}` holds no certificate in PEM", path.display());
    }
    Ok(found)
}

/// Connects to `host` and shakes hands.
pub(super) async fn shake(
    connector: TlsConnector,
    host: String,
    port: u16,
) -> io::Result<TlsStream<TcpStream>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let line = TcpStream::connect((bare.as_str(), port)).await?;
    line.set_nodelay(true)?;
    let name = ServerName::try_from(bare).map_err(io::Error::other)?;
    let mut line = connector.connect(name, line).await?;
    // By TLS 1.3 the client is done before the server has seen its certificate: the server's first
    // word tells whether it is let in.
    match timeout(FIRST_WORD, line.fill_buf()).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(line),
    }
}

/// What to do about a handshake that failed; none: something else failed.
pub(super) fn advice(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls.or_else(|| error.downcast_ref()) {
            return Some(advice_of(tls));
        }
        next = error.source();
    }
    None
}

fn advice_of(error: &rustls::Error) -> &'static str {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer | Bad::BadSignature => {
                "another issuer made the server's certificate: name the right one with --tls-ca"
            }
            Bad::Expired | Bad::ExpiredContext { .. } => {
                "the server's certificate has ended: renew it, or set this clock right"
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "the server's certificate is not good yet: set this clock right"
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "the server's certificate is for another name: use that name with --server"
            }
            _ => "the server's certificate is of no use: look at it with `openssl x509 -text`",
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
        ) => "the server demands a certificate: give one with --tls-cert and --tls-key",
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError,
        ) => "the server knows no issuer of this certificate: see its --tls-client-ca",
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => {
            "the client's certificate has ended: renew it"
        }
        rustls::Error::InvalidMessage(_) => {
            "the server speaks no TLS: say http:// or mend the server's --tls-cert"
        }
        _ => "the handshake failed: compare --tls-ca here with --tls-cert of the server",
    }
}
