//! maysend itself: the real binary, as a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use maysend::cli::bench::Server;
use maysend::cli::bench::drive::now;
use maysend::cli::bench::facts;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::process::{Process, free_port};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_maysend");

/// A start from the ledger alone may take long, and so may a drain with its checkpoint.
const PATIENCE: Duration = Duration::from_secs(900);

/// One data directory and its server.
pub(crate) struct Sidecar {
    pub(crate) process: Process,
    pub(crate) server: Server,
    /// From its start to SERVING.
    pub(crate) started_in: Duration,
    place: PathBuf,
}

impl Sidecar {
    /// Starts it over a directory, which it makes, and waits until it is SERVING. A checkpoint is
    /// written after so many records, where that is said.
    pub(crate) async fn start(place: &Path, checkpoint: Option<u64>) -> anyhow::Result<Self> {
        fs::create_dir_all(place)?;
        let catalog = place.join("catalog.toml");
        fs::write(&catalog, facts::catalog())?;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let log = File::options().create(true).append(true).open(place.join("log"))?;
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", &listen, "--data-dir"]).arg(place.join("data"));
        command.arg("--catalog").arg(catalog);
        if let Some(records) = checkpoint {
            command.args(["--checkpoint-records", &records.to_string()]);
        }
        let url = format!("http://{listen}");
        let start = now();
        let mut process = Process::start(command.stdout(log.try_clone()?).stderr(log))?;
        while !serves(&url).await {
            if !process.runs()? {
                bail!("maysend ended: {}", fs::read_to_string(place.join("log"))?);
            }
            ensure!(start.elapsed() < PATIENCE, "maysend does not get ready");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let started_in = start.elapsed();
        Ok(Self { process, server: Server::Http(url), started_in, place: place.to_owned() })
    }

    /// Ends it as an operator does: it drains, and writes a checkpoint.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.process.end("-TERM", PATIENCE)
    }

    /// Ends it and starts it again over the same directory.
    pub(crate) async fn again(self, checkpoint: Option<u64>) -> anyhow::Result<Self> {
        let place = self.place.clone();
        self.stop()?;
        Self::start(&place, checkpoint).await
    }

    /// Ends it and starts it without its checkpoints, from the ledger alone.
    pub(crate) async fn without_checkpoints(self) -> anyhow::Result<Self> {
        let place = self.place.clone();
        self.stop()?;
        remove_checkpoints(&place.join("data"))?;
        Self::start(&place, None).await
    }

    /// How many checkpoints it has written.
    pub(crate) fn checkpoints(&self) -> anyhow::Result<usize> {
        let log = fs::read_to_string(self.place.join("log"))?;
        Ok(log.matches("checkpoint written").count())
    }

    /// A client's command for it.
    pub(crate) fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--server").arg(self.server.to_string()).args(words);
        command
    }
}

async fn serves(url: &str) -> bool {
    let Ok(endpoint) = url.parse::<Endpoint>() else { return false };
    let Ok(channel) = endpoint.connect().await else { return false };
    let service = HealthCheckRequest { service: "maysend.v1.DecisionService".to_owned() };
    let answer = HealthClient::new(channel).check(service).await;
    answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
}

fn remove_checkpoints(data: &Path) -> anyhow::Result<()> {
    let mut removed = 0;
    for place in [data.to_owned(), data.join("checkpoints"), data.join("checkpoint")] {
        for entry in fs::read_dir(&place).into_iter().flatten() {
            let entry = entry?;
            let name = entry.file_name();
            let is_one = name.to_string_lossy().starts_with("checkpoint-");
            if is_one && entry.path().is_dir() {
                fs::remove_dir_all(entry.path()).context("a checkpoint stays")?;
                removed += 1;
            }
        }
    }
    ensure!(removed > 0, "there was no checkpoint in {}", data.display());
    Ok(())
}
