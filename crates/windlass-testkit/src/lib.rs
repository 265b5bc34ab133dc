//! What tests share: a building block that misbehaves on demand, and waiting for conditions. Never part of the product.
//!
//! Start with [`fake_driver::FakeDriver`] and [`wait::until`].

pub mod fake_driver;
pub mod wait;
