//! Where the platform's own log goes: all of it to `DIR/windlass.log`, what matters to standard error.
//!
//! `WINDLASS_LOG` sets the filter (as `RUST_LOG` does elsewhere). Secrets never get here: no value of a spec is logged.

use fs_err::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// A log file of this size becomes `windlass.log.1`, and a new one is begun.
const LARGEST: u64 = 16 << 20;

/// Starts logging; `quiet` leaves standard error alone.
///
/// # Errors
/// The file cannot be opened, or `WINDLASS_LOG` is not understood.
pub(crate) fn start(directory: &Path, quiet: bool) -> anyhow::Result<()> {
    let file = Rotating::open(directory.join("windlass.log"))?;
    let to_file = fmt::layer().with_ansi(false).with_target(false).with_writer(Mutex::new(file)).with_filter(filter("info")?);
    let to_terminal = (!quiet)
        .then(|| {
            let colour = crate::terminal::has_colour(crate::terminal::Stream::Error);
            Ok::<_, anyhow::Error>(fmt::layer().with_ansi(colour).with_target(false).with_writer(io::stderr).with_filter(filter("warn")?))
        })
        .transpose()?;
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(to_file).with(to_terminal))?;
    Ok(())
}

fn filter(default: &str) -> anyhow::Result<EnvFilter> {
    let builder = EnvFilter::builder().with_default_directive(default.parse::<LevelFilter>()?.into());
    match std::env::var("WINDLASS_LOG") {
        Ok(asked) if !asked.is_empty() => Ok(builder.parse(asked)?),
        Ok(_) | Err(_) => Ok(builder.parse("")?),
    }
}

struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Rotating {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size })
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size >= LARGEST {
            fs_err::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(self.path.clone())?;
        }
        let written = self.file.write(bytes)?;
        self.size += u64::try_from(written).unwrap_or_default();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_put_aside() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("windlass.log");
        let mut log = Rotating::open(path.clone()).expect("opened");
        log.size = LARGEST;
        log.write_all(b"new").expect("written");
        assert!(directory.path().join("windlass.log.1").exists());
        assert_eq!(fs_err::read(&path).expect("read"), b"new");
    }
}
