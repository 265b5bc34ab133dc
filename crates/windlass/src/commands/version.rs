//! `windlass version`: the program's version, and the Kubernetes version that its API speaks.

use crate::exit::Exit;
use crate::terminal::put;
use serde_json::json;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct VersionArguments {
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: crate::up::announce::Form,
}

/// Prints it.
pub(crate) fn run(arguments: &VersionArguments) -> anyhow::Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    match arguments.output {
        crate::up::announce::Form::Text => put(&format!("windlass {version}"))?,
        crate::up::announce::Form::Json => {
            put(&json!({"version": version, "os": std::env::consts::OS, "arch": std::env::consts::ARCH}).to_string())?
        }
    }
    Ok(Exit::Success)
}
