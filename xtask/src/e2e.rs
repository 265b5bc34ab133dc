//! Being built.
use anyhow::Result;
#[derive(clap::Args)]
pub(crate) struct Arguments {}
pub(crate) fn run(_a: &Arguments) -> Result<()> {
    anyhow::bail!("not yet")
}
