//! What tests share: a building block that misbehaves on demand, a recorder of what really happened, and waiting for
//! conditions. Never part of the product.
//!
//! Start with [`fake_driver::FakeDriver`], [`recorder::Recorder`] and [`wait::until`].

pub mod fake_driver;
pub mod gate;
pub mod recorder;
pub mod wait;
