//! `windlass shim`: the supervisor of one slot on this machine. For the platform itself, not for people.

use std::ffi::OsString;

/// Flags, read by the shim itself.
#[derive(Debug, clap::Args)]
pub(crate) struct ShimArguments {
    /// Handed on as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

/// The shim's arguments, where the program is run as one: it starts before anything else, without threads.
pub(crate) fn asked(mut arguments: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    (arguments.nth(1)? == "shim").then(|| arguments.collect())
}
