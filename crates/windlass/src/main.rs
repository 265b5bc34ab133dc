//! The `windlass` binary: reads the command line, resolves settings, runs one command, and turns its result into an exit code.
//!
//! No rule of the platform lives here. Start with [`arguments`], then `commands/` (one file a command) and `up/` (the whole
//! platform on one machine, one file for each subsystem's start).

mod arguments;
mod commands;
mod connection;
mod examples;
mod exit;
mod kubectl;
mod settings;
mod terminal;
mod text;
mod up;

use std::process::ExitCode;

/// Gives back what a burst of work leaves free, within a second and without being asked: reading a thousand objects at the
/// start, or one large list, must not stay the size of an idle platform. Its settings are in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    if let Some(arguments) = commands::shim::asked(std::env::args_os()) {
        return windlass_drivers::local::shim::run(&arguments);
    }
    let arguments = match arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    match commands::run(arguments) {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error),
    }
}
