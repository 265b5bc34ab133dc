//! A queue of keys: each key is worked on by one worker at a time, a key that comes up again meanwhile is worked on once
//! more afterwards, and a key that failed comes back with exponential back-off.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// First delay after a failure.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// Longest delay after failures.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// When a key is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something changes.
    OnChange,
    /// After this time, or when something changes.
    After(Duration),
    /// With back-off: it failed.
    Failed,
}

struct State<K> {
    ready: VecDeque<K>,
    waiting: BTreeMap<(Instant, u64), K>,
    queued: HashSet<K>,
    working: HashSet<K>,
    again: HashSet<K>,
    failures: HashMap<K, u32>,
    ticket: u64,
}

/// A queue that can be shared.
pub struct Queue<K> {
    state: Arc<Mutex<State<K>>>,
    changed: Arc<Notify>,
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), changed: self.changed.clone() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Default for Queue<K> {
    fn default() -> Self {
        let state = State {
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            queued: HashSet::new(),
            working: HashSet::new(),
            again: HashSet::new(),
            failures: HashMap::new(),
            ticket: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Queue<K> {
    /// Has a key looked at as soon as a worker is free.
    pub fn add(&self, key: K) {
        let mut state = self.lock();
        if state.working.contains(&key) {
            state.again.insert(key);
        } else if state.queued.insert(key.clone()) {
            state.ready.push_back(key);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// How many keys wait or are worked on, those that only wait for their time left out.
    pub fn busy(&self) -> usize {
        let state = self.lock();
        state.ready.len() + state.working.len()
    }

    /// Works on keys until the task is dropped, `workers` at a time.
    pub async fn work<F, R>(self, workers: usize, reconcile: F)
    where
        F: Fn(K) -> R + Clone + Send + 'static,
        R: Future<Output = Next> + Send + 'static,
    {
        let mut running = tokio::task::JoinSet::new();
        loop {
            while running.len() < workers {
                let Some(key) = self.take() else { break };
                let (queue, reconcile) = (self.clone(), reconcile.clone());
                running.spawn(async move {
                    // Dropped also when the reconcile panics, so that no key is lost.
                    let mut done = Finish { queue, key: Some(key.clone()), next: Next::Failed };
                    done.next = reconcile(key).await;
                });
            }
            let due = self.lock().waiting.keys().next().map(|(at, _)| *at);
            let sleep_until_due = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until_due => {}
                Some(ended) = running.join_next(), if !running.is_empty() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!("a reconcile panicked; its key is tried again");
                    }
                }
            }
        }
    }

    fn take(&self) -> Option<K> {
        let mut state = self.lock();
        let now = Instant::now();
        while let Some(entry) = state.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let key = entry.remove();
            if state.working.contains(&key) {
                state.again.insert(key);
            } else if state.queued.insert(key.clone()) {
                state.ready.push_back(key);
            }
        }
        let key = state.ready.pop_front()?;
        state.queued.remove(&key);
        state.working.insert(key.clone());
        Some(key)
    }

    fn finish(&self, key: K, next: Next) {
        let mut state = self.lock();
        state.working.remove(&key);
        let again = state.again.remove(&key);
        let delay = match next {
            Next::OnChange => None,
            Next::After(delay) => Some(delay),
            Next::Failed => {
                let failures = state.failures.entry(key.clone()).or_default();
                *failures = failures.saturating_add(1);
                Some(FIRST_DELAY.saturating_mul(1 << (*failures - 1).min(9)).min(LONGEST_DELAY))
            }
        };
        if next != Next::Failed {
            state.failures.remove(&key);
        }
        // An older appointment of the same key is replaced by the newer one.
        state.waiting.retain(|_, waiting| *waiting != key);
        if again && next != Next::Failed {
            if state.queued.insert(key.clone()) {
                state.ready.push_back(key);
            }
        } else if let Some(delay) = delay {
            state.ticket += 1;
            let ticket = state.ticket;
            state.waiting.insert((Instant::now() + delay, ticket), key);
        }
        drop(state);
        self.changed.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Finish<K: Clone + Eq + Hash + Send + 'static> {
    queue: Queue<K>,
    key: Option<K>,
    next: Next,
}

impl<K: Clone + Eq + Hash + Send + 'static> Drop for Finish<K> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.queue.finish(key, self.next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::mpsc;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_worked_on_once_at_a_time_and_again_if_it_came_up_meanwhile() {
        let queue = Queue::default();
        let (said, mut heard) = mpsc::unbounded_channel();
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = queue.clone().work(4, {
            let (queue, most) = (queue.clone(), most.clone());
            move |key: &str| {
                let (queue, said, inside, most) = (queue.clone(), said.clone(), inside.clone(), most.clone());
                async move {
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let first = said.send(key).is_ok() && queue.lock().again.is_empty();
                    if first && most.load(Ordering::SeqCst) == 1 && said.send("once").is_ok() {
                        queue.add(key);
                    }
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    most.store(2, Ordering::SeqCst);
                    Next::OnChange
                }
            }
        });
        queue.add("a");
        let worker = tokio::spawn(worker);
        assert_eq!(heard.recv().await, Some("a"));
        assert_eq!(heard.recv().await, Some("once"));
        assert_eq!(heard.recv().await, Some("a"));
        worker.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn failures_back_off_and_a_panic_counts_as_one() {
        let queue = Queue::default();
        let (said, mut heard) = mpsc::unbounded_channel();
        let worker = tokio::spawn(queue.clone().work(1, move |key: u32| {
            let said = said.clone();
            async move {
                assert!(said.send(Instant::now()).is_ok(), "the test listens");
                assert_ne!(key, 7, "a reconcile that panics");
                Next::Failed
            }
        }));
        queue.add(7);
        let first = heard.recv().await.expect("worked on");
        let second = heard.recv().await.expect("worked on again");
        let third = heard.recv().await.expect("and again");
        assert_eq!(second - first, FIRST_DELAY);
        assert_eq!(third - second, FIRST_DELAY * 2);
        worker.abort();
    }
}
