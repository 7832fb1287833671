//! `maysend demo`
use super::{Exit, Global};
use clap::Args;
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End at once instead of serving on.
    #[arg(long)]
    exit: bool,
}
impl DemoArgs {
    pub(super) async fn run(self, _global: &Global) -> anyhow::Result<Exit> {
        anyhow::bail!("not yet")
    }
}
