//! `windlass inventory ...`: what exists because of Windlass. Works when the kind or the Template is gone.

mod adopt;
mod delete;
mod list;

use crate::commands::instances::Named;
use crate::connection::Connection;
use crate::exit::{Exit, failed};
use kube::Api;
use kube::api::ListParams;
use windlass_api::inventory::Inventory;
use windlass_api::names;

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum InventoryCommand {
    /// List inventories, or the entries of one
    List(list::ListArguments),
    /// Let an instance take over an object that was there before
    Adopt(adopt::AdoptArguments),
    /// Delete what exists because of an instance that is gone
    Delete(delete::DeleteArguments),
}

/// Runs a verb.
pub(crate) async fn run(command: &InventoryCommand) -> anyhow::Result<Exit> {
    match command {
        InventoryCommand::List(arguments) => list::run(arguments).await,
        InventoryCommand::Adopt(arguments) => adopt::run(arguments).await,
        InventoryCommand::Delete(arguments) => delete::run(arguments).await,
    }
}

/// Every inventory, heads and shards.
async fn all(connection: &Connection) -> Result<Vec<Inventory>, kube::Error> {
    let api: Api<Inventory> = Api::namespaced(connection.client.clone(), names::SYSTEM_NAMESPACE);
    Ok(api.list(&ListParams::default()).await?.items)
}

/// The inventories (head first, then shards) of `KIND/NAME`.
async fn of(connection: &Connection, named: &Named) -> anyhow::Result<Vec<Inventory>> {
    let mut found = all(connection).await?;
    found.retain(|inventory| {
        let instance = &inventory.spec.instance;
        let kind = instance.kind.to_lowercase();
        let asked = named.kind.to_lowercase();
        let same_place = instance.namespace.as_ref().is_none_or(|namespace| *namespace == connection.namespace);
        instance.name == named.name && (kind == asked || format!("{kind}s") == asked) && same_place
    });
    // A shard is named after its head and a number; heads of a former instance of the same name stay apart by their UID.
    found.sort_by_key(|inventory| (inventory.spec.instance.uid.clone(), inventory.metadata.name.clone()));
    if found.is_empty() {
        return Err(failed(
            Exit::NotFound,
            format!(
                "nothing is recorded for `{}/{}` in the namespace `{}`\n  hint: `windlass inventory list` lists what is",
                named.kind, named.name, connection.namespace
            ),
        ));
    }
    Ok(found)
}
