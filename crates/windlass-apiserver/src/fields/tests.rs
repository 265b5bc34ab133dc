//! Server-side apply, tracking and strategic merge against what a Kubernetes 1.35 API server makes of the same requests.

use super::{
    ApplyError, ApplyOptions, FieldSet, LAST_APPLIED, Type, UpdateOptions, apply, json_patch, keep_unchanged_times, merge_patch,
    strategic_merge, track_update,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use windlass_schema::structural::Schema;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::from_openapi(&json!({
        "type": "object",
        "properties": {
            "data": {"type": "object", "additionalProperties": {"type": "string"}},
            "spec": {
                "type": "object",
                "properties": {
                    "replicas": {"type": "integer"},
                    "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"},
                    "containers": {
                        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                        "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name",
                        "items": {"type": "object", "properties": {
                            "name": {"type": "string"}, "image": {"type": "string"},
                            "args": {"type": "array", "items": {"type": "string"}}
                        }}
                    },
                    "strategy": {"type": "object", "x-kubernetes-patch-strategy": "retainKeys", "properties": {
                        "type": {"type": "string"}, "rolling": {"type": "object", "properties": {"max": {"type": "integer"}}}
                    }},
                    "selector": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
                }
            },
            "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}}
        }
    }))
});

fn ty() -> Type<'static> {
    Type::of(&SCHEMA)
}

fn object(rest: Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}});
    merge_patch(&mut object, &rest);
    object
}

fn options(now: u32) -> ApplyOptions {
    ApplyOptions { now: format!("2026-01-02T03:04:{now:02}Z"), ..ApplyOptions::default() }
}

fn applied(live: Option<&Value>, manager: &str, rest: Value, now: u32) -> Value {
    apply(live, &object(rest), ty(), manager, &options(now)).unwrap_or_else(|error| panic!("{error}"))
}

fn updated(live: Option<&Value>, manager: &str, mut new: Value, now: u32) -> Value {
    let options = UpdateOptions { now: options(now).now, ..UpdateOptions::default() };
    track_update(live, &mut new, ty(), manager, &options);
    new
}

/// Managers with their operation and fields.
fn owners(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries.map(|entry| format!("{} {} {}", text(&entry["manager"]), text(&entry["operation"]), entry["fieldsV1"])).collect()
}

#[test]
fn an_apply_makes_an_object_and_owns_its_fields() {
    let made = applied(None, "me", json!({"data": {"a": "1"}, "spec": {"tags": ["x"], "selector": {"k": "v"}}}), 1);
    assert_eq!(
        made["metadata"]["managedFields"],
        json!([{
            "manager": "me", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-02T03:04:01Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}, "f:spec": {"f:selector": {}, "f:tags": {"v:\"x\"": {}}}}
        }])
    );
    let again = applied(Some(&made), "me", json!({"data": {"a": "1"}, "spec": {"tags": ["x"], "selector": {"k": "v"}}}), 9);
    assert_eq!(again, made, "an apply that changes nothing keeps its time");
}

#[test]
fn fields_left_out_go_unless_somebody_else_owns_them() {
    let one = applied(None, "one", json!({"data": {"a": "1", "b": "2"}}), 1);
    let two = applied(Some(&one), "two", json!({"data": {"b": "2"}}), 2);
    // An apply that only adds an owner changes nothing: the entry has no time, as on the real server.
    assert_eq!(owners(&two), ["two Apply {\"f:data\":{\"f:b\":{}}}", "one Apply {\"f:data\":{\"f:a\":{},\"f:b\":{}}}"]);
    let left = applied(Some(&two), "one", json!({}), 3);
    assert_eq!(left["data"], json!({"b": "2"}));
    assert_eq!(owners(&left), ["two Apply {\"f:data\":{\"f:b\":{}}}"]);
    let gone = applied(Some(&left), "two", json!({}), 4);
    assert_eq!(gone.get("data"), None);
    assert_eq!(gone["metadata"].get("managedFields"), None);
}

