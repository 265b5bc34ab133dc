//! Built-in kinds against what a Kubernetes 1.35 API server answered to the same input.

use super::{
    Endpoint, Kind, columns, custom_columns, decode_problem, defaults, find, find_kind, kinds, meta_problem, normalize, normalize_meta,
    openapi, protobuf, row, schema, validate,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

fn kind(name: &str) -> &'static Kind {
    kinds().iter().find(|kind| kind.kind == name).expect("a built-in kind")
}

/// Everything wrong with a new object, after defaults.
fn problems(name: &str, mut object: Value) -> Vec<String> {
    let kind = kind(name);
    defaults(kind, &mut object);
    validate(kind, Endpoint::Object, &object, None).iter().map(ToString::to_string).collect()
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

#[test]
fn every_kind_has_a_schema_and_stands_in_its_document() {
    for kind in kinds() {
        let document: Value = serde_json::from_str(&openapi(&kind.group_version()).expect("a document")).expect("the document is JSON");
        assert!(document["components"]["schemas"][kind.component].is_object(), "{}", kind.component);
        let wanted = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
        let creates = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .any(|(_, item)| item["post"]["x-kubernetes-group-version-kind"] == wanted && item.to_string().contains("fieldValidation"));
        assert!(creates, "{wanted}");
        assert!(schema(kind).root().properties.contains_key("metadata"));
        assert_eq!(find(kind.group, kind.version, kind.plural), find_kind(kind.group, kind.version, kind.kind));
    }
    assert_eq!(openapi("batch/v1"), None);
}

#[test]
fn documents_refer_only_to_what_they_have() {
    for group_version in ["v1", "apps/v1", "apiextensions.k8s.io/v1", "events.k8s.io/v1", "authorization.k8s.io/v1"] {
        let text = openapi(group_version).expect("a document");
        let document: Value = serde_json::from_str(&text).expect("the document is JSON");
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(document["components"]["schemas"][name].is_object(), "{group_version} refers to `{name}`");
        }
        assert!(!text.contains("\"@"), "every parameter is written out");
    }
}

#[test]
fn metadata_is_judged_in_kubernetes_words() {
    assert_eq!(
        problems("ConfigMap", json!({"metadata": {"name": "Foo_", "namespace": "default"}, "data": {"a/b": "1", "..x": "2"}})),
        [
            format!("metadata.name: Invalid value: \"Foo_\": {SUBDOMAIN}"),
            "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')".to_owned(),
            "data[..x]: Invalid value: \"..x\": must not start with '..'".to_owned(),
        ]
    );
    let meta = json!({
        "name": "x", "namespace": "default", "labels": {"a b": "c d", "a/b/c": "", "-": "x"}, "annotations": {"/x": ""},
        "finalizers": ["foo"], "ownerReferences": [{"name": "x"}]
    });
    assert_eq!(
        problems("ConfigMap", json!({"metadata": meta})),
        [
            format!("metadata.labels: Invalid value: \"a b\": name part {QUALIFIED}"),
            "metadata.labels: Invalid value: \"c d\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')".to_owned(),
            format!("metadata.labels: Invalid value: \"a/b/c\": a valid label key {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"),
            format!("metadata.labels: Invalid value: \"-\": name part {QUALIFIED}"),
            "metadata.annotations: Invalid value: \"/x\": prefix part must be non-empty".to_owned(),
            "metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty".to_owned(),
            "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty".to_owned(),
            "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty".to_owned(),
            "metadata.finalizers[0]: Invalid value: \"foo\": name is neither a standard finalizer name nor is it fully qualified".to_owned(),
        ]
    );
    assert_eq!(
        problems("Namespace", json!({"metadata": {"name": "a.b"}})),
        ["metadata.name: Invalid value: \"a.b\": must not contain dots"]
    );
    assert_eq!(
        problems("ConfigMap", json!({"metadata": {"namespace": "default"}})),
        ["metadata.name: Required value: name or generateName is required"]
    );
}

