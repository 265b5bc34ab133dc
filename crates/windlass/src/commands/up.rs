//! `windlass up`: the whole platform on one machine.

use crate::exit::Exit;
use crate::settings::Settings;
use crate::up::{announce, detach, platform};
use std::path::PathBuf;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArguments {
    /// Where the data is [default: $XDG_DATA_HOME/windlass]
    #[arg(long, value_name = "DIR", env = crate::settings::DATA_DIR)]
    data_dir: Option<PathBuf>,
    /// Where portal and API listen, on loopback; port 0 picks a free one [default: 127.0.0.1:7400]
    #[arg(long, value_name = "ADDR:PORT", env = crate::settings::LISTEN)]
    listen: Option<String>,
    /// Do not open the portal in a browser
    #[arg(long)]
    no_browser: bool,
    /// Start it in the background; `windlass down` stops it
    #[arg(long)]
    detach: bool,
    /// How the addresses are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: announce::Form,
    /// What `--detach` starts
    #[arg(long, hide = true)]
    detached: bool,
}

/// Starts it, and in the foreground stays until it is told to stop.
pub(crate) fn run(arguments: &UpArguments) -> anyhow::Result<Exit> {
    let settings = Settings::resolve(arguments.data_dir.as_deref(), arguments.listen.as_deref())?;
    let wants = platform::Wants { browser: !arguments.no_browser, form: arguments.output, detached: arguments.detached };
    if arguments.detach && !crate::up::directory::is_held(&settings.data_dir).unwrap_or_default() {
        let addresses = detach::start(&settings)?;
        announce::print(&addresses, arguments.output)?;
        if wants.browser {
            announce::open_browser(&addresses.portal);
        }
        return Ok(Exit::Success);
    }
    platform::run(&settings, &wants)
}
