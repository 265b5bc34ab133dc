//! A real Kubernetes API server on loopback: etcd, kube-apiserver, kube-controller-manager, with keys of its own.
//!
//! It is what the embedded server is measured against. Nothing is scheduled and nothing runs: there are no nodes.
//! Two ways in: [`Cluster::start`] for a server that ends with its owner, [`up`] and [`down`] for one to try things by hand.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::json;

use crate::components::{APISERVER, CONTROLLER_MANAGER, ETCD};
use crate::kubectl;
use crate::process::{self, Background};

/// How long the server may take to answer.
const START_LIMIT: Duration = Duration::from_secs(90);
/// The file beside the kubeconfig that names what `up` started.
const PROCESSES: &str = "processes";

/// A running server. Dropping it stops it.
pub(crate) struct Cluster {
    processes: Vec<Background>,
    kubeconfig: PathBuf,
    ready: Duration,
}

/// `cargo xtask cluster up`.
pub(crate) fn up(directory: &Path) -> Result<()> {
    fs_err::create_dir_all(directory)?;
    let directory = &fs_err::canonicalize(directory)?;
    if directory.join(PROCESSES).exists() {
        bail!("a server was already started in `{}`\nhint: `cargo xtask cluster down --dir {0}` first", directory.display());
    }
    let cluster = Cluster::start(directory)?;
    let lines: Vec<String> = cluster.processes.iter().map(|process| process.id().to_string()).collect();
    fs_err::write(directory.join(PROCESSES), lines.join("\n"))?;
    println!("{}", cluster.kubeconfig.display());
    cluster.detach();
    Ok(())
}

/// `cargo xtask cluster down`. Leaves the logs, takes the state.
pub(crate) fn down(directory: &Path) -> Result<()> {
    let file = directory.join(PROCESSES);
    let Ok(text) = fs_err::read_to_string(&file) else {
        println!("no server was started in `{}`", directory.display());
        return Ok(());
    };
    let directory = fs_err::canonicalize(directory)?;
    // Last started, first stopped. A number may have been given to another program since: only what runs our files is ended.
    for id in text.lines().rev().filter_map(|line| line.parse::<u32>().ok()) {
        let ours = || fs_err::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| contains(&line, &directory));
        if ours() {
            process::terminate(id);
            process::until(Duration::from_secs(30), || Ok(!ours())).with_context(|| format!("process {id} does not end"))?;
        }
    }
    fs_err::remove_file(&file)?;
    fs_err::remove_dir_all(directory.join("etcd"))?;
    println!("stopped");
    Ok(())
}

fn contains(line: &[u8], directory: &Path) -> bool {
    let needle = directory.as_os_str().as_encoded_bytes();
    line.windows(needle.len()).any(|window| window == needle)
}

impl Cluster {
    /// Starts everything and waits until it answers as a cluster does.
    pub(crate) fn start(directory: &Path) -> Result<Cluster> {
        // A test's data need not survive a power cut.
        let cluster = Cluster::start_with(directory, &["--unsafe-no-fsync=true"])?;
        println!("    real server: ready after {:.1} s", cluster.ready.as_secs_f64());
        Ok(cluster)
    }

    /// As [`Cluster::start`], with a store that answers after the disk has it: for measuring.
    pub(crate) fn start_durable(directory: &Path) -> Result<Cluster> {
        Cluster::start_with(directory, &[])
    }

    fn start_with(directory: &Path, store: &[&str]) -> Result<Cluster> {
        let (etcd, apiserver, controllers) = (ETCD.path()?, APISERVER.path()?, CONTROLLER_MANAGER.path()?);
        let start = Instant::now();
        let ports = Ports::free()?;
        let keys = Keys::write(&directory.join("keys"), ports.api, directory)?;
        let log = |name: &str| directory.join(format!("{name}.log"));
        let mut processes = Vec::new();
        processes.push(Background::start("etcd", Command::new(etcd).args(etcd_arguments(directory, &ports)).args(store), &log("etcd"))?);
        processes.push(Background::start(
            "kube-apiserver",
            Command::new(apiserver).args(apiserver_arguments(&keys, &ports)),
            &log("kube-apiserver"),
        )?);
        let kubeconfig = directory.join("kubeconfig");
        let program = kubectl::newest()?.program;
        let answers = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.arg("--kubeconfig").arg(&kubeconfig).arg("--request-timeout=2s").args(arguments);
            command.env("HOME", directory);
            process::read(&mut command).is_ok()
        };
        let wait = |processes: &mut Vec<Background>, what: &str, arguments: &[&str]| {
            process::until(START_LIMIT, || {
                processes.iter_mut().try_for_each(Background::check)?;
                Ok(answers(arguments))
            })
            .with_context(|| format!("waiting for {what}\nhint: the logs are in `{}`", directory.display()))
        };
        wait(&mut processes, "the API server", &["get", "--raw", "/readyz"])?;
        let ready = start.elapsed();
        processes.push(Background::start(
            "kube-controller-manager",
            Command::new(controllers).args(controller_arguments(&keys, directory)),
            &log("kube-controller-manager"),
        )?);
        wait(&mut processes, "the controllers", &["get", "serviceaccount/default", "configmap/kube-root-ca.crt", "-n", "default"])?;
        Ok(Cluster { processes, kubeconfig, ready })
    }

    /// Lets the server live on after us.
    fn detach(mut self) {
        for process in std::mem::take(&mut self.processes) {
            process.detach();
        }
    }

    /// From the start of the first process until the API server said that it is ready.
    pub(crate) fn ready(&self) -> Duration {
        self.ready
    }

    /// The process ids of the store and the API server.
    pub(crate) fn server_processes(&self) -> Vec<u32> {
        self.processes.iter().take(2).map(Background::id).collect()
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Controllers first, the store last: nobody logs that its server is gone.
        while let Some(process) = self.processes.pop() {
            drop(process);
        }
    }
}

