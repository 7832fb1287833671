//! Who makes room in a full house, over real connections.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::*;

const BOUNDS: Bounds =
    Bounds { connections: 3, head: Duration::from_secs(60), age: Duration::from_secs(60) };

const PAGE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const HALF_A_FORM: &[u8] = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf";

/// A listener with three places; each request is told when its head is there, and answered when its
/// body is.
struct House {
    address: SocketAddr,
    heads: mpsc::UnboundedReceiver<()>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl House {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (head, heads) = mpsc::unbounded_channel();
        let service = move |_| {
            let head = head.clone();
            service_fn(move |request: Request<Sent>| {
                head.send(()).unwrap();
                async {
                    drop(request.into_body().collect().await);
                    Ok(Response::new(Full::new(Bytes::from("told"))))
                }
            })
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let incoming = Incoming::Tcp(address, listener);
        #[expect(clippy::disallowed_methods, reason = "joined by the test")]
        let task = tokio::spawn(serve(incoming, BOUNDS, service, stopped));
        Self { address, heads, stop, task }
    }

    async fn enter(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Says something whose head is a request's, and waits until it is there.
    async fn say(&mut self, line: &mut TcpStream, octets: &[u8]) {
        line.write_all(octets).await.unwrap();
        soon(self.heads.recv()).await.unwrap();
    }

    async fn ask(&mut self, line: &mut TcpStream) {
        self.say(line, PAGE).await;
        answered(line).await;
    }
}

/// What does not happen soon does not happen.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap()
}

async fn answered(line: &mut TcpStream) {
    let mut answer = [0; 1000];
    let octets = soon(line.read(&mut answer)).await.unwrap();
    assert!(answer[..octets].ends_with(b"told"), "{}", String::from_utf8_lossy(&answer));
}

async fn is_closed(line: &mut TcpStream) {
    // With or without what it sent having been read.
    let read = soon(line.read(&mut [0])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn in_a_full_house_the_one_whose_request_is_oldest_makes_room() {
    let mut house = House::open().await;
    let mut polite = house.enter().await;
    house.ask(&mut polite).await;
    let mut slow = house.enter().await;
    house.say(&mut slow, HALF_A_FORM).await;
    let mut third = house.enter().await;
    house.ask(&mut third).await;
    house.ask(&mut polite).await;

    let mut fourth = house.enter().await;
    house.ask(&mut fourth).await;
    is_closed(&mut slow).await;
    let mut fifth = house.enter().await;
    house.ask(&mut fifth).await;
    is_closed(&mut third).await;
    for line in [&mut polite, &mut fourth, &mut fifth] {
        house.ask(line).await;
    }
    drop(polite);

    // At the end what is under way is answered.
    house.say(&mut fifth, HALF_A_FORM).await;
    house.stop.send(()).unwrap();
    is_closed(&mut fourth).await;
    fifth.write_all(b" more").await.unwrap();
    answered(&mut fifth).await;
    soon(house.task).await.unwrap();
}

#[tokio::test]
async fn who_says_nothing_keeps_nobody_out() {
    let mut house = House::open().await;
    let mut mute = Vec::new();
    for _ in 0..10 * BOUNDS.connections {
        mute.push(house.enter().await);
    }
    let mut owner = house.enter().await;
    house.ask(&mut owner).await;
    for line in &mut mute[..9 * BOUNDS.connections] {
        is_closed(line).await;
    }
    drop(mute);
    house.stop.send(()).unwrap();
    soon(house.task).await.unwrap();
}
