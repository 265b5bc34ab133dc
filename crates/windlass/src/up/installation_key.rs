//! The installation's key: what Secrets are encrypted with and fingerprints are made from. Lost with it: every Secret.

use super::directory::{DataDirectory, write_private};
use crate::exit::{Exit, failed};
use rand::RngCore as _;

/// Length of the key in bytes.
pub(crate) const LENGTH: usize = 32;

/// Reads the key, or makes one for a new installation.
///
/// # Errors
/// The file cannot be read, or is damaged: making another one would lose every Secret without a word.
pub(crate) fn read(data: &DataDirectory) -> anyhow::Result<[u8; LENGTH]> {
    let path = data.join("key");
    match fs_err::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|bytes: Vec<u8>| {
            failed(
                Exit::Failure,
                format!(
                    "the installation key `{}` has {} bytes where {LENGTH} belong\n  hint: put it back from a backup; without it the stored Secrets cannot be read",
                    path.display(),
                    bytes.len()
                ),
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0_u8; LENGTH];
            rand::rng().fill_bytes(&mut key);
            write_private(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}