struct Ports {
    api: u16,
    store: u16,
    peer: u16,
}

impl Ports {
    /// Free ports, held together while they are chosen so that they differ.
    fn free() -> Result<Ports> {
        let listeners: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>().context("no free port on loopback")?;
        let port = |index: usize| -> Result<u16> { Ok(listeners[index].local_addr().context("a port has no address")?.port()) };
        Ok(Ports { api: port(0)?, store: port(1)?, peer: port(2)? })
    }
}

/// The files of the cluster's own authority.
struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Makes an authority, a server certificate, the identities of the administrator and the controllers, and kubeconfigs.
    fn write(folder: &Path, port: u16, directory: &Path) -> Result<Keys> {
        fs_err::create_dir_all(folder)?;
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "windlass-test-authority");
        let certificate = authority.self_signed(&authority_key)?;
        let keys = Keys { folder: folder.to_path_buf() };
        keys.store("authority.crt", &certificate.pem())?;
        keys.store("authority.key", &authority_key.serialize_pem())?;
        let issuer = Issuer::new(authority, authority_key);
        let names = ["localhost", "127.0.0.1", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
        let server = CertificateParams::new(names.map(str::to_owned).to_vec())?;
        keys.issue(&issuer, server, "server", "kube-apiserver", None, ExtendedKeyUsagePurpose::ServerAuth)?;
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        for (file, name, group) in [
            ("administrator", "admin", Some("system:masters")),
            ("proxy", "front-proxy-client", None),
            ("controllers", "system:kube-controller-manager", None),
        ] {
            keys.issue(&issuer, CertificateParams::default(), file, name, group, client.clone())?;
        }
        let tokens = KeyPair::generate()?;
        keys.store("tokens.key", &tokens.serialize_pem())?;
        keys.store("tokens.pub", &tokens.public_key_pem())?;
        keys.kubeconfig(&directory.join("kubeconfig"), port, "administrator")?;
        keys.kubeconfig(&folder.join("controllers.kubeconfig"), port, "controllers")?;
        Ok(keys)
    }

    fn issue(
        &self,
        issuer: &Issuer<'_, KeyPair>,
        mut parameters: CertificateParams,
        file: &str,
        name: &str,
        group: Option<&str>,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<()> {
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        if let Some(group) = group {
            parameters.distinguished_name.push(DnType::OrganizationName, group);
        }
        parameters.extended_key_usages.push(usage);
        let key = KeyPair::generate()?;
        self.store(&format!("{file}.crt"), &parameters.signed_by(&key, issuer)?.pem())?;
        self.store(&format!("{file}.key"), &key.serialize_pem())
    }

    /// A kubeconfig that stands alone. JSON, because every JSON text is YAML too.
    fn kubeconfig(&self, file: &Path, port: u16, identity: &str) -> Result<()> {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "real",
            "clusters": [{"name": "real", "cluster": {
                "server": format!("https://127.0.0.1:{port}"), "certificate-authority": self.path("authority.crt")}}],
            "users": [{"name": identity, "user": {
                "client-certificate": self.path(&format!("{identity}.crt")), "client-key": self.path(&format!("{identity}.key"))}}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": identity}}],
        });
        fs_err::write(file, serde_json::to_vec_pretty(&config)?)?;
        Ok(())
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).to_string_lossy().into_owned()
    }

    fn store(&self, file: &str, text: &str) -> Result<()> {
        Ok(fs_err::write(self.folder.join(file), text)?)
    }
}

fn etcd_arguments(directory: &Path, ports: &Ports) -> Vec<String> {
    let (client, peer) = (format!("http://127.0.0.1:{}", ports.store), format!("http://127.0.0.1:{}", ports.peer));
    vec![
        "--name=test".into(),
        format!("--data-dir={}", directory.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=test={peer}"),
        "--log-level=warn".into(),
    ]
}

fn apiserver_arguments(keys: &Keys, ports: &Ports) -> Vec<String> {
    let file = |name: &str| keys.path(name);
    vec![
        format!("--etcd-servers=http://127.0.0.1:{}", ports.store),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={}", ports.api),
        format!("--tls-cert-file={}", file("server.crt")),
        format!("--tls-private-key-file={}", file("server.key")),
        format!("--client-ca-file={}", file("authority.crt")),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
        format!("--service-account-key-file={}", file("tokens.pub")),
        format!("--service-account-signing-key-file={}", file("tokens.key")),
        format!("--requestheader-client-ca-file={}", file("authority.crt")),
        "--requestheader-allowed-names=front-proxy-client".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-username-headers=X-Remote-User".into(),
        format!("--proxy-client-cert-file={}", file("proxy.crt")),
        format!("--proxy-client-key-file={}", file("proxy.key")),
        "--authorization-mode=Node,RBAC".into(),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
        "--endpoint-reconciler-type=lease".into(),
    ]
}

fn controller_arguments(keys: &Keys, directory: &Path) -> Vec<String> {
    let kubeconfig = directory.join("keys/controllers.kubeconfig");
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--authentication-kubeconfig={}", kubeconfig.display()),
        format!("--authorization-kubeconfig={}", kubeconfig.display()),
        // Nobody asks it anything: no port.
        "--secure-port=0".into(),
        "--leader-elect=false".into(),
        "--use-service-account-credentials=true".into(),
        format!("--service-account-private-key-file={}", keys.path("tokens.key")),
        format!("--root-ca-file={}", keys.path("authority.crt")),
    ]
}