#[test]
fn bodies_that_go_cannot_decode_are_refused_in_its_words() {
    for (name, body, expected) in [
        ("ConfigMap", json!({"data": {"a": 1}}), "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        ("ConfigMap", json!({"data": []}), "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string"),
        (
            "ConfigMap",
            json!({"metadata": {"labels": {"a": 5}}}),
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            "ConfigMap",
            json!({"metadata": "x"}),
            "json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta",
        ),
        (
            "ConfigMap",
            json!({"metadata": {"generation": 1.5}}),
            "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "ConfigMap",
            json!({"metadata": {"finalizers": "y"}}),
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.finalizers of type []string",
        ),
        ("ConfigMap", json!({"binaryData": {"a": "?"}}), "illegal base64 data at input byte 0"),
        (
            "ConfigMap",
            json!({"metadata": {"creationTimestamp": "yesterday"}}),
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
        ),
        (
            "Deployment",
            json!({"spec": {"replicas": "x"}}),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
    ] {
        let found = decode_problem(kind(name), &body);
        assert_eq!(found, Some(format!("{name} in version \"v1\" cannot be handled as a {name}: {expected}")), "{body}");
    }
    let fine = json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1}}, "template": {"spec": {"containers": [{"resources": {"limits": {"cpu": 1}}}]}}}, "metadata": {"creationTimestamp": null}});
    assert_eq!(decode_problem(kind("Deployment"), &fine), None);
}

#[test]
fn stored_objects_have_no_nulls_and_nothing_unknown() {
    let mut object = json!({"metadata": {"name": "x", "creationTimestamp": null, "labels": {}}, "data": {"a": "b", "c": null}, "dataa": 1});
    normalize(kind("ConfigMap"), &mut object);
    assert_eq!(object, json!({"metadata": {"name": "x"}, "data": {"a": "b"}}));
}

#[test]
fn stored_objects_look_like_those_that_go_writes() {
    let mut object = json!({"metadata": {"name": "x", "managedFields": []}, "spec": {"replicas": 0, "paused": false, "template": {"spec": {"containers": [{"name": "a", "env": []}]}}}});
    normalize(kind("Deployment"), &mut object);
    let expected = json!({"metadata": {"name": "x", "managedFields": []}, "status": {}, "spec": {
        "replicas": 0, "strategy": {}, "template": {"metadata": {}, "spec": {"containers": [{"name": "a", "resources": {}}]}}}});
    assert_eq!(object, expected);
    let mut empty = serde_json::Map::new();
    protobuf::write_zero(kind("Deployment").component, &mut empty);
    let template = json!({"metadata": {}, "spec": {"containers": null}});
    assert_eq!(
        Value::Object(empty),
        json!({"metadata": {}, "spec": {"selector": null, "template": template, "strategy": {}}, "status": {}})
    );
    let mut custom =
        json!({"metadata": {"name": "x", "labels": {}, "finalizers": [], "creationTimestamp": null, "colour": 1}, "spec": {"list": []}});
    normalize_meta(&mut custom);
    assert_eq!(custom, json!({"metadata": {"name": "x"}, "spec": {"list": []}}));
    let problem = meta_problem(&json!({"labels": {"a": 5}}));
    assert_eq!(problem.as_deref(), Some("json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"));
}

#[test]
fn a_deployment_gets_the_defaults_of_the_real_server() {
    let mut object = json!({"spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
        "serviceAccountName": "me",
        "containers": [
            {"name": "a", "image": "nginx", "ports": [{"containerPort": 80}],
             "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
             "livenessProbe": {"httpGet": {"port": 80}}, "resources": {"limits": {"cpu": "1"}}, "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
            {"name": "b", "image": "r.io:5000/x:1.2"}
        ],
        "volumes": [{"name": "v"}, {"name": "c", "configMap": {"name": "x"}}, {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]
    }}}});
    defaults(kind("Deployment"), &mut object);
    let real = r#"{"replicas":1,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"volumes":[{"name":"v","emptyDir":{}},{"name":"c","configMap":{"name":"x","defaultMode":420}},{"name":"p","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3600,"path":"t"}}],"defaultMode":420}}],"containers":[{"name":"a","image":"nginx","ports":[{"containerPort":80,"protocol":"TCP"}],"env":[{"name":"N","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}}],"resources":{"limits":{"cpu":"1"}},"volumeMounts":[{"name":"v","mountPath":"/v"}],"livenessProbe":{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"},{"name":"b","image":"r.io:5000/x:1.2","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"me","serviceAccount":"me","securityContext":{},"schedulerName":"default-scheduler"}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}"#;
    assert_eq!(object["spec"], serde_json::from_str::<Value>(real).expect("the answer is JSON"));
}

