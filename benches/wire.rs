//! What does an address cost on the wire: read and walked in place, against prost?

#![expect(clippy::unwrap_used, reason = "a bench that cannot read its own message has to stop")]

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use maysend::grpc::api::{CheckRequest, CheckResponse, VerdictCount};
use maysend::grpc::codec::{AskBuffer, CheckAnswer, CheckAsk, WireMessage};
use prost::Message;

const ADDRESSES: u64 = 10_000;

/// Addresses of 30 octets.
fn request() -> CheckRequest {
    CheckRequest {
        brand: "festival".to_owned(),
        campaign: "2026-11-advent".to_owned(),
        addresses: (0..ADDRESSES).map(|i| format!("user.{i:013}@example.com")).collect(),
        at_least_revision: 0,
    }
}

fn read(c: &mut Criterion) {
    let message = Bytes::from(request().encode_to_vec());
    let mut group = c.benchmark_group("read/10k-x-30B");
    group.throughput(Throughput::Elements(ADDRESSES));
    group.bench_function("in-place", |b| {
        b.iter(|| {
            let ask = CheckAsk::read(message.clone()).unwrap();
            ask.addresses().map(|a| usize::from(black_box(a).first() == Some(&b'u'))).sum::<usize>()
        });
    });
    group.bench_function("prost", |b| {
        b.iter(|| {
            let request = CheckRequest::decode(message.clone()).unwrap();
            let octets = request.addresses.iter().map(String::as_bytes);
            octets.map(|a| usize::from(black_box(a).first() == Some(&b'u'))).sum::<usize>()
        });
    });
    group.finish();
}

fn write(c: &mut Criterion) {
    let request = request();
    let mut group = c.benchmark_group("write/10k-x-30B");
    group.throughput(Throughput::Elements(ADDRESSES));
    group.bench_function("buffer", |b| {
        let mut buffer = AskBuffer::new(&request.brand, &request.campaign, 0);
        b.iter(|| {
            for address in &request.addresses {
                buffer.push(address.as_bytes());
            }
            black_box(buffer.take())
        });
    });
    group.bench_function("prost", |b| {
        // What a client of prost pays to have the strings is left out.
        b.iter_batched(
            || BytesMut::with_capacity(512 * 1024),
            |mut buffer| request.encode(&mut buffer).map(|()| buffer),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn answer(c: &mut Criterion) {
    let verdicts: Vec<u8> =
        [64, 64, 64, 64, 64, 64, 64, 10, 3, 2].into_iter().cycle().take(10_000).collect();
    let mut group = c.benchmark_group("answer/10k-verdicts");
    group.throughput(Throughput::Elements(ADDRESSES));
    group.bench_function("octets", |b| {
        b.iter_batched(
            || (verdicts.clone(), BytesMut::with_capacity(16 * 1024)),
            |(verdicts, mut buffer)| {
                CheckAnswer::counted(verdicts, 1).write(&mut buffer);
                buffer
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("prost", |b| {
        let counts = [(2, 1_000), (3, 1_000), (10, 1_000), (64, 7_000)];
        let counts = counts.map(|(verdict, addresses)| VerdictCount { verdict, addresses });
        let response = CheckResponse {
            verdicts: verdicts.iter().map(|&code| code.into()).collect(),
            revision: 1,
            allowed: 7_000,
            counts: counts.to_vec(),
        };
        // What it costs to count is left out.
        b.iter_batched(
            || BytesMut::with_capacity(16 * 1024),
            |mut buffer| response.encode(&mut buffer).map(|()| buffer),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, read, write, answer);
criterion_main!(benches);
