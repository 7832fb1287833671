//! The credential file of a server: read at the start, and again on SIGHUP.

use std::path::Path;

use anyhow::Context as _;

use crate::credentials::{self, Credentials};
use crate::engine::clock::Clock as _;
use crate::grpc::Gate;

/// Reads the file, and tells what an operator should know of it.
pub(super) async fn read(path: &Path) -> anyhow::Result<Credentials> {
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || credentials::read(&owned)).await;
    let (credentials, open) = read.context("the credential file was not read")??;
    let file = path.display().to_string();
    if let Some(mode) = open {
        let mode = format!("{mode:04o}");
        tracing::warn!(file, mode, "the credential file is open to others; `chmod 600` it");
    }
    let now = super::SystemClock.now();
    let (good, out): (Vec<_>, Vec<_>) = credentials.iter().partition(|entry| entry.is_live(now));
    let out: Vec<&str> = out.iter().map(|entry| &*entry.name).collect();
    let no_longer = out.join(", ");
    tracing::info!(file, good = good.len(), no_longer, "the credentials are read");
    Ok(credentials)
}

/// Reads the file again; a bad one is told and changes nothing.
pub(super) async fn reload(gate: &Gate, path: &Path) {
    match read(path).await {
        Ok(credentials) => gate.take(credentials),
        Err(error) => {
            let file = path.display().to_string();
            tracing::error!(file, "the credentials are not taken: {error:#}");
        }
    }
}
