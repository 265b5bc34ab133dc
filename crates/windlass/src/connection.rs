//! Which API a command speaks to: `--kubeconfig`, then `KUBECONFIG`, then the platform on this machine, then `~/.kube/config`.

use crate::exit::{Exit, failed};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::path::PathBuf;
use windlass_api::did_you_mean;

/// Flags of every command that speaks to an API.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ConnectionArguments {
    /// The kubeconfig file [default: $KUBECONFIG, else that of `windlass up`, else ~/.kube/config]
    #[arg(long, value_name = "FILE", env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<String>,
    /// The context in it
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The namespace [default: that of the context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
}

/// An API, and the namespace that is meant where none is named.
#[derive(Clone)]
pub(crate) struct Connection {
    /// The client.
    pub(crate) client: Client,
    /// The namespace.
    pub(crate) namespace: String,
    /// Whether the namespace was named by a flag.
    pub(crate) namespace_is_asked: bool,
}

/// Connects.
///
/// # Errors
/// There is no kubeconfig, or it cannot be used. Whether the API answers is seen by the first request.
pub(crate) async fn connect(arguments: &ConnectionArguments) -> anyhow::Result<Connection> {
    // More than one provider may be compiled in, so one is chosen. It fails only where that was done before.
    rustls::crypto::ring::default_provider().install_default().ok();
    let kubeconfig = kubeconfig(arguments)?;
    has_context(&kubeconfig, arguments.context.as_deref())?;
    let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let namespace = arguments.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config)?;
    Ok(Connection { client, namespace, namespace_is_asked: arguments.namespace.is_some() })
}

fn kubeconfig(arguments: &ConnectionArguments) -> anyhow::Result<Kubeconfig> {
    let mut merged: Option<Kubeconfig> = None;
    let paths = paths(arguments)?;
    for path in paths {
        let next = Kubeconfig::read_from(&path).map_err(|error| {
            let hint = "KUBECONFIG or --kubeconfig names it; unset it to mean the platform of `windlass up`";
            let what = format!("cannot read the kubeconfig `{}`\n  hint: {hint}", path.display());
            match error {
                // kube says the path again, in quotes of its own.
                KubeconfigError::ReadConfig(source, _) => anyhow::Error::new(source).context(what),
                error => anyhow::Error::new(error).context(what),
            }
        })?;
        merged = Some(match merged {
            Some(before) => before.merge(next)?,
            None => next,
        });
    }
    merged.ok_or_else(|| {
        failed(
            Exit::Failure,
            "there is no kubeconfig\n  hint: start the platform with `windlass up`, or name a kubeconfig with --kubeconfig",
        )
    })
}

/// Refuses a context that is not in the kubeconfig, with those that are.
fn has_context(kubeconfig: &Kubeconfig, asked: Option<&str>) -> anyhow::Result<()> {
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let Some(name) = asked.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty()) else {
        let hint = match known.as_slice() {
            [] => "it names no cluster; `windlass up` prints the path of a whole one".to_owned(),
            several => format!("name one with --context; there are: {}", several.join(", ")),
        };
        return Err(failed(Exit::Failure, format!("the kubeconfig has no current context\n  hint: {hint}")));
    };
    if known.contains(&name) {
        return Ok(());
    }
    let hint = did_you_mean(name, known).unwrap_or_else(|| "it names no cluster at all".to_owned());
    Err(failed(Exit::Failure, format!("the kubeconfig has no context `{name}`\n  hint: {hint}")))
}

/// Files of `KUBECONFIG` that do not exist are left out, as kubectl does; a file named by the flag must exist.
fn paths(arguments: &ConnectionArguments) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(named) = arguments.kubeconfig.as_deref().filter(|named| !named.is_empty()) {
        let listed: Vec<PathBuf> = std::env::split_paths(named).filter(|path| !path.as_os_str().is_empty()).collect();
        if listed.len() == 1 {
            return Ok(listed);
        }
        return Ok(listed.into_iter().filter(|path| path.exists()).collect());
    }
    let asked = std::env::var_os(crate::settings::DATA_DIR).map(PathBuf::from);
    let own = crate::settings::directory(asked.as_deref())?.join("kubeconfig");
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
    Ok([Some(own), home].into_iter().flatten().find(|path| path.exists()).into_iter().collect())
}
