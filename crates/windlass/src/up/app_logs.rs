//! The output of programs on this machine, as the portal wants it: the newest lines first read, then what is added.

use futures::stream::{self, BoxStream, StreamExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_drivers::local::{LocalTarget, LogLine as Written};
use windlass_portal::LogSource;
use windlass_portal::logs::{LogError, LogLine, LogQuery};

/// See the module head.
pub(crate) struct AppLogs(pub(crate) Arc<LocalTarget>);

impl LogSource for AppLogs {
    fn lines(&self, query: LogQuery) -> BoxStream<'static, Result<LogLine, LogError>> {
        let target = self.0.clone();
        stream::once(read(target, query)).flatten().boxed()
    }
}

/// What is there is read to its end once, so that following can begin exactly behind it.
async fn read(target: Arc<LocalTarget>, query: LogQuery) -> BoxStream<'static, Result<LogLine, LogError>> {
    let replica = query.part.as_deref().and_then(replica_of);
    let uid = query.instance.uid.clone();
    let mut past: Vec<Written> = target.logs(&uid, &query.node, replica, false).collect().await;
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for line in &past {
        *counts.entry(line.replica).or_default() += 1;
    }
    if past.is_empty() && !query.follow {
        let what = query.part.unwrap_or(query.node);
        return stream::once(async { Err(LogError::Absent { what }) }).boxed();
    }
    past.sort_by(|a, b| a.time.cmp(&b.time));
    let surplus = past.len().saturating_sub(query.tail);
    let past = stream::iter(past.into_iter().skip(surplus));
    let node = query.node;
    let named = node.clone();
    let lines: BoxStream<'static, Written> = if query.follow {
        let added = counts.into_iter().map(move |(replica, count)| target.logs(&uid, &node, Some(replica), true).skip(count));
        past.chain(stream::select_all(added)).boxed()
    } else {
        past.boxed()
    };
    lines.map(move |line| Ok(shown(&named, line))).boxed()
}

fn shown(node: &str, line: Written) -> LogLine {
    LogLine { at: line.time.parse().ok(), part: format!("{node}/replica-{}", line.replica), text: line.text }
}

/// `app/replica-3` is replica 3.
fn replica_of(part: &str) -> Option<u32> {
    part.rsplit_once("replica-")?.1.parse().ok()
}
