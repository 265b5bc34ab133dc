//! The one way to the Kubernetes API: in process or remote, reading, applying, watching, schemas.
//!
//! Controllers, portal and command line use these functions over a `kube::Client`, so that they cannot tell the embedded
//! server from a real one. No business rule lives here. Start with [`connect`] and [`objects`].

pub mod connect;
pub mod errors;
pub mod objects;
pub mod preview;
pub mod schemas;
pub mod watch;
