//! The controllers, with the drivers of this installation.

use super::api::Api;
use super::installation_key::LENGTH;
use std::sync::Arc;
use windlass_api::plan::Block;
use windlass_api::target::{CONTROL_PLANE, LOCAL};
use windlass_controllers::{Controllers, FingerprintKey, Settings};
use windlass_drivers::kubernetes_object::KubernetesObjects;
use windlass_drivers::{Driver, Drivers};

/// Starts them.
pub(crate) fn start(api: &Api, local: Arc<dyn Driver>, key: &[u8; LENGTH]) -> Controllers {
    let objects = KubernetesObjects::new(api.platform.clone());
    let drivers = Drivers::default()
        .with(Block::Template, CONTROL_PLANE, objects.clone())
        .with(Block::ExternalRef, CONTROL_PLANE, objects)
        .with(Block::Workload, LOCAL, local);
    let settings = Settings { fingerprint_key: FingerprintKey(key.to_vec()), ..Settings::default() };
    windlass_controllers::start(&api.platform, &drivers, settings)
}
