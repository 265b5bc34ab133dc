//! Checks of what a workload becomes on this machine.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn workload(value: serde_json::Value) -> Workload {
    serde_json::from_value(value).unwrap()
}

fn reason(value: serde_json::Value) -> &'static str {
    match shape(workload(value), &BTreeSet::new()) {
        Err(DriverError::Refused { reason, message }) => {
            assert!(message.contains("\n  hint: "), "{message}");
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_run_here_is_refused_with_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().to_str().unwrap();
    let container = |container: serde_json::Value| json!({"name": "a", "replicas": 1, "containers": {"main": container}});
    assert_eq!(reason(container(json!({"image": "nginx"}))), "ImageNeedsEngine");
    assert_eq!(reason(container(json!({"image": "."}))), "NothingToRun");
    assert_eq!(reason(json!({"name": "a", "replicas": 1, "containers": {}})), "NothingToRun");
    assert_eq!(reason(json!({"name": "a", "replicas": 101, "containers": {}})), "TooManyReplicas");
    assert_eq!(reason(container(json!({"image": ".", "command": ["x"], "limits": {"memory": "much"}}))), "InvalidQuantity");
    let source = |directory: &str| json!({"name": "a", "replicas": 1, "directory": directory, "containers": {"main": {"image": "."}}});
    assert_eq!(reason(source("relative")), "DirectoryNotAbsolute");
    assert_eq!(reason(source("/no/such/place")), "DirectoryMissing");
    assert_eq!(reason(source(here)), "ProcfileMissing");
    fs_err::write(root.path().join("Procfile"), "worker: x").unwrap();
    assert_eq!(reason(source(here)), "ProcfileWithoutWeb");
}

#[test]
fn a_procfile_implies_a_port() {
    let root = tempfile::tempdir().unwrap();
    fs_err::write(root.path().join("Procfile"), "web: serve $PORT").unwrap();
    let found = shape(
        workload(json!({"name": "a", "replicas": 2, "directory": root.path(), "containers": {"main": {"image": "."}}})),
        &BTreeSet::new(),
    )
    .unwrap();
    assert_eq!(found.commands["main"], ["/bin/sh", "-c", "exec serve $PORT"]);
    let parts: Vec<String> = found.parts().iter().map(ToString::to_string).collect();
    assert_eq!(parts, ["replica-0", "replica-1", "port-web"]);
}

#[test]
fn ports_files_and_variables_are_filled_in() {
    let shape = shape(
        workload(json!({"name": "a", "replicas": 1, "ports": {"web": {"port": 80, "targetPort": 8080}}, "containers": {"main": {
            "image": ".", "command": ["windlass", "files", "--directory", "/no-such-site", "--port", "$PORT", "$(COLOR)", "$PORTAL", "a/no-such-site"],
            "variables": {"COLOR": "blue", "PORT": "8080", "INDEX": "file:/no-such-site/index.html"},
            "files": {"/no-such-site/index.html": {"content": "x"}},
            "readinessProbe": {"httpGet": {"path": "/ok", "port": 8080}}}}})),
        &BTreeSet::new(),
    )
    .unwrap();
    let around = Surroundings { executable: "/opt/windlass".into(), environment: BTreeMap::from([("PATH".into(), "/bin".into())]) };
    let ports = BTreeMap::from([("web".to_owned(), 21_000)]);
    let found = launch(&shape, "main", &SlotDirectory::new("/slot"), Path::new("/files"), &ports, &around).unwrap();
    assert_eq!(
        found.program,
        ["/opt/windlass", "files", "--directory", "/files/no-such-site", "--port", "21000", "blue", "$PORTAL", "a/no-such-site"]
    );
    assert_eq!(found.environment["PORT"], "21000");
    assert_eq!(found.environment["INDEX"], "file:/files/no-such-site/index.html");
    assert_eq!(found.environment["PATH"], "/bin");
    assert_eq!(found.readiness, SlotProbe::Http { port: 21_000, path: "/ok".into(), host: None, headers: Vec::new() });
    assert_eq!(found.directory, Path::new("/slot/work"));
}

#[test]
fn hosts_are_names_below_localhost() {
    let instance = InstanceReference { name: "shop.v2".into(), namespace: Some("dev".into()), ..InstanceReference::default() };
    assert_eq!(default_host(&instance), "shop--v2.dev.localhost");
}

proptest! {
    #[test]
    fn text_without_references_stays(text in "[a-zA-Z0-9 /._-]{0,60}") {
        let environment = BTreeMap::from([("PORT".to_owned(), "1".to_owned())]);
        prop_assert_eq!(fill_in(&text, &environment), text.clone());
        prop_assert_eq!(replace_paths(&text, &[]), text);
    }

    #[test]
    fn no_text_breaks_filling_in(text in ".{0,60}") {
        let environment = BTreeMap::from([("PORT".to_owned(), "1".to_owned())]);
        let moved = [("/etc/app".to_owned(), "/files/etc/app".to_owned())];
        let _ = fill_in(&replace_paths(&text, &moved), &environment);
    }
}
