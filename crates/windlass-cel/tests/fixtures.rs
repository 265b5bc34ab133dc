//! The language's own conformance cases (cel-spec) and those of the Kubernetes libraries.
//!
//! Cases are read from `WINDLASS_FIXTURES` or `../shared/fixtures` beside the project. `not-applicable.txt` lists, with
//! reasons, the only cases that may differ; one that passes must not stand there.
#![expect(clippy::print_stdout, reason = "each suite's counts are part of what it shows")]

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use windlass_cel::{Bindings, Environment, EvaluationError, Expression, Limits, Type, Value};

fn folder() -> PathBuf {
    let root = std::env::var_os("WINDLASS_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")), PathBuf::from);
    root.join("cel/cases")
}

fn read(path: &std::path::Path) -> Json {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("cannot read {}: {error}\n  hint: set WINDLASS_FIXTURES to the folder with conformance cases", path.display())
    });
    if path.extension().is_some_and(|extension| extension == "json") {
        return serde_json::from_str(&text).expect("a fixture is JSON");
    }
    serde_saphyr::from_str(&text).expect("a fixture is YAML")
}

/// Case name → why it may differ.
fn not_applicable() -> BTreeMap<&'static str, &'static str> {
    include_str!("not-applicable.txt").lines().filter_map(|line| line.split_once(": ")).collect()
}

/// Counts, and compares what failed with what may.
fn judge(suite: &str, results: Vec<(String, Result<(), String>)>) {
    let listed = not_applicable();
    let mut problems = Vec::new();
    let (mut passed, mut differing) = (0, 0);
    for (name, result) in &results {
        match (result, listed.contains_key(name.as_str())) {
            (Ok(()), false) => passed += 1,
            (Err(_), true) => differing += 1,
            (Ok(()), true) => problems.push(format!("{name}: passes, and must leave the list")),
            (Err(problem), false) => problems.push(format!("{name}: {problem}")),
        }
    }
    println!("cel/{suite}: {passed} passed, {} failed, {differing} not applicable (tests/not-applicable.txt)", problems.len());
    assert!(passed > 0, "no case ran");
    assert!(problems.is_empty(), "{} of {} cases:\n{}", problems.len(), results.len(), problems.join("\n"));
}

/// Whether the cases are there; says so where they are not.
fn have_cases() -> bool {
    let there = folder().is_dir();
    if !there {
        println!(
            "cel: nothing to run, {} does not exist\n  hint: set WINDLASS_FIXTURES to the folder with conformance cases",
            folder().display()
        );
    }
    there
}

#[test]
fn the_language_is_as_specified() {
    if !have_cases() {
        return;
    }
    let mut results = Vec::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder().join("cel-spec/core"))
        .expect("the suite is there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    for file in files {
        let document = read(&file);
        let stem = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        for section in list(&document["section"]) {
            for case in list(&section["test"]) {
                let name = format!("{stem}/{}/{}", text(&section["name"]), text(&case["name"]));
                results.push((name, specified(case)));
            }
        }
    }
    judge("cel-spec", results);
}

#[test]
fn kubernetes_libraries_are_as_specified() {
    if !have_cases() {
        return;
    }
    let mut results = Vec::new();
    for file in ["cidr", "ip", "quantity", "semver"] {
        let document = read(&folder().join("kubernetes-libraries").join(format!("{file}.yaml")));
        for (index, case) in list(&document["cases"]).iter().enumerate() {
            results.push((format!("{file}/{index}"), of_library(case)));
        }
    }
    judge("kubernetes-libraries", results);
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn specified(case: &Json) -> Result<(), String> {
    let source = text(&case["expr"]);
    let wants_error = case.get("eval_error").is_some();
    let mut environment = Environment::default();
    for declared in list(&case["type_env"]) {
        environment = environment.with(text(&declared["name"]), declared_type(&declared["ident"]["type"])?);
    }
    let mut bindings = Bindings::default();
    for (name, bound) in case["bindings"].as_object().into_iter().flatten() {
        bindings.set(name.as_str(), value(&bound["value"])?);
    }
    let checked = match Expression::parse(source) {
        Err(problem) => return if wants_error { Ok(()) } else { Err(format!("`{source}` is not parsed: {problem}")) },
        Ok(expression) => match expression.check(&environment) {
            Err(problems) => return if wants_error { Ok(()) } else { Err(format!("`{source}` is refused: {}", problems[0].message)) },
            Ok(checked) => checked,
        },
    };
    if let Some(wanted) = case["typed_result"].get("deduced_type") {
        let (wanted, found) = (declared_type(wanted)?.to_string(), checked.result().to_string());
        if wanted != found {
            return Err(format!("`{source}` is of type {found}, not {wanted}"));
        }
    }
    if case["check_only"] == true {
        return Ok(());
    }
    let wanted = case.get("value").or_else(|| case["typed_result"].get("result"));
    match (checked.evaluate(&bindings, &Limits::default()), wanted) {
        (Err(EvaluationError::LimitExceeded(why)), _) => Err(format!("`{source}`: {why}")),
        (Err(_), _) if wants_error => Ok(()),
        (Err(problem), _) => Err(format!("`{source}` fails: {problem}")),
        (Ok(found), _) if wants_error => Err(format!("`{source}` gives {found:?}, not an error")),
        (Ok(found), Some(wanted)) => {
            let wanted = value(wanted)?;
            if same(&found, &wanted) { Ok(()) } else { Err(format!("`{source}` gives {found:?}, not {wanted:?}")) }
        }
        // Without a value, `true` is wanted.
        (Ok(Value::Bool(true)), None) => Ok(()),
        (Ok(found), None) => Err(format!("`{source}` gives {found:?}, not true")),
    }
}

/// Equal and of one kind; NaN is NaN here, and maps have no order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Optional(Some(a)), b) => same(a, b),
        (Value::Type(a), Value::Type(b)) => a.to_string().split('(').next() == b.to_string().split('(').next(),
        (a, b) => a == b,
    }
}

