//! Being built.
use anyhow::Result;
pub(crate) fn run(_shrink: bool) -> Result<()> {
    anyhow::bail!("not yet")
}
