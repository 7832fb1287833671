//! Any octets as a file to be imported: each row is a fact or has a flaw, and what was found to be
//! without a flaw here is not malformed to the server either.

use prost::Message as _;

use super::row::Defaults;
use super::*;
use crate::catalog::{Brand, Controller, Topic};
use crate::grpc::fuzz as server;

/// Whether the octets behind the first are a file with a fact; the first says what the command was
/// told of it.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Some((how, file)) = octets.split_first() else { return false };
    let input = [None, Some(Input::Csv), Some(Input::Lines), Some(Input::Ndjson)];
    let defaulted = how & 4 != 0;
    let defaults = Defaults {
        scope: scope::parse("brand:festival").ok().filter(|_| defaulted),
        state: Some(State::OptedOut).filter(|_| defaulted),
        ..Defaults::default()
    };
    let mut rows = Rows::new(file);
    let Ok(plan) = Plan::find(&mut rows, input[usize::from(how & 3)], &[]) else { return false };
    let (keep, earlier) = (how & 8 != 0, (how & 16 != 0).then(Earlier::default));
    let reading = reading(defaults);
    let chunks = Chunks { rows, plan, reading, keep, earlier, failure: None };
    let (mut last, mut some) = (0, false);
    for chunk in chunks {
        let Ok(chunk) = chunk else { break };
        for (line, row) in chunk.rows() {
            assert!(line.number > last, "lines out of order");
            assert_eq!(row.is_empty(), !keep);
            last = line.number;
            assert!(line.flaw.is_none_or(|flaw| !flaw.explanation().is_empty()));
        }
        let sound = chunk.lines.iter().filter(|line| line.flaw.is_none()).count();
        assert_eq!(chunk.facts.len(), sound);
        let request = api::ImportFactsRequest::decode(chunk.facts.request(false));
        let request = request.unwrap_or_else(|error| unreachable!("our own request: {error}"));
        assert_eq!(request.facts.len(), sound);
        some |= sound > 0;
        if sound > 0 {
            let accepted = server::import(request, LATEST);
            assert_eq!(accepted, Ok(()), "the server refuses a row without a flaw");
        }
    }
    some
}

/// 2026-01-01.
const LATEST: i64 = 1_767_225_600;

fn reading(defaults: Defaults) -> Reading {
    let catalog = &*server::CATALOG;
    let topics = |brand: &Brand| {
        let topic = |topic: &Topic| api::Topic {
            id: catalog.names.topic(topic.id).to_owned(),
            ..api::Topic::default()
        };
        brand.topics.iter().map(topic).collect()
    };
    let brand = |brand: &Brand| api::Brand {
        id: catalog.names.brand(brand.id).to_owned(),
        topics: topics(brand),
        ..api::Brand::default()
    };
    let controller = |controller: &Controller| api::Controller {
        id: catalog.names.controller(controller.id).to_owned(),
        ..api::Controller::default()
    };
    let known = Known::of(api::GetCatalogResponse {
        controllers: catalog.controllers.iter().map(controller).collect(),
        brands: catalog.brands.iter().map(brand).collect(),
    });
    let latest = Timestamp::from_second(LATEST).unwrap_or_default();
    Reading { defaults, known, file: "list.csv".to_owned(), digest: "00ff".to_owned(), latest }
}
