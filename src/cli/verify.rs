//! `maysend verify`
use super::{Exit, Global};
use clap::Args;
use std::path::PathBuf;
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[arg(long)]
    data_dir: PathBuf,
}
impl VerifyArgs {
    pub(super) fn run(self, _global: &Global) -> anyhow::Result<Exit> {
        anyhow::bail!("not yet")
    }
}
