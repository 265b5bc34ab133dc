//! `windlass up`: the whole platform in one process, one file for each subsystem's start. Start with [`platform`].

pub(crate) mod announce;
pub(crate) mod api;
mod app_logs;
mod apps;
mod authors;
mod certificates;
pub(crate) mod control;
mod controllers;
mod deletions;
pub(crate) mod detach;
pub(crate) mod directory;
mod doors;
mod installation_key;
mod kubeconfig;
mod log;
mod metrics;
mod origins;
mod pages;
pub(crate) mod platform;
mod port;
mod starters;
