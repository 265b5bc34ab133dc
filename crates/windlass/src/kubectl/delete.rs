//! `delete`: asks for deletion, says so, and waits until the objects are gone.

use super::Place;
use super::api::{self, Payload};
use super::arguments::DeleteArguments;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::select::{self, Choice, Target};
use super::wait;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &DeleteArguments) -> Result<(), Failure> {
    let plan = Plan::read(arguments)?;
    let kinds = Kinds::read(&place.api).await?;
    let choice = Choice::new(place, &arguments.what, &arguments.selection, arguments.all);
    let (targets, mut failures) = select::targets(&kinds, choice.request())?;
    let mut going: Vec<Going> = Vec::new();
    let mut found = 0;
    for target in &targets {
        let objects = match choice.objects(target).await {
            Ok(objects) => objects,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        for (namespace, name) in objects {
            let result = plan.delete(place, target, namespace.as_deref(), &name).await;
            match result {
                Ok(uid) => {
                    found += 1;
                    going.push(Going { resource: target.resource().clone(), namespace, name, uid });
                }
                Err(failure) if failure.is_not_found() && plan.ignore_not_found => found += 1,
                Err(failure) => {
                    found += 1;
                    failures.push(failure);
                }
            }
        }
    }
    Failure::all(failures)?;
    if found == 0 {
        crate::terminal::put("No resources found")?;
    } else if arguments.wait && plan.dry_run == DryRun::None {
        let seconds = super::duration("timeout", &arguments.timeout)?;
        let until = Instant::now() + super::span(if seconds == 0.0 { -1.0 } else { seconds });
        for object in &going {
            wait::until_gone(place, &object.resource, object.namespace.as_deref(), &object.name, object.uid.as_deref(), until).await?;
        }
    }
    Ok(())
}

/// An object that was asked to go.
struct Going {
    resource: Resource,
    namespace: Option<String>,
    name: String,
    uid: Option<String>,
}

/// What `--dry-run` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// It is done.
    None,
    /// Nothing is sent.
    Client,
    /// The server does all but keep it.
    Server,
}

impl DryRun {
    /// Reads the flag.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        match text {
            "none" | "false" => Ok(Self::None),
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            "unchanged" => Err(Failure::text("Must specify a dry-run strategy: client, server or none")),
            other => Err(Failure::text(format!("Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."))),
        }
    }

    /// What stands behind the word that says what was done.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

struct Plan {
    dry_run: DryRun,
    body: Value,
    word: &'static str,
    short: bool,
    ignore_not_found: bool,
}

impl Plan {
    fn read(arguments: &DeleteArguments) -> Result<Self, Failure> {
        let short = match arguments.output.as_deref() {
            None => false,
            Some("name") => true,
            Some(other) => return Err(Failure::text(format!("unexpected -o output mode: {other}. We only support '-o name'"))),
        };
        if arguments.all && arguments.selection.selector.is_some() {
            return Err(Failure::text("cannot set --all and --selector at the same time"));
        }
        if arguments.all && arguments.selection.field_selector.is_some() {
            return Err(Failure::text("cannot set --all and --field-selector at the same time"));
        }
        let mut grace = arguments.grace_period;
        if arguments.now {
            if grace != -1 {
                return Err(Failure::text("--now and --grace-period cannot be specified together"));
            }
            grace = 1;
        }
        if arguments.force && grace > 0 {
            return Err(Failure::text("--force and --grace-period greater than 0 cannot be specified together"));
        }
        if arguments.force && grace < 0 {
            grace = 0;
        }
        // Without --force, at once still means to wait for what the object's owner has to do.
        if grace == 0 && !arguments.force {
            grace = 1;
        }
        if grace == 0 {
            crate::terminal::say(
                "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.",
            );
        }
        let policy = match arguments.cascade.as_str() {
            "background" | "true" => "Background",
            "foreground" => "Foreground",
            "orphan" | "false" => "Orphan",
            other => {
                return Err(Failure::text(format!(
                    "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
                )));
            }
        };
        let mut body = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
        if grace >= 0 {
            body["gracePeriodSeconds"] = json!(grace);
        }
        let dry_run = DryRun::read(&arguments.rehearsal.dry_run)?;
        if dry_run == DryRun::Server {
            // In the body: a server that gets options in the body does not look at the address.
            body["dryRun"] = json!(["All"]);
        }
        Ok(Self {
            dry_run,
            body,
            word: if grace == 0 { "force deleted" } else { "deleted" },
            short,
            ignore_not_found: arguments.ignore_not_found.unwrap_or(arguments.all || arguments.selection.selector.is_some()),
        })
    }

    /// Deletes one; gives its UID.
    async fn delete(&self, place: &Place, target: &Target, namespace: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        let resource = target.resource();
        let mut uid = None;
        if self.dry_run != DryRun::Client {
            let payload = Payload { media_type: "application/json", bytes: self.body.to_string().into_bytes() };
            let path = resource.object_path(namespace, name);
            let answer = place.api.request("DELETE", &path, &[], api::JSON, Some(payload)).await.map_err(|failure| match target {
                Target::Named { manifest: Some(manifest), .. } => failure.at("deleting", &manifest.source),
                Target::Named { .. } | Target::Collection(_) => failure,
            })?;
            let found = if answer["kind"] == "Status" { &answer["details"]["uid"] } else { &answer["metadata"]["uid"] };
            uid = found.as_str().map(str::to_owned);
        }
        let kind = resource.qualified_singular();
        crate::terminal::put(&if self.short {
            format!("{kind}/{name}")
        } else {
            let place = namespace.map(|namespace| format!(" from {namespace} namespace")).filter(|_| SAYS_NAMESPACE).unwrap_or_default();
            format!("{kind} \"{name}\" {}{place}{}", self.word, self.dry_run.suffix())
        })?;
        Ok(uid)
    }
}

/// kubectl names the namespace from 1.34 on; the output here is that of 1.33.
const SAYS_NAMESPACE: bool = false;
