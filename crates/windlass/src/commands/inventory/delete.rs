//! `windlass inventory delete KIND/NAME`: deletes what an instance that is gone left behind, by the inventory alone.

use crate::commands::instances::Named;
use crate::connection::{Connection, ConnectionArguments, connect};
use crate::exit::{Exit, failed};
use crate::terminal::{can_ask, confirm, put, say};
use kube::Api;
use kube::api::DeleteParams;
use kube::runtime::wait::await_condition;
use std::time::Duration;
use windlass_api::inventory::Inventory;
use windlass_api::names;
use windlass_api::plan::InstanceReference;
use windlass_client::objects::{self, optional};

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArguments {
    /// The instance that is gone
    #[arg(value_name = "KIND/NAME")]
    instance: Named,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Deletes it.
pub(super) async fn run(arguments: &DeleteArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let found = super::of(&connection, &arguments.instance).await?;
    for head in found.iter().filter(|inventory| inventory.metadata.name.as_deref() == Some(inventory.spec.instance.uid.as_str())) {
        let instance = &head.spec.instance;
        if is_alive(&connection, instance).await? {
            return Err(failed(
                Exit::Conflict,
                format!(
                    "{instance} is still there, so its inventory stays\n  hint: delete the instance: `windlass delete {} {} -n {}`",
                    instance.kind.to_lowercase(),
                    instance.name,
                    connection.namespace
                ),
            ));
        }
        ask_first(head, arguments.yes)?;
        let api: Api<Inventory> = Api::namespaced(connection.client.clone(), names::SYSTEM_NAMESPACE);
        let name = head.metadata.name.clone().unwrap_or_default();
        optional(api.delete(&name, &DeleteParams::default()).await)?;
        let gone = await_condition(api, &name, |inventory: Option<&Inventory>| inventory.is_none());
        match tokio::time::timeout(Duration::from_secs(arguments.timeout), gone).await {
            Ok(ended) => drop(ended?),
            Err(_) => {
                return Err(failed(
                    Exit::TimedOut,
                    format!(
                        "what {instance} left is not all gone within {} s\n  hint: `windlass inventory list` shows what is left, and why",
                        arguments.timeout
                    ),
                ));
            }
        }
        put(&format!("inventory of {instance} deleted"))?;
    }
    Ok(Exit::Success)
}

fn ask_first(head: &Inventory, yes: bool) -> anyhow::Result<()> {
    for entry in head.spec.entries.iter().filter(|entry| !entry.adopted) {
        say(&format!("  - delete {}: {}", entry.key, entry.identity));
    }
    if yes {
        return Ok(());
    }
    if !can_ask() {
        return Err(failed(Exit::Usage, "this deletes things, and there is no terminal to ask\n  hint: say --yes"));
    }
    if confirm("Delete them?")? { Ok(()) } else { Err(failed(Exit::Refused, "nothing was deleted")) }
}

async fn is_alive(connection: &Connection, instance: &InstanceReference) -> Result<bool, kube::Error> {
    let Some(kind) = optional(objects::discover(&connection.client, &instance.api_version, &instance.kind).await)? else {
        return Ok(false);
    };
    let live = objects::get(&kind.api(&connection.client, instance.namespace.as_deref()), &instance.name).await?;
    Ok(live.is_some_and(|object| object.metadata.uid.as_deref() == Some(instance.uid.as_str())))
}