#[test]
fn conflicts_are_worded_as_kubernetes_words_them() {
    let live = updated(None, "kubectl-client-side-apply", object(json!({"data": {"a": "1", "b": "2"}})), 1);
    let refused = |rest: Value| match apply(Some(&live), &object(rest), ty(), "me", &options(2)) {
        Err(ApplyError::Conflicts(conflicts)) => conflicts,
        other => panic!("no conflict: {other:?}"),
    };
    let one = refused(json!({"data": {"a": "9", "b": "2"}}));
    assert_eq!(one.message(), "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.a");
    assert_eq!(one.causes(), [("conflict with \"kubectl-client-side-apply\" using v1".to_owned(), ".data.a".to_owned())]);
    let two = refused(json!({"data": {"a": "9", "b": "9"}}));
    assert_eq!(
        two.message(),
        "Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using v1:\n- .data.a\n- .data.b"
    );
    let forced = ApplyOptions { force: true, ..options(2) };
    let taken = apply(Some(&live), &object(json!({"data": {"a": "9"}})), ty(), "me", &forced).expect("force takes it over");
    assert_eq!(
        owners(&taken),
        ["me Apply {\"f:data\":{\"f:a\":{}}}", "kubectl-client-side-apply Update {\"f:data\":{\".\":{},\"f:b\":{}}}"]
    );
}

#[test]
fn list_elements_have_owners_of_their_own() {
    let one = applied(None, "one", json!({"spec": {"containers": [{"name": "a", "image": "1"}], "tags": ["x", "y"]}}), 1);
    let two = applied(Some(&one), "two", json!({"spec": {"containers": [{"name": "b", "image": "2"}], "tags": ["z"]}}), 2);
    assert_eq!(two["spec"]["containers"], json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]));
    assert_eq!(two["spec"]["tags"], json!(["x", "y", "z"]));
    let less = applied(Some(&two), "one", json!({"spec": {"tags": ["y"]}}), 3);
    assert_eq!(less["spec"], json!({"containers": [{"name": "b", "image": "2"}], "tags": ["y", "z"]}));
}

#[test]
fn an_object_that_was_never_tracked_belongs_to_before_first_apply() {
    let live = object(json!({"data": {"a": "1"}}));
    let after = applied(Some(&live), "me", json!({"data": {"b": "2"}}), 1);
    assert_eq!(owners(&after), ["me Apply {\"f:data\":{\"f:b\":{}}}", "before-first-apply Update {\"f:data\":{\".\":{},\"f:a\":{}}}"]);
}

#[test]
fn kubectl_takes_its_own_fields_over_from_client_side_apply() {
    let annotation = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}).to_string();
    let live = object(json!({"metadata": {"annotations": {LAST_APPLIED: annotation}}, "data": {"a": "1"}}));
    let live = updated(None, "kubectl-client-side-apply", live, 1);
    let after = applied(Some(&live), "kubectl", json!({"data": {"a": "2"}}), 2);
    assert_eq!(after["data"]["a"], "2");
    assert_eq!(
        after["metadata"]["annotations"][LAST_APPLIED],
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\",\"namespace\":\"default\"}}\n"
    );
    let other = apply(Some(&live), &object(json!({"data": {"a": "2"}})), ty(), "somebody", &options(2));
    assert!(matches!(other, Err(ApplyError::Conflicts(_))));
}

#[test]
fn updates_are_tracked_by_manager_version_and_subresource() {
    let made = updated(None, "a", object(json!({"data": {"x": "1", "y": "1"}})), 1);
    assert_eq!(owners(&made), ["a Update {\"f:data\":{\".\":{},\"f:x\":{},\"f:y\":{}}}"]);
    let mut changed = made.clone();
    changed["data"]["y"] = json!("2");
    let changed = updated(Some(&made), "b", changed, 2);
    assert_eq!(owners(&changed), ["a Update {\"f:data\":{\".\":{},\"f:x\":{}}}", "b Update {\"f:data\":{\"f:y\":{}}}"]);
    let mut ready = changed.clone();
    ready["status"] = json!({"ready": true});
    let status = UpdateOptions { subresource: "status".to_owned(), now: options(3).now, ignored: FieldSet::of_names(&["spec", "data"]) };
    track_update(Some(&changed), &mut ready, ty(), "b", &status);
    let last = ready["metadata"]["managedFields"][2].clone();
    assert_eq!((&last["subresource"], &last["fieldsV1"]), (&json!("status"), &json!({"f:status": {".": {}, "f:ready": {}}})));
}

#[test]
fn clients_may_reset_the_owners() {
    let made = updated(None, "a", object(json!({"data": {"x": "1"}})), 1);
    for entries in [json!([]), json!([{}])] {
        let mut reset = made.clone();
        reset["metadata"]["managedFields"] = entries;
        let reset = updated(Some(&made), "b", reset, 2);
        assert_eq!(reset["metadata"].get("managedFields"), None);
    }
    let mut silent = made.clone();
    silent["metadata"].as_object_mut().expect("an object").remove("managedFields");
    assert_eq!(owners(&updated(Some(&made), "b", silent, 2)), owners(&made));
}