#[test]
fn deployments_are_judged_as_by_the_real_server() {
    let meta = json!({"name": "x", "namespace": "default"});
    assert_eq!(
        problems("Deployment", json!({"metadata": meta, "spec": {}})),
        [
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
            "spec.template.spec.containers: Required value",
        ]
    );
    let bad = json!({"metadata": meta, "spec": {"replicas": -1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "other"}}, "spec": {
        "containers": [{"name": "A", "image": "", "ports": [{"containerPort": 70000}], "volumeMounts": [{"name": "q", "mountPath": ""}]}], "restartPolicy": "Never"}}}});
    assert_eq!(
        problems("Deployment", bad),
        [
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template `labels`",
            "spec.template.spec.containers[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            "spec.template.spec.containers[0].image: Required value",
            "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"q\"",
            "spec.template.spec.containers[0].volumeMounts[0].mountPath: Required value",
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ]
    );
    let twice = json!({"metadata": meta, "spec": {"selector": {"matchLabels": {"app": "web"}}, "strategy": {"type": "Recreate", "rollingUpdate": {}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "a", "image": "x"}]}}}});
    assert_eq!(
        problems("Deployment", twice),
        [
            "spec.template.spec.containers[1].name: Duplicate value: \"a\"",
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ]
    );
}

#[test]
fn secrets_take_texts_and_demand_what_their_type_needs() {
    let mut object = json!({"metadata": {"name": "x", "namespace": "default"}, "stringData": {"k": "hi"}});
    defaults(kind("Secret"), &mut object);
    assert_eq!((&object["type"], &object["data"], object.get("stringData")), (&json!("Opaque"), &json!({"k": "aGk="}), None));
    let tls = json!({"metadata": {"name": "x", "namespace": "default"}, "type": "kubernetes.io/tls"});
    assert_eq!(problems("Secret", tls), ["data[tls.crt]: Required value", "data[tls.key]: Required value"]);
    let docker = json!({"metadata": {"name": "x", "namespace": "default"}, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "c2VjcmV0"}});
    let found = problems("Secret", docker);
    assert!(found[0].contains("<secret contents redacted>") && !found[0].contains("c2VjcmV0"), "{found:?}");
}

#[test]
fn what_is_immutable_stays() {
    let update = |name: &str, old: Value, new: Value| -> Vec<String> {
        let meta = json!({"name": "x", "namespace": "default", "resourceVersion": "1", "uid": "u"});
        let with = |mut object: Value| {
            object["metadata"] = meta.clone();
            object
        };
        validate(kind(name), Endpoint::Object, &with(new), Some(&with(old))).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        update("ConfigMap", json!({"immutable": true, "data": {"a": "1"}}), json!({"immutable": false, "data": {"a": "2"}})),
        ["immutable: Forbidden: field is immutable when `immutable` is set", "data: Forbidden: field is immutable when `immutable` is set"]
    );
    assert_eq!(update("Secret", json!({"type": "Opaque"}), json!({"type": "x/y"})), ["type: Invalid value: \"x/y\": field is immutable"]);
    let renamed = validate(
        kind("ConfigMap"),
        Endpoint::Object,
        &json!({"metadata": {"name": "y", "namespace": "default", "resourceVersion": "1"}}),
        Some(&json!({"metadata": {"name": "x", "namespace": "default", "deletionTimestamp": "2026-01-01T00:00:00Z"}})),
    );
    assert_eq!(
        renamed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["metadata.name: Invalid value: \"y\": field is immutable", "metadata.deletionTimestamp: Invalid value: null: field is immutable"]
    );
}

