use std::sync::Mutex;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::service::Service as _;
use tonic::Code;
use tonic::codegen::BoxFuture;
use tonic::server::NamedService;

use super::*;

/// A service that answers after a while, and says what it was asked with.
#[derive(Debug, Clone)]
struct Slow {
    takes: Duration,
    saw: Arc<Mutex<Vec<Option<PeerNames>>>>,
    done: Arc<Mutex<usize>>,
}

impl NamedService for Slow {
    const NAME: &'static str = "test.Slow";
}

impl tonic::codegen::Service<Request<Body>> for Slow {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { takes, saw, done } = self.clone();
        Box::pin(async move {
            saw.lock().unwrap().push(request.extensions().get().cloned());
            tokio::time::sleep(takes).await;
            *done.lock().unwrap() += 1;
            Ok(Response::new(Body::empty()))
        })
    }
}

fn passage(takes: Duration, calls: usize) -> (Passage, Slow) {
    let slow = Slow { takes, saw: Arc::default(), done: Arc::default() };
    let passage = Passage {
        routes: Routes::new(slow.clone()),
        calls: Arc::new(Calls::new(tokio::sync::watch::channel(false).1).unwrap()),
        share: Arc::new(Share::new(Arc::new(Whole::new(calls, 0)))),
        peer: None,
        largest: 0,
        patience: Duration::from_secs(60),
    };
    (passage, slow)
}

fn request(timeout: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = "/test.Slow/Any".parse().unwrap();
    if let Some(timeout) = timeout {
        request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    request
}

async fn code(response: Response<Outbound>) -> Option<Code> {
    let status = Status::from_header_map(response.headers()).map(|status| status.code());
    response.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn work_stops_at_the_deadline() {
    let (passage, slow) = passage(Duration::from_millis(50), 100);
    let late = passage.call(request(Some("1m"))).await.unwrap();
    assert_eq!(code(late).await, Some(Code::DeadlineExceeded));
    let in_time = passage.call(request(Some("1M"))).await.unwrap();
    assert_eq!(code(in_time).await, None);
    assert_eq!(*slow.done.lock().unwrap(), 1, "the late one was dropped where it waited");
    assert_eq!(passage.share.calls(), 0);
}

#[tokio::test]
async fn who_finds_no_place_is_refused_at_once_and_nothing_is_done() {
    let (passage, slow) = passage(Duration::from_secs(60), 0);
    let mut busy = tokio::task::JoinSet::new();
    (0..4).for_each(|_| drop(busy.spawn(passage.call(request(None)))));
    while slow.saw.lock().unwrap().len() < 4 {
        tokio::task::yield_now().await;
    }
    let refused = passage.call(request(None)).await.unwrap();
    assert_eq!(code(refused).await, Some(Code::ResourceExhausted));
    assert_eq!(slow.saw.lock().unwrap().len(), 4);
    let turned_away = passage.calls.method(None);
    assert_eq!(turned_away.codes[8].get(), 1, "RESOURCE_EXHAUSTED is counted");
    assert_eq!(turned_away.in_flight(), 0);
    busy.shutdown().await;
    assert_eq!(passage.share.calls(), 0);
}

#[tokio::test]
async fn the_names_of_the_peer_come_with_each_call() {
    let (mut passage, slow) = passage(Duration::ZERO, 100);
    drop(passage.call(request(None)).await.unwrap());
    let names = PeerNames(vec!["dns:crm.example".to_owned()]);
    passage.peer = Some(names.clone());
    drop(passage.call(request(None)).await.unwrap());
    assert_eq!(*slow.saw.lock().unwrap(), [None, Some(names)]);
}
