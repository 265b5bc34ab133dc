//! The real program as a person uses it: `windlass up` in a home of its own, and every way in. Nothing is faked.
//!
//! Start with [`platform`].

mod bad_input;
mod logs;
mod platform;