#[test]
fn old_updaters_become_ancient_changes() {
    let mut live = updated(None, "m00", object(json!({"data": {"k00": "1"}})), 0);
    for number in 1..15 {
        let mut new = live.clone();
        new["data"][format!("k{number:02}")] = json!("1");
        live = updated(Some(&live), &format!("m{number:02}"), new, number);
    }
    let owners = owners(&live);
    assert_eq!(owners.len(), 10);
    assert!(owners[0].starts_with("ancient-changes Update"), "{owners:?}");
}

#[test]
fn configurations_that_do_not_fit_the_schema_are_refused() {
    let error = |rest: Value| apply(None, &object(rest), ty(), "me", &options(1)).expect_err("it does not fit").to_string();
    let prefix = "failed to create typed patch object (default/x; /v1, Kind=ConfigMap): ";
    assert_eq!(error(json!({"spec": {"replica": 1}})), format!("{prefix}.spec.replica: field not declared in schema"));
    let twice = error(json!({"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}));
    assert_eq!(twice, format!("{prefix}.spec.containers: duplicate entries for key [name=\"a\"]"));
    assert_eq!(error(json!({"metadata": {"managedFields": []}})), "metadata.managedFields must be nil");
}

#[test]
fn times_alone_are_no_change() {
    let made = applied(None, "me", json!({"data": {"a": "1"}}), 1);
    let mut later = made.clone();
    later["metadata"]["managedFields"][0]["time"] = json!("2027-01-01T00:00:00Z");
    keep_unchanged_times(&made, &mut later);
    assert_eq!(later, made);
}

fn strategic(before: Value, patch: Value, after: Value) {
    let mut target = before.clone();
    strategic_merge(&mut target, &patch, ty()).unwrap_or_else(|error| panic!("{patch}: {error}"));
    assert_eq!(target, after, "{patch} on {before}");
}

#[test]
fn strategic_patches_merge_lists_by_key() {
    let two = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}});
    strategic(
        two.clone(),
        json!({"spec": {"containers": [{"name": "b", "image": "3"}, {"name": "c", "image": "4"}]}}),
        json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "3"}, {"name": "c", "image": "4"}]}}),
    );
    strategic(
        two.clone(),
        json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}),
        json!({"spec": {"containers": [{"name": "b", "image": "2"}]}}),
    );
    strategic(
        two.clone(),
        json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "c"}]}}),
        json!({"spec": {"containers": [{"name": "c"}]}}),
    );
    strategic(
        two,
        json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "image": null}]}}),
        json!({"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "a"}]}}),
    );
}

#[test]
fn strategic_patches_know_sets_retained_keys_and_directives() {
    strategic(json!({"spec": {"tags": ["x", "y"]}}), json!({"spec": {"tags": ["z"]}}), json!({"spec": {"tags": ["z", "x", "y"]}}));
    strategic(
        json!({"spec": {"tags": ["x", "y"]}}),
        json!({"spec": {"$deleteFromPrimitiveList/tags": ["x"]}}),
        json!({"spec": {"tags": ["y"]}}),
    );
    strategic(
        json!({"spec": {"strategy": {"type": "Rolling", "rolling": {"max": 1}}}}),
        json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
        json!({"spec": {"strategy": {"type": "Recreate"}}}),
    );
    strategic(json!({"data": {"a": "1"}}), json!({"data": {"$patch": "replace", "b": "2"}}), json!({"data": {"b": "2"}}));
    strategic(json!({"data": {"a": "1", "b": "2"}}), json!({"data": {"a": null, "c": null}}), json!({"data": {"b": "2"}}));
    strategic(
        json!({"spec": {"containers": []}}),
        json!({"spec": {"containers": [{"name": "a", "args": ["x"]}]}}),
        json!({"spec": {"containers": [{"name": "a", "args": ["x"]}]}}),
    );
    let no_key =
        strategic_merge(&mut json!({"spec": {"containers": [{"name": "a"}]}}), &json!({"spec": {"containers": [{"image": "x"}]}}), ty());
    assert_eq!(
        no_key.map_err(|error| error.to_string()),
        Err("map: {\"image\":\"x\"} does not contain declared merge key: name".to_owned())
    );
}

