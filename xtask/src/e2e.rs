//! `cargo xtask e2e`: one list of end-to-end tests against the embedded server and a real one, with the oldest and the
//! newest kubectl. Equal counts, or it fails: a difference is a bug of the embedded server.

use anyhow::{Result, bail};

use crate::cluster::Cluster;
use crate::embedded::Embedded;
use crate::test::{Counted, cargo_test};
use crate::{components, kubectl, process, project};

/// Which server and which tests.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `embedded`, `real`, or both when left out
    #[arg(long)]
    server: Option<Server>,
    /// Write down what is seen as what is expected (from the real server only)
    #[arg(long)]
    record: bool,
    /// Only tests whose name contains one of these
    filters: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Server {
    Embedded,
    Real,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Real => "real",
        }
    }
}

/// `cargo xtask e2e`.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.record && arguments.server != Some(Server::Real) {
        bail!("only the real server says what is expected\nhint: `cargo xtask e2e --server real --record`");
    }
    match arguments.server {
        Some(server) => on(server, &arguments.filters, arguments.record)?.close(),
        None => both(&arguments.filters)?.close(),
    }
}

/// Every end-to-end test, as `cargo xtask test` runs them.
pub(crate) fn all() -> Result<Counted> {
    both(&[])
}

fn both(filters: &[String]) -> Result<Counted> {
    let embedded = on(Server::Embedded, filters, false)?;
    if !components::have_go() {
        let message = "the real Kubernetes API server cannot be built: Go is not on PATH\nhint: install Go 1.26 or newer";
        if project::is_ci() {
            bail!("{message}");
        }
        println!("\n    not run: {message}; the embedded server alone was tested");
        return Ok(embedded);
    }
    let real = on(Server::Real, filters, false)?;
    println!("\n    end to end: embedded {} passed, real {} passed", embedded.passed, real.passed);
    let mut counted = embedded;
    counted.add(real);
    if embedded != real {
        println!("    the two servers differ: that is a bug of the embedded one");
        counted.failed = counted.failed.max(1);
    }
    Ok(counted)
}

fn on(server: Server, filters: &[String], record: bool) -> Result<Counted> {
    let folder = tempfile::tempdir()?;
    let (kubeconfig, _embedded, _cluster) = match server {
        Server::Embedded => {
            let embedded = Embedded::start(&folder.path().join("data"))?;
            (embedded.kubeconfig().to_path_buf(), Some(embedded), None)
        }
        Server::Real => {
            let cluster = Cluster::start(folder.path())?;
            (cluster.kubeconfig().to_path_buf(), None, Some(cluster))
        }
    };
    let windlass = crate::embedded::program()?;
    let mut counted = Counted::default();
    for kubectl in kubectl::find()? {
        let mut environment = vec![
            ("WINDLASS_E2E_KUBECONFIG", kubeconfig.display().to_string()),
            ("WINDLASS_E2E_KUBECTL", kubectl.program.display().to_string()),
            ("WINDLASS_E2E_RELEASE", kubectl.release.clone()),
        ];
        let newest = kubectl::newest()?.release == kubectl.release;
        // Releases of kubectl differ among themselves: ours prints what the newest one prints.
        if newest {
            environment.push(("WINDLASS_E2E_WINDLASS", windlass.display().to_string()));
        }
        if record {
            environment.push(("WINDLASS_E2E_RECORD", if newest { "baseline" } else { "variant" }.to_owned()));
        }
        let mut arguments = vec!["--package", "windlass-e2e", "--test", "it", "--"];
        arguments.extend(filters.iter().map(String::as_str));
        let title = format!("end to end: {} server, kubectl {}", server.name(), kubectl.release);
        counted.add(cargo_test(&title, &arguments, &environment)?);
    }
    if counted.failed > 0
        && let Some(log) = _embedded.as_ref().map(Embedded::log)
    {
        println!("    the end of the server's log:\n{}", process::tail(log, 40));
    }
    Ok(counted)
}