#[test]
fn tables_show_what_the_real_server_shows() {
    let now: Timestamp = "2026-01-02T03:10:00Z".parse().expect("a time");
    let shown = |name: &str, object: Value| -> Value {
        let cells = row(name, &object, now);
        let columns = columns(name);
        assert_eq!(cells.len(), columns.len(), "{name}");
        Value::Object(columns.iter().map(|column| column.name.clone()).zip(cells).collect())
    };
    let meta = json!({"name": "x", "creationTimestamp": "2026-01-02T03:04:00Z"});
    assert_eq!(
        shown("ConfigMap", json!({"metadata": meta, "data": {"a": "1"}, "binaryData": {"b": ""}})),
        json!({"Name": "x", "Data": 2, "Age": "6m"})
    );
    assert_eq!(
        shown("Namespace", json!({"metadata": meta, "status": {"phase": "Active"}})),
        json!({"Name": "x", "Status": "Active", "Age": "6m"})
    );
    let deployment = json!({"metadata": meta, "spec": {"replicas": 3, "selector": {"matchLabels": {"b": "2", "a": "1"}}, "template": {"spec": {"containers": [
        {"name": "a", "image": "i"}, {"name": "b", "image": "j"}]}}}, "status": {"readyReplicas": 2, "updatedReplicas": 3}});
    assert_eq!(
        shown("Deployment", deployment),
        json!({"Name": "x", "Ready": "2/3", "Up-to-date": 3, "Available": 0, "Age": "6m", "Containers": "a,b", "Images": "i,j", "Selector": "a=1,b=2"})
    );
    let expected = json!({
        "Last Seen": "2m", "Type": "Normal", "Reason": "R", "Object": "pod/p", "Subobject": "", "Source": "c, i", "Message": "N",
        "First Seen": "6m", "Count": 4, "Name": "x"
    });
    let new = json!({"metadata": meta, "eventTime": "2026-01-02T03:04:00.000000Z", "series": {"count": 4, "lastObservedTime": "2026-01-02T03:08:00.000000Z"},
        "regarding": {"kind": "Pod", "name": "p"}, "note": " N ", "reason": "R", "type": "Normal", "reportingController": "c", "reportingInstance": "i"});
    assert_eq!(shown("Event", new), expected);
    let old = json!({"metadata": meta, "firstTimestamp": "2026-01-02T03:04:00Z", "lastTimestamp": "2026-01-02T03:08:00Z", "count": 4,
        "involvedObject": {"kind": "Pod", "name": "p"}, "message": "N", "reason": "R", "type": "Normal", "source": {"component": "c", "host": "i"}});
    assert_eq!(shown("Event", old), expected);
    assert_eq!(shown("CustomResourceDefinition", json!({"metadata": meta})), json!({"Name": "x", "Created At": "2026-01-02T03:04:00Z"}));
    assert!(columns("ConfigMap")[0].description.starts_with("Name must be unique within a namespace."));
}

#[test]
fn custom_resources_print_their_own_columns() {
    let now: Timestamp = "2026-01-02T03:10:00Z".parse().expect("a time");
    let object = json!({"metadata": {"name": "x", "creationTimestamp": "2026-01-02T03:09:00Z"}, "spec": {"n": 2.0, "flag": true, "map": {"a": 1}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "at": "never"}});
    let printer = custom_columns(&json!([
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
        {"name": "N", "type": "integer", "jsonPath": ".spec.n", "priority": 1},
        {"name": "Flag", "type": "boolean", "jsonPath": ".spec.flag"},
        {"name": "Map", "type": "string", "jsonPath": ".spec.map", "description": "own words"},
        {"name": "At", "type": "date", "jsonPath": ".status.at"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "None", "type": "string", "jsonPath": ".spec.none"}
    ]))
    .expect("the paths are right");
    assert_eq!(Value::from(printer.row(&object, now)), json!(["x", "True", 2, true, "{\"a\":1}", "<invalid>", "60s", null]));
    assert_eq!(
        printer.columns[1].description,
        "Custom resource definition column (in JSONPath format): .status.conditions[?(@.type==\"Ready\")].status"
    );
    let plain = custom_columns(&Value::Null).expect("there is a default");
    assert_eq!(Value::from(plain.row(&object, now)), json!(["x", "60s"]));
    assert_eq!(custom_columns(&json!([{"name": "x", "jsonPath": ".a["}])).err().as_deref(), Some("unrecognized column definition \".a[\""));
}

