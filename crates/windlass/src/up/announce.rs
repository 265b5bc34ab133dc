//! What is said once the platform is ready: where the portal, the API, the kubeconfig and the apps are, and what to do next.

use crate::terminal::{Ink, Stream, has_colour, paint, put};
use serde::{Deserialize, Serialize};

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// The portal, as a link that logs in once, within 60 seconds.
    pub(crate) portal: String,
    /// The Kubernetes API.
    pub(crate) api: String,
    /// Path of the kubeconfig.
    pub(crate) kubeconfig: String,
    /// The gateway of apps.
    pub(crate) apps: String,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// For people.
    #[default]
    Text,
    /// For programs, as JSON.
    Json,
}

/// Prints it.
///
/// # Errors
/// Nobody reads.
pub(crate) fn print(addresses: &Addresses, form: Form) -> anyhow::Result<()> {
    match form {
        Form::Json => put(&serde_json::to_string(addresses)?)?,
        Form::Text => put(&text(addresses, has_colour(Stream::Out)))?,
    }
    Ok(())
}

fn text(addresses: &Addresses, colour: bool) -> String {
    let bold = |text: &str| paint(colour, Ink::Bold, text);
    let dim = |text: &str| paint(colour, Ink::Dim, text);
    format!(
        "{}\n\n  portal      {}\n              {}\n  api         {}\n  kubeconfig  {}\n  apps        {}\n\n{}\n  open the portal, or:\n  windlass new web-app --set source=DIRECTORY\n  KUBECONFIG={} kubectl get templates",
        bold("Windlass is ready"),
        addresses.portal,
        dim("(works once, within 60 s; `windlass up` prints a new one)"),
        addresses.api,
        addresses.kubeconfig,
        addresses.apps,
        bold("Next"),
        addresses.kubeconfig,
    )
}

/// Opens the portal in a browser, if this is a desktop and somebody sits at it. Never a reason to fail.
pub(crate) fn open_browser(link: &str) {
    use std::process::{Command, Stdio};
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !desktop || !crate::terminal::can_ask() {
        return;
    }
    let opened = Command::new("xdg-open").arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Err(error) = opened {
        tracing::debug!(%error, "no browser could be opened");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_object_on_one_line() {
        let addresses = Addresses {
            portal: "http://127.0.0.1:7400/login?token=x".into(),
            api: "https://127.0.0.1:7400".into(),
            kubeconfig: "/data/kubeconfig".into(),
            apps: "http://localhost:7401".into(),
        };
        let line = serde_json::to_string(&addresses).expect("JSON");
        insta::assert_snapshot!(line, @r#"{"portal":"http://127.0.0.1:7400/login?token=x","api":"https://127.0.0.1:7400","kubeconfig":"/data/kubeconfig","apps":"http://localhost:7401"}"#);
        assert!(!text(&addresses, false).contains('\u{1b}'));
    }
}