/// A value as the protocol's JSON has it.
fn value(json: &Json) -> Result<Value, String> {
    let (kind, inner) = json.as_object().and_then(|fields| fields.iter().next()).ok_or("a value without kind")?;
    Ok(match kind.as_str() {
        "null_value" => Value::Null,
        "bool_value" => Value::Bool(inner == true),
        "int64_value" => Value::Int(text(inner).parse().map_err(|_| "no int")?),
        "uint64_value" => Value::Uint(text(inner).parse().map_err(|_| "no uint")?),
        "double_value" => Value::Double(inner.as_f64().or_else(|| text(inner).replace("Infinity", "inf").parse().ok()).ok_or("no double")?),
        "string_value" => text(inner).into(),
        "bytes_value" => {
            use base64::Engine as _;
            let bytes = base64::prelude::BASE64_STANDARD.decode(text(inner)).map_err(|_| "no base64")?;
            Value::Bytes(bytes.into())
        }
        "list_value" => list(&inner["values"]).iter().map(value).collect::<Result<Vec<_>, _>>()?.into(),
        "map_value" => {
            let source = list(&inner["entries"])
                .iter()
                .map(|entry| Ok((value(&entry["key"])?, value(&entry["value"])?)))
                .collect::<Result<Vec<_>, String>>()?;
            return literal_map(source);
        }
        "type_value" => {
            let named = Expression::parse(text(inner)).ok().and_then(|named| named.check(&Environment::default()).ok());
            return named
                .and_then(|named| named.evaluate(&Bindings::default(), &Limits::default()).ok())
                .ok_or_else(|| format!("no type `{}`", text(inner)));
        }
        "object_value" => return Err("a protobuf message".to_owned()),
        other => return Err(format!("a value of kind {other}")),
    })
}

fn literal_map(entries: Vec<(Value, Value)>) -> Result<Value, String> {
    use windlass_cel::value::Key;
    let key = |value: Value| {
        Ok(match value {
            Value::Bool(value) => Key::Bool(value),
            Value::Int(value) => Key::Int(value),
            Value::Uint(value) => Key::Uint(value),
            Value::String(value) => Key::String(value),
            other => return Err(format!("a key {other:?}")),
        })
    };
    let entries = entries.into_iter().map(|(found, value)| Ok((key(found)?, value))).collect::<Result<_, String>>()?;
    Ok(Value::Map(std::sync::Arc::new(entries)))
}

fn declared_type(json: &Json) -> Result<Type, String> {
    let (kind, inner) = json.as_object().and_then(|fields| fields.iter().next()).ok_or("a type without kind")?;
    Ok(match (kind.as_str(), text(inner)) {
        ("primitive", "BOOL") => Type::Bool,
        ("primitive", "INT64") => Type::Int,
        ("primitive", "UINT64") => Type::Uint,
        ("primitive", "DOUBLE") => Type::Double,
        ("primitive", "STRING") => Type::String,
        ("primitive", "BYTES") => Type::Bytes,
        ("well_known", "TIMESTAMP") => Type::Timestamp,
        ("well_known", "DURATION") => Type::Duration,
        ("null", _) => Type::Null,
        ("dyn", _) | ("well_known", "ANY") => Type::Dyn,
        ("list_type", _) => Type::list(inner.get("elem_type").map_or(Ok(Type::Dyn), declared_type)?),
        ("map_type", _) => Type::map(
            inner.get("key_type").map_or(Ok(Type::Dyn), declared_type)?,
            inner.get("value_type").map_or(Ok(Type::Dyn), declared_type)?,
        ),
        ("type", _) => Type::Type(Box::new(declared_type(inner)?)),
        ("wrapper", word) => Type::Nullable(Box::new(declared_type(&serde_json::json!({"primitive": word}))?)),
        ("abstract_type", _) if inner["name"] == "optional_type" => {
            list(&inner["parameter_types"]).first().map_or(Ok(Type::Dyn), declared_type)?.optional()
        }
        (kind, word) => return Err(format!("the type {kind} {word}")),
    })
}

fn of_library(case: &Json) -> Result<(), String> {
    let source = text(&case["expr"]);
    let wants_refusal = case.get("compileErrors").is_some();
    let expression = Expression::parse(source).map_err(|problem| problem.to_string())?;
    let checked = match expression.check(&Environment::default()) {
        Err(_) if wants_refusal => return Ok(()),
        Err(problems) => return Err(format!("`{source}` is refused: {}", problems[0].message)),
        Ok(_) if wants_refusal => return Err(format!("`{source}` is not refused")),
        Ok(checked) => checked,
    };
    let found = checked.evaluate(&Bindings::default(), &Limits::default());
    if case.get("runtimeError").is_some() {
        return if found.is_err() { Ok(()) } else { Err(format!("`{source}` does not fail")) };
    }
    let found = found.map_err(|problem| format!("`{source}` fails: {problem}"))?;
    if found.type_of().to_string() != text(&case["type"]) {
        return Err(format!("`{source}` is of type {}, not {}", found.type_of(), text(&case["type"])));
    }
    let shown = match found.to_json() {
        Ok(Json::String(shown)) => shown,
        Ok(other) => other.to_string(),
        Err(problem) => return Err(problem.to_string()),
    };
    if shown == text(&case["text"]) { Ok(()) } else { Err(format!("`{source}` gives {shown}, not {}", text(&case["text"]))) }
}
