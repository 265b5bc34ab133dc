//! The output of workloads, as a trait: who keeps it is not the portal's business.

use futures::stream::BoxStream;
use jiff::Timestamp;
use windlass_api::plan::InstanceReference;

/// Which output is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Whose output.
    pub instance: InstanceReference,
    /// Node key, such as `app`.
    pub node: String,
    /// Effect key of one part, such as `app/replica-0`; absent means all parts of the node.
    pub part: Option<String>,
    /// How many of the newest lines come first.
    pub tail: usize,
    /// Whether the stream goes on with new lines, or ends after those that are there.
    pub follow: bool,
}

/// One line of output, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, where that is known.
    pub at: Option<Timestamp>,
    /// Effect key of the part that wrote it.
    pub part: String,
    /// The text; bytes that are no UTF-8 are replaced, control characters are kept (the portal makes them harmless).
    pub text: String,
}

/// Output cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Nothing was written, or it was rotated away.
    #[error("there is no output of `{what}` on this machine")]
    Absent {
        /// Node or part.
        what: String,
    },
    /// It is there and cannot be read.
    #[error("cannot read the output of `{what}`")]
    Unreadable {
        /// Node or part.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where the output of workloads can be read.
pub trait LogSource: Send + Sync {
    /// The newest lines in the order in which they were written, then, if asked, new ones as they come. Dropping the
    /// stream ends the reading. An error ends the stream.
    fn lines(&self, query: LogQuery) -> BoxStream<'static, Result<LogLine, LogError>>;
}
