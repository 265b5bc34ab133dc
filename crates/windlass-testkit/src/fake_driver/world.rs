//! The outside of the fake driver: things in `world.json`, and a line in `effects.log` for everything that really happened.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_api::plan::Action;

use crate::recorder::Recorder;

/// Something that exists outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Its UID.
    pub uid: String,
    /// What it was made from.
    pub made_from: String,
    /// The operations that were taken on it.
    pub operations: BTreeSet<String>,
    /// Looks until it is done.
    pub looks_left: u32,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    things: BTreeMap<String, Thing>,
    hidden: BTreeSet<String>,
    made: u64,
}

/// See the module head.
pub struct World {
    directory: PathBuf,
    state: Mutex<State>,
    recorder: Option<Arc<Recorder>>,
    /// Whether the same operation a second time does nothing, as with a good API.
    idempotent: bool,
}

impl World {
    /// Takes up the world in a directory, or begins an empty one.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn open(directory: &Path) -> std::io::Result<Self> {
        fs_err::create_dir_all(directory)?;
        let state = match fs_err::read(directory.join("world.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { directory: directory.to_owned(), state: Mutex::new(state), recorder: None, idempotent: true })
    }

    /// Has this recorder see what happens.
    #[must_use]
    pub fn recorded(self, recorder: Arc<Recorder>) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// A world that takes every call anew, also one that it has taken already.
    #[must_use]
    pub fn counting_every_call(self) -> Self {
        Self { idempotent: false, ..self }
    }

    /// Everything that is there, by place (`INSTANCE-UID/EFFECT-KEY`).
    pub fn things(&self) -> BTreeMap<String, Thing> {
        self.lock().things.clone()
    }

    /// Lines of `effects.log`: `make PLACE OP_ID` or `remove PLACE OP_ID`, in order.
    pub fn effects(&self) -> Vec<String> {
        let text = fs_err::read_to_string(self.directory.join("effects.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Lets everybody see again what was hidden.
    pub fn reveal_all(&self) {
        let mut state = self.lock();
        state.hidden.clear();
        self.store(&state);
    }

    /// Takes a thing away behind everybody's back.
    pub fn lose(&self, place: &str) {
        let mut state = self.lock();
        state.things.remove(place);
        self.store(&state);
    }

    pub(super) fn look(&self, place: &str) -> Option<Thing> {
        self.lock().things.get(place).cloned()
    }

    /// Looks, and brings what goes on one step further.
    pub(super) fn look_again(&self, place: &str) -> Option<Thing> {
        let mut state = self.lock();
        let thing = state.things.get_mut(place)?;
        let seen = thing.clone();
        thing.looks_left = thing.looks_left.saturating_sub(1);
        self.store(&state);
        Some(seen)
    }

    pub(super) fn hide(&self, place: &str) {
        let mut state = self.lock();
        state.hidden.insert(place.to_owned());
        self.store(&state);
    }

    pub(super) fn is_hidden(&self, place: &str) -> bool {
        self.lock().hidden.contains(place)
    }

    /// Makes or changes a thing; the same operation a second time does nothing, as a good API does.
    pub(super) fn make(&self, place: &str, op_id: &str, made_from: &str, observable: bool, looks: u32) -> String {
        let mut state = self.lock();
        let number = state.made + 1;
        let action = if state.things.contains_key(place) { Action::Update } else { Action::Create };
        let thing = state.things.entry(place.to_owned()).or_insert_with(|| Thing { uid: format!("thing-{number}"), ..Thing::default() });
        let uid = thing.uid.clone();
        if thing.operations.insert(op_id.to_owned()) || !self.idempotent {
            made_from.clone_into(&mut thing.made_from);
            thing.looks_left = looks;
            state.made = number;
            self.log(place, "make", op_id, action);
        }
        if !observable {
            state.hidden.insert(place.to_owned());
        }
        self.store(&state);
        uid
    }

    pub(super) fn remove(&self, place: &str, op_id: &str) -> Option<String> {
        let mut state = self.lock();
        if state.things.remove(place).is_some() {
            self.log(place, "remove", op_id, Action::Delete);
        }
        state.hidden.remove(place);
        self.store(&state);
        None
    }

    /// Takes back what has not come about yet.
    pub(super) fn undo(&self, place: &str) {
        self.lose(place);
    }

    fn log(&self, place: &str, verb: &str, op_id: &str, action: Action) {
        if let (Some(recorder), Some((instance, key))) = (&self.recorder, place.split_once('/')) {
            recorder.outside(instance, key, action);
        }
        let mut file = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.join("effects.log"))
            .expect("the world can be written");
        writeln!(file, "{verb} {place} {op_id}").expect("the world can be written");
    }

    fn store(&self, state: &State) {
        let text = serde_json::to_vec(state).expect("plain values");
        let beside = self.directory.join("world.json.new");
        fs_err::write(&beside, text)
            .and_then(|()| fs_err::rename(&beside, self.directory.join("world.json")))
            .expect("the world can be written");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_operation_counts_once_and_the_world_survives() {
        let directory = tempfile::tempdir().expect("a directory");
        let world = World::open(directory.path()).expect("opened");
        assert_eq!(world.make("u/app", "op1", "a", true, 0), world.make("u/app", "op1", "a", true, 0));
        world.make("u/app", "op2", "b", true, 0);
        let world = World::open(directory.path()).expect("opened again");
        assert_eq!(world.effects(), ["make u/app op1", "make u/app op2"]);
        assert_eq!(world.things()["u/app"].made_from, "b");
        world.remove("u/app", "op3");
        assert_eq!(world.effects().len(), 3);
    }
}
