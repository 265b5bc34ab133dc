//! State in one word with a tone. A tone is always drawn as icon and colour beside the word, never alone.

use windlass_api::plan::Action;
use windlass_api::run::{State, StepState};

/// How a state feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Work goes on.
    Going,
    /// Waits for something.
    Waits,
    /// May surprise.
    Warning,
    /// Failed.
    Bad,
    /// Nothing to say.
    Quiet,
}

/// A word with its tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// How it feels.
    pub(crate) tone: Tone,
    /// The word.
    pub(crate) word: String,
}

impl Mark {
    /// A word with its tone.
    pub(crate) fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }
}

/// A Run's state for people.
pub(crate) fn of_run(state: State, is_retried: bool) -> Mark {
    let (tone, word) = match state {
        State::Pending => (Tone::Waits, "Not begun"),
        State::AwaitingApproval => (Tone::Waits, "Waits for approval"),
        State::Running => (Tone::Going, "Running"),
        State::Waiting => (Tone::Waits, "Waits"),
        State::Succeeded => (Tone::Good, "Succeeded"),
        State::Failed if is_retried => (Tone::Bad, "Failed, tries again"),
        State::Failed => (Tone::Bad, "Failed"),
        State::Superseded => (Tone::Quiet, "Superseded"),
        State::Rejected => (Tone::Quiet, "Rejected"),
        State::Cancelled => (Tone::Quiet, "Cancelled"),
    };
    Mark::new(tone, word)
}

/// A step's state for people.
pub(crate) fn of_step(state: StepState) -> Mark {
    let (tone, word) = match state {
        StepState::Pending => (Tone::Quiet, "not begun"),
        StepState::Running => (Tone::Going, "running"),
        StepState::Waiting => (Tone::Waits, "waits until ready"),
        StepState::Succeeded => (Tone::Good, "done"),
        StepState::Failed => (Tone::Bad, "failed"),
        StepState::Skipped => (Tone::Quiet, "skipped"),
        StepState::Unknown => (Tone::Warning, "cannot be told"),
    };
    Mark::new(tone, word)
}

/// An instance's `status.state` for people; an unknown word is shown as it is.
pub(crate) fn of_instance(state: &str) -> Mark {
    let (tone, word) = match state {
        "" => (Tone::Quiet, "Not seen yet"),
        "Ready" => (Tone::Good, "Ready"),
        "Pending" => (Tone::Waits, "Pending"),
        "Progressing" => (Tone::Going, "Progressing"),
        "Deleting" => (Tone::Going, "Deleting"),
        "AwaitingApproval" => (Tone::Waits, "Waits for approval"),
        "Degraded" => (Tone::Bad, "Degraded"),
        "Failed" => (Tone::Bad, "Failed"),
        other => (Tone::Quiet, other),
    };
    Mark::new(tone, word)
}

/// The sign of an action and the class of its colour.
pub(crate) fn of_action(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::None | Action::Read => ("=", "same"),
        Action::Create => ("+", "add"),
        Action::Update => ("~", "change"),
        Action::Adopt => ("↥", "change"),
        Action::Replace => ("±", "replace"),
        Action::Delete => ("−", "delete"),
        Action::Deferred => ("?", "later"),
    }
}
