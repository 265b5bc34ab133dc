//! The Inventory of one instance while it is worked on: read once, written by compare-and-swap before and after effects.

use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use windlass_api::inventory::{Entry, EntryState, Inventory, InventorySpec, SHARD_SIZE, name_of};
use windlass_api::names;
use windlass_api::plan::InstanceReference;
use windlass_client::objects::optional;

/// See the module head.
pub(super) struct Record {
    api: Api<Inventory>,
    name: String,
    head: Option<Inventory>,
    shards: Vec<Inventory>,
    saved: InventorySpec,
    /// The content; change it freely, then [`Record::save`]. All entries stand here, those of shards too.
    pub(super) spec: InventorySpec,
}

impl Record {
    /// Reads the Inventory of an instance; one that does not exist yet is empty.
    pub(super) async fn read(client: &Client, reference: &InstanceReference) -> Result<Self, kube::Error> {
        let mut record = Self::read_named(client, &name_of(&reference.uid)).await?;
        if record.head.is_none() {
            record.spec.instance = reference.clone();
        }
        Ok(record)
    }

    /// Reads an Inventory by its own name.
    pub(super) async fn read_named(client: &Client, name: &str) -> Result<Self, kube::Error> {
        let api: Api<Inventory> = Api::namespaced(client.clone(), names::SYSTEM_NAMESPACE);
        // What does not exist yet, as in a preview, has no UID and so no Inventory.
        let head = if name.is_empty() { None } else { optional(api.get(name).await)? };
        let mut spec = head.as_ref().map(|head| head.spec.clone()).unwrap_or_default();
        let mut shards = Vec::new();
        for number in 1..=spec.shards {
            if let Some(shard) = optional(api.get(&format!("{name}-{number}")).await)? {
                spec.entries.extend(shard.spec.entries.iter().cloned());
                shards.push(shard);
            }
        }
        Ok(Self { api, name: name.to_owned(), head, shards, saved: spec.clone(), spec })
    }

    /// Whether it is stored.
    pub(super) fn exists(&self) -> bool {
        self.head.is_some()
    }

    /// Whether somebody asked for its deletion.
    pub(super) fn is_being_deleted(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.metadata.deletion_timestamp.is_some())
    }

    /// The entry of an effect.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.spec.entries.iter().find(|entry| entry.key == key)
    }

    /// The entry of an effect, to change it.
    pub(super) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.spec.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Puts an entry in the place of the one with the same key.
    pub(super) fn put(&mut self, entry: Entry) {
        match self.entry_mut(&entry.key) {
            Some(known) => *known = entry,
            None => self.spec.entries.push(entry),
        }
    }

    /// Drops entries of what is gone. What was only planned stays, so that the next attempt is counted.
    pub(super) fn forget_gone(&mut self) {
        self.spec.entries.retain(|entry| entry.state != EntryState::Gone);
    }

    /// Drops entries of what is gone, or was never made.
    pub(super) fn drop_gone(&mut self) {
        self.spec.entries.retain(|entry| !matches!(entry.state, EntryState::Gone | EntryState::Planned));
    }

    /// Writes what changed. Nothing is written where nothing did.
    ///
    /// # Errors
    /// Somebody else wrote first (then nothing may be done), or the API does not answer.
    pub(super) async fn save(&mut self) -> Result<(), kube::Error> {
        if self.head.is_some() && self.spec == self.saved {
            return Ok(());
        }
        let mut parts: Vec<Vec<Entry>> = self.spec.entries.chunks(SHARD_SIZE).map(<[Entry]>::to_vec).collect();
        let first = if parts.is_empty() { Vec::new() } else { parts.remove(0) };
        // Shards first: entries must be durable before anything acts on them, and the head decides who may act.
        for (index, entries) in parts.iter().enumerate() {
            self.save_shard(index, entries).await?;
        }
        self.spec.shards = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let spec = InventorySpec { entries: first, ..self.spec.clone() };
        let written = match &self.head {
            Some(head) => self.api.replace(&self.name, &parameters(), &Inventory { metadata: head.metadata.clone(), spec }).await?,
            None => self.api.create(&parameters(), &self.object(&self.name, spec)).await?,
        };
        self.head = Some(written);
        while self.shards.len() > parts.len() {
            if let Some(shard) = self.shards.pop() {
                self.remove_object(&shard).await?;
            }
        }
        self.saved = self.spec.clone();
        Ok(())
    }

    async fn save_shard(&mut self, index: usize, entries: &[Entry]) -> Result<(), kube::Error> {
        let name = format!("{}-{}", self.name, index + 1);
        match self.shards.get_mut(index) {
            Some(shard) if shard.spec.entries == entries => {}
            Some(shard) => {
                let mut changed = shard.clone();
                changed.spec.entries = entries.to_vec();
                *shard = self.api.replace(&name, &parameters(), &changed).await?;
            }
            None => {
                let spec = InventorySpec { instance: self.spec.instance.clone(), entries: entries.to_vec(), ..InventorySpec::default() };
                self.shards.push(self.api.create(&parameters(), &self.object(&name, spec)).await?);
            }
        }
        Ok(())
    }

    fn object(&self, name: &str, spec: InventorySpec) -> Inventory {
        let labels = [
            (names::LABEL_INSTANCE_ID, Some(self.spec.instance.uid.clone())),
            (names::LABEL_INSTANCE_KIND, Some(self.spec.instance.kind.clone())),
            (names::LABEL_INSTANCE_NAMESPACE, self.spec.instance.namespace.clone()),
            (names::LABEL_INSTANCE_NAME, Some(self.spec.instance.name.clone())),
        ];
        let labels = labels.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value.filter(|value| value.len() <= 63)?)));
        Inventory {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(labels.collect()),
                finalizers: Some(vec![names::FINALIZER_ENTRIES.to_owned()]),
                ..ObjectMeta::default()
            },
            spec,
        }
    }

    /// Takes the Inventory away; to be called only when it has no entries left.
    ///
    /// # Errors
    /// The API does not answer.
    pub(super) async fn remove(&mut self) -> Result<(), kube::Error> {
        for shard in std::mem::take(&mut self.shards) {
            self.remove_object(&shard).await?;
        }
        if let Some(head) = self.head.take() {
            self.remove_object(&head).await?;
        }
        Ok(())
    }

    async fn remove_object(&self, object: &Inventory) -> Result<(), kube::Error> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let mut freed = object.clone();
        freed.metadata.finalizers = None;
        if object.metadata.finalizers.is_some() && optional(self.api.replace(name, &parameters(), &freed).await)?.is_none() {
            return Ok(());
        }
        optional(self.api.delete(name, &DeleteParams::default()).await).map(drop)
    }
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(names::MANAGER_SYSTEM.into()), ..PostParams::default() }
}