#[test]
fn definitions_are_judged() {
    let definition = |group: &str, versions: Value| json!({"metadata": {"name": "things.example.com"}, "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"}, "versions": versions}});
    let schema = json!({"openAPIV3Schema": {"type": "object"}});
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": schema});
    assert_eq!(problems("CustomResourceDefinition", definition("example.com", json!([version]))), Vec::<String>::new());
    assert_eq!(
        problems("CustomResourceDefinition", definition("example", json!([version]))),
        [
            "metadata.name: Invalid value: \"things.example.com\": must be spec.names.plural+\".\"+spec.group",
            "spec.group: Invalid value: \"example\": should be a domain with at least one dot",
        ]
    );
    let broken = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {}}}}});
    assert_eq!(
        problems("CustomResourceDefinition", definition("example.com", json!([broken]))),
        ["spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields"]
    );
}

#[test]
fn events_of_the_new_api_are_complete() {
    let kind = find_kind("events.k8s.io", "v1", "Event").expect("a built-in kind");
    let event = json!({"metadata": {"name": "e", "namespace": "default"}, "regarding": {"namespace": "default"}, "eventTime": "2026-01-02T03:04:05.000000Z"});
    let found: Vec<String> = validate(kind, Endpoint::Object, &event, None).iter().map(ToString::to_string).collect();
    for expected in ["reportingController: Required value", "action: Required value", "type: Invalid value: \"\": has invalid value: "] {
        assert!(found.contains(&expected.to_owned()), "{expected}: {found:?}");
    }
}

/// Without what Go writes for unset structs and fields that it always writes.
fn slim(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
            Value::Object(
                map.iter()
                    .map(|(key, value)| (key.clone(), slim(value)))
                    .filter(|(key, value)| !empty(value) && !["allowed", "reportingComponent", "reportingInstance"].contains(&key.as_str()))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.iter().map(slim).collect()),
        other => other.clone(),
    }
}

#[test]
fn protobuf_bodies_are_what_their_json_says() {
    use base64::Engine as _;
    for line in include_str!("protobuf_samples.txt").lines() {
        let (body, json) = line.split_once(' ').expect("a sample has two parts");
        let body = base64::engine::general_purpose::STANDARD.decode(body).expect("the sample is base64");
        let expected: Value = serde_json::from_str(json).expect("the sample is JSON");
        let found = protobuf::decode(&body).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(slim(&found), slim(&expected));
    }
    let deployment = include_str!("protobuf_samples.txt").lines().last().and_then(|line| line.split(' ').next()).expect("a sample");
    let deployment = protobuf::decode(&base64::engine::general_purpose::STANDARD.decode(deployment).expect("base64")).expect("protobuf");
    assert_eq!(deployment["spec"]["replicas"], 0, "behind a pointer zero is a value");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!((&pod["securityContext"], &pod["volumes"][0]["emptyDir"]), (&json!({}), &json!({})));
}

#[test]
fn protobuf_bodies_of_other_kinds_are_refused() {
    assert_eq!(protobuf::decode(b"{}"), Err(protobuf::ProtobufError::Magic));
    let pod = b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod";
    assert_eq!(protobuf::decode(pod), Err(protobuf::ProtobufError::Kind("Pod".to_owned())));
}

proptest! {
    #[test]
    fn no_body_makes_the_protobuf_decoder_panic(sample in 0..10_usize, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8), cut in any::<usize>()) {
        use base64::Engine as _;
        let line = include_str!("protobuf_samples.txt").lines().nth(sample).unwrap_or_default();
        let mut body = base64::engine::general_purpose::STANDARD.decode(line.split(' ').next().unwrap_or_default()).unwrap_or_default();
        for (at, byte) in changes {
            let length = body.len();
            body[at % length] = byte;
        }
        body.truncate(cut % (body.len() + 1));
        drop(protobuf::decode(&body));
    }

    #[test]
    fn no_json_makes_defaults_or_validation_panic(spec in "[\\[\\]{}:,\"a-z0-9 ]{0,40}", which in 0..12_usize) {
        let kind = &kinds()[which];
        let inner: Value = serde_json::from_str(&spec).unwrap_or(Value::Null);
        for mut object in [json!({"metadata": inner, "spec": inner, "data": inner, "stringData": inner}), json!({"spec": {"template": inner, "names": inner, "versions": inner, "selector": inner}}), inner.clone()] {
            drop(decode_problem(kind, &object));
            defaults(kind, &mut object);
            normalize(kind, &mut object);
            drop(validate(kind, Endpoint::Object, &object, Some(&inner)));
            drop(kind.row(&object, Timestamp::UNIX_EPOCH));
        }
    }
}
