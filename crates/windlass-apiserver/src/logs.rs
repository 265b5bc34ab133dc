//! Who has the output of objects: the seam behind the subresource `log`. The server keeps no output and knows no kind that has
//! any; the owner of the server says so with a [`LogSource`]. What a request may ask is in `verbs/log.rs`.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::{Caller, Status};

/// Whose output is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// Who asks; may read the subresource.
    pub caller: Caller,
    /// `group/version` of the object.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Plural with the group, as messages name it.
    pub resource: String,
    /// Its namespace; empty where the kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Which part of it.
    pub options: LogOptions,
}

/// Which part of an object's output is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Of this container; absent means all.
    pub container: Option<String>,
    /// Go on with what is written later.
    pub follow: bool,
    /// What was written before the last new start.
    pub previous: bool,
    /// Nothing older.
    pub since: Option<Timestamp>,
    /// So many of the newest lines.
    pub tail_lines: Option<usize>,
    /// Parameters that the server does not know; what they mean is the source's business.
    pub others: BTreeMap<String, String>,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Which of several programs wrote it: what `prefix` shows.
    pub origin: String,
    /// When, RFC 3339: what `timestamps` shows.
    pub time: String,
    /// The text, without its end.
    pub text: String,
}

/// Lines in batches, as they come. Dropping it ends the reading.
pub type LogLines = BoxStream<'static, Vec<LogLine>>;

/// Knows the output of objects.
pub trait LogSource: Send + Sync {
    /// Opens the output of an object that exists. `None` says that this source knows nothing of such objects; a [`Status`]
    /// says why there is nothing to read.
    fn open(&self, request: LogRequest) -> BoxFuture<'static, Result<Option<LogLines>, Status>>;
}
