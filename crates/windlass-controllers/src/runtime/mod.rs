//! What every controller needs: a queue of keys, a clock, tasks that end together, and the graphs of revisions in use.

pub mod clock;
pub mod graphs;
pub mod queue;
pub mod tasks;
