//! `windlass up`: the whole platform in one process, one file for each subsystem's start. Start with [`platform`].

pub(crate) mod announce;
mod certificates;
pub(crate) mod control;
pub(crate) mod detach;
pub(crate) mod directory;
mod doors;
mod installation_key;
mod kubeconfig;
mod log;
mod origins;
mod port;