/// A part of an object that fits the schema.
fn any_part(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let names = || prop::sample::subsequence(keys.to_vec(), 0..=keys.len()).prop_shuffle();
    (names(), names(), names(), any::<bool>(), prop::option::of(0..3_u8)).prop_map(|(data, tags, containers, images, selector)| {
        let data: serde_json::Map<String, Value> = data.into_iter().map(|key| (key.to_owned(), json!("1"))).collect();
        let containers: Vec<Value> = containers
            .into_iter()
            .map(|name| if images { json!({"name": name, "image": format!("{name}:1"), "args": [name]}) } else { json!({"name": name}) })
            .collect();
        let mut part = json!({});
        if !data.is_empty() {
            part["data"] = data.into();
        }
        if !tags.is_empty() {
            part["spec"]["tags"] = json!(tags);
        }
        if !containers.is_empty() {
            part["spec"]["containers"] = containers.into();
        }
        if let Some(selector) = selector {
            part["spec"]["free"][keys[0]] = json!({"deep": selector});
        }
        part
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        prop::sample::select(vec!["a", "delete", "replace", "merge", "add", "/spec/tags/0", "-"]).prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "data",
        "spec",
        "tags",
        "containers",
        "name",
        "image",
        "strategy",
        "selector",
        "$patch",
        "$retainKeys",
        "metadata",
        "managedFields",
        "$setElementOrder/containers",
        "$deleteFromPrimitiveList/tags",
        "$setElementOrder/tags",
        "op",
        "path",
        "value",
        "from",
        "free",
        "apiVersion",
        "annotations",
        "manager",
        "operation",
        "fieldsV1",
        "f:spec",
        "k:{\"name\":1}",
        "v:",
        ".",
    ]);
    leaf.prop_recursive(5, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

/// Whether `whole` has everything that `part` has; elements of lists in any place.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => part.iter().all(|part| whole.iter().any(|whole| contains(whole, part))),
        _ => whole == part,
    }
}

const LEFT: &[&str] = &["a", "b", "c"];
const RIGHT: &[&str] = &["p", "q", "r"];

proptest! {
    #[test]
    fn applying_twice_changes_nothing(first in any_part(LEFT), second in any_part(LEFT), other in any_part(RIGHT)) {
        let live = applied(None, "other", other, 1);
        let live = applied(Some(&live), "me", first, 2);
        let once = applied(Some(&live), "me", second.clone(), 3);
        let twice = applied(Some(&once), "me", second, 4);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn after_an_apply_the_object_has_what_was_applied(first in any_part(LEFT), other in any_part(RIGHT), second in any_part(LEFT)) {
        let live = applied(None, "me", first, 1);
        let live = applied(Some(&live), "other", other.clone(), 2);
        let after = applied(Some(&live), "me", second.clone(), 3);
        prop_assert!(contains(&after, &object(second)));
        prop_assert!(contains(&after, &object(other)), "nothing of the other applier is lost");
    }

    #[test]
    fn what_nobody_applies_any_more_is_gone(first in any_part(LEFT), other in any_part(RIGHT)) {
        let only = applied(None, "other", other.clone(), 1);
        let both = applied(Some(&only), "me", first, 2);
        let back = applied(Some(&both), "me", json!({}), 3);
        prop_assert!(super::path::equal(&back["spec"], &only["spec"]) && super::path::equal(&back["data"], &only["data"]), "{} {}", back, only);
        prop_assert_eq!(owners(&back), owners(&only));
    }

    #[test]
    fn appliers_of_different_fields_commute(left in any_part(LEFT), right in any_part(RIGHT)) {
        let one = applied(Some(&applied(None, "l", left.clone(), 1)), "r", right.clone(), 1);
        let two = applied(Some(&applied(None, "r", right, 1)), "l", left, 1);
        prop_assert!(contains(&one, &two) && contains(&two, &one), "{} {}", one, two);
        let (mut one, mut two) = (owners(&one), owners(&two));
        one.sort();
        two.sort();
        prop_assert_eq!(one, two);
    }

    #[test]
    fn fields_survive_their_encoding(part in any_part(LEFT)) {
        let set = ty().field_set(&object(part));
        prop_assert_eq!(FieldSet::decode(&set.encode()), Ok(set));
    }

    #[test]
    fn nothing_that_clients_send_makes_a_patch_panic(target in any_json(), patch in any_json()) {
        let mut copy = target.clone();
        if strategic_merge(&mut copy, &patch, ty()).is_err() {
            prop_assert_eq!(&copy, &target);
        }
        drop(json_patch(&mut target.clone(), &patch));
        merge_patch(&mut target.clone(), &patch);
        drop(apply(Some(&target), &patch, ty(), "kubectl", &options(1)));
        drop(apply(None, &patch, ty(), "me", &options(1)));
        let mut new = patch.clone();
        track_update(Some(&target), &mut new, ty(), "me", &UpdateOptions::default());
        let mut new = patch;
        track_update(None, &mut new, ty(), "me", &UpdateOptions::default());
        keep_unchanged_times(&target, &mut new);
    }
}
