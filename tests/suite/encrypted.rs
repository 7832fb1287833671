//! TLS with real certificates: who is trusted, who is refused and what is said, and how a
//! certificate is renewed while connections live.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use maysend::grpc::api::decision_service_client::DecisionServiceClient;
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Channel, Endpoint};

use crate::doorkeeper::maysend;
use crate::port::{Port, check, refused, text};

/// An issuer, and a folder for what it issues.
struct Office {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
    ca: PathBuf,
}

/// A certificate and its key.
struct Pair {
    cert: PathBuf,
    key: PathBuf,
}

impl Office {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, issuer.pem()).unwrap();
        Self { dir, issuer, ca }
    }

    /// Issues a certificate for `name`, into files called `file`.
    fn issue(&self, file: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let path = |kind: &str| self.dir.path().join(format!("{file}.{kind}"));
        let pair = Pair { cert: path("cert"), key: path("key") };
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        std::fs::write(&pair.cert, cert.pem()).unwrap();
        pair
    }

    fn server(&self) -> Pair {
        self.issue("server", "127.0.0.1", |_| {})
    }

    fn ca(&self) -> [&str; 2] {
        ["--tls-ca", text(&self.ca)]
    }
}

impl Pair {
    fn options(&self) -> [&str; 4] {
        ["--tls-cert", text(&self.cert), "--tls-key", text(&self.key)]
    }

    fn octets(&self) -> Vec<u8> {
        use tokio_rustls::rustls::pki_types::pem::PemObject as _;
        CertificateDer::from_pem_file(&self.cert).unwrap().to_vec()
    }
}

/// The server was asked, and denied what is no address.
#[track_caller]
fn answered(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
}

#[track_caller]
fn fails(output: &Output, advice: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(advice), "{told}");
}

/// A live channel, and the certificate that it saw.
async fn channel(port: &Port, office: &Office) -> (Channel, Vec<u8>) {
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&office.ca).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let line = TcpStream::connect(port.authority()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let line = connector.connect(name, line).await.unwrap();
    let shown = line.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let line = Arc::new(std::sync::Mutex::new(Some(line)));
    let connector = tower::service_fn(move |_| {
        let line = line.lock().unwrap().take();
        async { line.map(hyper_util::rt::TokioIo::new).ok_or(std::io::ErrorKind::NotConnected) }
    });
    let endpoint = Endpoint::from_static("http://127.0.0.1");
    let connector =
        tower::ServiceExt::<tonic::transport::Uri>::map_err(connector, std::io::Error::from);
    (endpoint.connect_with_connector(connector).await.unwrap(), shown)
}

async fn ask(channel: &Channel) -> Vec<u8> {
    let mut ask = AskBuffer::new("festival", "2026-11-advent", 0);
    ask.push(b"nobody");
    DecisionServiceClient::new(channel.clone())
        .check(ask.take())
        .await
        .unwrap()
        .into_inner()
        .verdicts
}

#[tokio::test]
async fn who_trusts_the_issuer_is_answered_and_others_are_told_what_to_do() {
    let (office, stranger) = (Office::new(), Office::new());
    let port = Port::start(&office.server().options()).await;
    answered(&check(&port.address, &office.ca()));
    fails(&check(&port.address, &stranger.ca()), "name the right one with --tls-ca");
    fails(&check(&port.address, &[]), "--tls-ca");
    let plain = format!("http://{}", port.authority());
    fails(&check(&plain, &[]), "whether it wants https");
    let by_name = port.address.replace("127.0.0.1", "localhost");
    fails(&check(&by_name, &office.ca()), "is for another name");
    port.terminate();
}

#[tokio::test]
async fn a_client_without_tls_ahead_is_told() {
    let (office, port) = (Office::new(), Port::start(&[]).await);
    let encrypted = format!("https://{}", port.authority());
    fails(&check(&encrypted, &office.ca()), "speaks no TLS");
}

