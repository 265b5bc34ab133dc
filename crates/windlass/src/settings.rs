//! Settings of the platform on this machine, resolved once: flag, then environment, then `DIR/settings.yaml`, then default.
//!
//! `KUBECONFIG` and what a client uses are resolved in `connection.rs`.

use crate::exit::{Exit, failed};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Environment variable: where the platform keeps its data.
pub(crate) const DATA_DIR: &str = "WINDLASS_DATA_DIR";
/// Environment variable: address and port of portal and API.
pub(crate) const LISTEN: &str = "WINDLASS_LISTEN";
/// Where portal and API listen unless something else is said.
const DEFAULT_LISTEN: &str = "127.0.0.1:7400";

/// What may stand in `DIR/settings.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
}

/// See the module head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the data is; absolute.
    pub(crate) data_dir: PathBuf,
    /// Where portal and API listen.
    pub(crate) listen: SocketAddr,
    /// Whether somebody asked for that address, rather than none.
    pub(crate) listen_is_asked: bool,
}

impl Settings {
    /// Resolves them. clap has read the environment already, so a flag here is a flag or the environment.
    pub(crate) fn resolve(data_dir: Option<&Path>, listen: Option<&str>) -> anyhow::Result<Self> {
        let data_dir = directory(data_dir)?;
        let path = data_dir.join("settings.yaml");
        let file = read(&path)?;
        let of_file = |text: &str| address(text).map_err(|error| error.context(format!("`listen` in `{}` cannot be used", path.display())));
        let asked = match (listen, file.listen.as_deref()) {
            (Some(flag), _) => Some(address(flag)?),
            (None, Some(text)) => Some(of_file(text)?),
            (None, None) => None,
        };
        let listen_is_asked = asked.is_some();
        let listen = asked.map_or_else(|| address(DEFAULT_LISTEN), Ok)?;
        Ok(Self { data_dir, listen, listen_is_asked })
    }
}

/// The data directory: what was asked for, else `$XDG_DATA_HOME/windlass`, else `~/.local/share/windlass`. Absolute.
pub(crate) fn directory(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let directory = match asked {
        Some(asked) => asked.to_owned(),
        None => default_directory()?,
    };
    Ok(std::path::absolute(&directory)?)
}

fn default_directory() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(data) = variable("XDG_DATA_HOME").filter(|path| path.is_absolute()) {
        return Ok(data.join("windlass"));
    }
    let home = variable("HOME").ok_or_else(|| {
        failed(
            Exit::Usage,
            format!(
                "neither `HOME` nor `XDG_DATA_HOME` is set, so there is no place for data\n  hint: say one with --data-dir or {DATA_DIR}"
            ),
        )
    })?;
    Ok(home.join(".local/share/windlass"))
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => {
            let hint =
                "the data directory has to be a directory that this user may read; say another one with --data-dir or WINDLASS_DATA_DIR";
            let what = format!("the settings `{}` cannot be read\n  hint: {hint}", path.display());
            return Err(anyhow::Error::new(error).context(what));
        }
    };
    serde_saphyr::from_str(&text).map_err(|error| {
        let error = error.to_string();
        let why = error.lines().next().unwrap_or_default().trim_start_matches("error: ");
        failed(Exit::Usage, format!("`{}` is not understood: {why}\n  hint: it may hold `listen: 127.0.0.1:7400`", path.display()))
    })
}

/// An address of this machine's loopback. Others are refused: whoever reaches the portal could do all that its owner can.
fn address(text: &str) -> anyhow::Result<SocketAddr> {
    let spelled = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    let address: SocketAddr = spelled.parse().map_err(|_| {
        failed(Exit::Usage, format!("`{text}` is no address with port\n  hint: write it as `127.0.0.1:7400`; port 0 picks a free one"))
    })?;
    if !address.ip().is_loopback() {
        return Err(failed(
            Exit::Usage,
            format!(
                "`{text}` is not a loopback address, and this release listens on loopback only\n  \
                 hint: use `127.0.0.1:{}`, and reach it from elsewhere through `ssh -L {}:127.0.0.1:{} THIS-MACHINE`",
                address.port(),
                address.port(),
                address.port()
            ),
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_taken() {
        assert_eq!(address("localhost:0").expect("loopback").to_string(), "127.0.0.1:0");
        assert_eq!(address("[::1]:7400").expect("loopback").to_string(), "[::1]:7400");
        for refused in ["0.0.0.0:7400", "192.0.2.1:7400", "7400", "example.com:80"] {
            let error = address(refused).expect_err(refused).to_string();
            assert!(error.contains(refused) && error.contains("hint: "), "{error}");
        }
    }

    #[test]
    fn the_file_counts_less_than_a_flag_and_more_than_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        fs_err::write(directory.path().join("settings.yaml"), "listen: 127.0.0.1:7500\n").expect("written");
        let listen = |flag| Settings::resolve(Some(directory.path()), flag).expect("resolved").listen.port();
        assert_eq!((listen(None), listen(Some("127.0.0.1:7600"))), (7500, 7600));
        fs_err::write(directory.path().join("settings.yaml"), "listen: 7500\n").expect("written");
        let error = crate::exit::text(&Settings::resolve(Some(directory.path()), None).expect_err("no address"));
        assert!(error.contains("settings.yaml` cannot be used: `7500` is no address"), "{error}");
        let file = directory.path().join("file");
        fs_err::write(&file, "").expect("written");
        let error = crate::exit::text(&Settings::resolve(Some(&file), None).expect_err("no directory"));
        assert!(error.ends_with("--data-dir or WINDLASS_DATA_DIR") && error.contains("Not a directory"), "{error}");
        fs_err::write(directory.path().join("settings.yaml"), "lisen: x\n").expect("written");
        let error = Settings::resolve(Some(directory.path()), None).expect_err("a typo").to_string();
        assert!(error.contains("lisen"), "{error}");
    }
}
