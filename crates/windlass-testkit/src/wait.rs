//! Waiting for a condition: bounded, and with the last state in the message when it does not come about.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks until `look` gives `Ok`; what it gave last stands in the message otherwise.
///
/// # Panics
/// The condition did not come about within `patience`.
pub async fn until<T, E: Debug, F: Future<Output = Result<T, E>>>(what: &str, patience: Duration, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(last) if Instant::now() >= deadline => panic!("{what} did not come about within {patience:?}; last: {last:?}"),
            Err(_) => sleep(PAUSE).await,
        }
    }
}
