use std::future::poll_fn;
use std::pin::pin;

use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;
use crate::grpc::passage::share::{Share, Whole};

const LARGEST: usize = 1 << 20;

fn place(octets: usize) -> (Arc<Share>, Arc<Place>) {
    let share = Arc::new(Share::new(Arc::new(Whole::new(100, octets))));
    let place = Arc::new(share.call().unwrap());
    (share, place)
}

fn limits(patience: Duration, may_rest: bool) -> Arrival {
    Arrival { largest: LARGEST, patience, may_rest }
}

fn message(length: usize) -> Vec<u8> {
    let prefix = u32::try_from(length).unwrap().to_be_bytes();
    [&[0][..], &prefix, &vec![7; length]].concat()
}

fn status(error: tonic::codegen::StdError) -> Status {
    *error.downcast().unwrap()
}

/// Reads all of it, in pieces of so many octets.
async fn read(octets: &[u8], piece: usize, place: Arc<Place>) -> Result<usize, Status> {
    let pieces: Vec<_> = octets
        .chunks(piece)
        .map(|piece| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    let body = StreamBody::new(tokio_stream::iter(pieces));
    let inbound = Inbound::new(body, place, limits(Duration::from_secs(60), false));
    let whole = inbound.collect().await.map_err(status)?;
    Ok(whole.to_bytes().len())
}

#[tokio::test]
async fn messages_are_weighed_wherever_they_are_cut() {
    let messages = [message(3), message(0), message(400_000), message(500_000)].concat();
    for piece in [1, 4, 5, 6, 7, 399_999, 400_020, messages.len()] {
        // A quarter of it is free to one: 500,000, and not both together.
        let (_, fits) = place(2_000_000);
        assert_eq!(read(&messages, piece, fits).await.unwrap(), messages.len(), "{piece}");
        let (_, tight) = place(1_999_999);
        let refused = read(&messages, piece, tight).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{piece}");
        assert_eq!(refused.get_details_error_info().unwrap().reason, "NO_ROOM");
        assert!(refused.get_details_retry_info().is_some());
    }
}

#[tokio::test]
async fn small_messages_and_those_too_large_are_not_weighed() {
    let (share, none) = place(0);
    // What is let in always is taken.
    let other = Arc::new(share.call().unwrap());
    assert!(other.bring(256 << 10));
    assert!(read(&message(LIGHT), 1000, none.clone()).await.is_ok());
    assert!(read(&message(LARGEST + 1), 1000, none.clone()).await.is_ok(), "refused elsewhere");
    assert!(read(&message(LIGHT + 1), 1000, none).await.is_err());
}

/// A body that gives `octets` and then nothing more, with its connection open.
fn begun(octets: &[u8]) -> impl Body<Data = Bytes, Error = Status> + Unpin {
    let data = Full::new(Bytes::copy_from_slice(octets));
    let frames = http_body_util::BodyStream::new(data.map_err(|never| match never {}));
    StreamBody::new(frames.chain(tokio_stream::pending()))
}

async fn end_of(octets: &[u8], may_rest: bool) -> Option<Status> {
    let (_, place) = place(LARGEST);
    let limits = limits(Duration::from_millis(20), may_rest);
    let mut inbound = pin!(Inbound::new(begun(octets), place, limits));
    let next = async {
        loop {
            match poll_fn(|context| inbound.as_mut().poll_frame(context)).await.unwrap() {
                Ok(_) => {}
                Err(error) => return status(error),
            }
        }
    };
    tokio::time::timeout(Duration::from_millis(300), next).await.ok()
}

#[tokio::test]
async fn what_has_begun_has_to_come_in_time_and_what_has_not_may_rest() {
    for late in [&message(9)[..3], &message(9)[..5], &message(9)[..13]] {
        let status = end_of(late, true).await.unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.get_details_error_info().unwrap().reason, "MESSAGE_UNFINISHED");
    }
    assert!(end_of(&[], false).await.is_some(), "a single message is due at once");
    assert!(end_of(&[], true).await.is_none());
    assert!(end_of(&message(9), false).await.is_none(), "between messages");
}
