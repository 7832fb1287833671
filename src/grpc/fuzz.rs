//! What the server says of a request that somebody else made, for the targets of the clients.

use std::sync::LazyLock;

use super::{api, decode};
use crate::catalog::{Catalog, Names, parse};
use crate::engine::validate;
use crate::model::address::Address;
use crate::model::command::Command;
use crate::model::day::Timestamp;

/// The catalog of the examples.
pub(crate) static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let text = include_str!("../../examples/catalog.toml");
    let catalog = parse::parse("catalog.toml", text, &Names::default());
    catalog.unwrap_or_else(|errors| unreachable!("{errors}"))
});

/// Whether an import at this second, of Unix time, is well-formed to the server.
pub(crate) fn import(request: api::ImportFactsRequest, now: i64) -> Result<(), String> {
    let import = decode::import_facts(request, &CATALOG).map_err(|refusal| refusal.to_string())?;
    let now = Timestamp::from_nanos(now.saturating_mul(1_000_000_000));
    for row in import.rows {
        let address = Address::parse(&row.address).ok();
        let (fact, reason, evidence) = (row.fact, row.reason, row.evidence);
        let command = Command::Import { fact, reason, evidence };
        validate::command(&command, now)
            .and_then(|()| validate::notice_is_impersonal(&command, address.as_ref().as_slice()))
            .map_err(|invalid| invalid.to_string())?;
    }
    Ok(())
}
