use std::time::Duration;

use http_body_util::{BodyExt as _, Full, StreamBody};
use tonic::Code;

use super::*;
use crate::grpc::passage::share::{Share, Whole};

fn outbound(octets: usize) -> Outbound {
    Outbound::new(tonic::body::Body::new(Full::new(Bytes::from(vec![7; octets]))), None, None)
}

#[tokio::test]
async fn a_large_answer_goes_in_pieces() {
    for (octets, pieces) in [(0, 0), (1, 1), (PIECE, 1), (PIECE + 1, 2), (5 * PIECE, 5)] {
        let mut body = outbound(octets);
        let mut sizes = Vec::new();
        while let Some(frame) = body.frame().await {
            sizes.push(frame.unwrap().into_data().unwrap().len());
            assert_eq!(body.is_end_stream(), sizes.len() == pieces, "{octets}");
        }
        assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (pieces, octets));
        assert!(sizes.iter().all(|size| *size <= PIECE));
    }
}

#[tokio::test]
async fn at_the_deadline_the_answer_ends_and_says_so() {
    let endless = StreamBody::new(tokio_stream::pending::<Result<Frame<Bytes>, Status>>());
    let at = Box::pin(tokio::time::sleep(Duration::from_millis(5)));
    let mut body = Outbound::new(tonic::body::Body::new(endless), None, Some(at));
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::DeadlineExceeded);
    assert!(body.is_end_stream() && body.frame().await.is_none());
}

#[tokio::test]
async fn the_place_is_held_until_the_answer_is_given() {
    let share = Arc::new(Share::new(Arc::new(Whole::new(8, 0))));
    let place = Arc::new(share.call().unwrap());
    let mut body = outbound(2 * PIECE);
    body._place = Some(place);
    body.frame().await.unwrap().unwrap();
    assert_eq!(share.calls(), 1);
    drop(body);
    assert_eq!(share.calls(), 0);
}