#[tokio::test]
async fn an_old_certificate_is_told_on_both_sides() {
    let office = Office::new();
    let old =
        office.issue("old", "127.0.0.1", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let mut port = Port::start(&old.options()).await;
    port.logged("the certificate has ended").await;
    fails(&check(&port.address, &office.ca()), "has ended: renew it");
}

#[tokio::test]
async fn a_client_certificate_is_demanded_and_verified() {
    let (office, stranger) = (Office::new(), Office::new());
    let server = office.server();
    let client_ca = ["--tls-client-ca", text(&office.ca)];
    let port = Port::start(&[&server.options()[..], &client_ca].concat()).await;
    fails(&check(&port.address, &office.ca()), "give one with --tls-cert and --tls-key");
    let own = office.issue("client", "crm.example", |_| {});
    answered(&check(&port.address, &[&office.ca()[..], &own.options()].concat()));
    let foreign = stranger.issue("client", "crm.example", |_| {});
    let told = check(&port.address, &[&office.ca()[..], &foreign.options()].concat());
    fails(&told, "--tls-client-ca");
    port.terminate();
}

#[tokio::test]
async fn a_client_certificate_stands_for_the_credential_that_names_it() {
    let office = Office::new();
    let (server, file) = (office.server(), office.dir.path().join("credentials.toml"));
    let credentials = ["--credentials", text(&file)];
    let made = |words: &str| {
        let words = words.split(' ').chain(["--file", text(&file)]);
        let output = maysend(&["credential", "new"]).args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    made("--name crm --role staff --no-key --san dns:crm.example");
    made("--name follower --role system --no-key --san dns:follower.example");
    let key = made("--name desk --role staff");
    let client_ca = ["--tls-client-ca", text(&office.ca)];
    let mut port = Port::start(&[&server.options()[..], &client_ca, &credentials].concat()).await;
    let address = port.address.clone();
    let asked = |name: &str, key: Option<&str>| {
        let own = office.issue(name, name, |_| {});
        let mut ask = maysend(&["--server", &address]);
        ask.args(office.ca()).args(own.options()).envs(key.map(|key| ("MAYSEND_CREDENTIAL", key)));
        ask.args(["check", "--brand", "festival", "--campaign", "2026-11-advent", "nobody"]);
        ask.output().unwrap()
    };
    answered(&asked("crm.example", None));
    fails(&asked("follower.example", None), "may not do this");
    fails(&asked("stranger.example", None), "shows no valid credential");
    answered(&asked("stranger.example", Some(&key)));
    fails(&asked("crm.example", Some(&key)), "shows no valid credential");
    // Taken back, it opens nothing.
    let revoked =
        maysend(&["credential", "revoke", "crm", "--file", text(&file)]).output().unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
    port.hang_up();
    port.logged("the credentials are read").await;
    fails(&asked("crm.example", None), "shows no valid credential");
    port.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_while_connections_live() {
    let office = Office::new();
    let first = office.server();
    let mut port = Port::start(&first.options()).await;
    let (old, shown) = channel(&port, &office).await;
    assert_eq!(shown, first.octets());
    // Half of a renewal: the key of the new pair is not there yet.
    let renewed = office.issue("renewed", "127.0.0.1", |_| {});
    std::fs::copy(&renewed.cert, &first.cert).unwrap();
    port.logged("the certificate is not taken, the one before stays").await;
    let (between, kept) = channel(&port, &office).await;
    assert_eq!(kept, shown);
    // The other half is found without a signal.
    std::fs::copy(&renewed.key, &first.key).unwrap();
    port.logged("the certificate is read").await;
    let (new, now) = channel(&port, &office).await;
    assert_eq!(now, renewed.octets());
    assert_ne!(now, shown);
    for channel in [old, between, new] {
        assert_eq!(ask(&channel).await, [Verdict::InvalidAddress.code()]);
    }
    std::fs::write(&first.cert, "nothing").unwrap();
    port.hang_up();
    port.logged("holds no certificate in PEM").await;
    assert_eq!(channel(&port, &office).await.1, now);
    port.terminate();
}

#[tokio::test]
async fn the_end_of_a_certificate_is_told_before_it_comes() {
    let office = Office::new();
    let mut port = Port::start(&office.server().options()).await;
    port.logged("serving").await;
    assert!(!port.log().contains("ends soon"));
    let today = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(86_400);
    let near = office.issue("near", "127.0.0.1", |params| {
        params.not_before = (today - 100 * day).into();
        params.not_after = (today + 5 * day + day / 2).into();
    });
    let mut port = Port::start(&near.options()).await;
    let line = port.logged("the certificate ends soon: renew it").await;
    assert!(line.contains("days=5"), "{line}");
}

#[test]
fn what_others_reach_takes_tls_and_credentials() {
    let pair = Office::new().server();
    let listen = ["--listen", "0.0.0.0:0"];
    let told = refused(&listen);
    let add = "add --tls-cert FILE --tls-key FILE --credentials FILE";
    assert!(told.contains(add) && told.contains("127.0.0.1:0 or unix:PATH"), "{told}");
    let told = refused(&[&listen[..], &pair.options()].concat());
    assert!(told.contains("add --credentials FILE"), "{told}");
    let told = refused(&pair.options()[..2]);
    assert!(told.contains("--tls-cert comes with --tls-key"), "{told}");
}
