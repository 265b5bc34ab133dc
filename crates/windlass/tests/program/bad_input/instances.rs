//! Instances whose values are wrong: `apply`, `new`, the API's own answer, the portal's form. None of them is made.

use super::neighbour::Neighbour;
use super::text_of_page::{between, text_of_page};
use crate::platform::{JSON, Platform};
use serde_json::{Value, json};

/// One wrong instance, as each door is told of it.
struct Case {
    name: &'static str,
    template: &'static str,
    kind: &'static str,
    plural: &'static str,
    spec: fn() -> Value,
    /// Further arguments of `windlass new`.
    new: &'static [&'static str],
    /// Fields of the portal's form.
    form: &'static str,
}

const CASES: &[Case] = &[
    Case {
        name: "wrong-type",
        template: "web-app",
        kind: "WebApp",
        plural: "webapps",
        spec: || json!({"source": "/srv", "port": "eighty"}),
        new: &["--set", "source=/srv", "--set", "port=eighty"],
        form: "spec.source=/srv&spec.port=eighty",
    },
    Case {
        name: "missing-value",
        template: "static-site",
        kind: "StaticSite",
        plural: "staticsites",
        spec: || json!({"size": "S"}),
        new: &["--size", "S"],
        form: "spec.source=&spec.size=S",
    },
    Case {
        name: "missing-choice",
        template: "web-app",
        kind: "WebApp",
        plural: "webapps",
        spec: || json!({"port": 8080}),
        new: &["--set", "port=8080"],
        form: "spec.port=8080",
    },
    Case {
        name: "unknown-field",
        template: "web-app",
        kind: "WebApp",
        plural: "webapps",
        spec: || json!({"source": "/srv", "prot": 80}),
        new: &["--set", "source=/srv", "--set", "prot=80"],
        form: "spec.source=/srv&spec.prot=80",
    },
    Case {
        name: "unknown-size",
        template: "web-app",
        kind: "WebApp",
        plural: "webapps",
        spec: || json!({"source": "/srv", "size": "XXL"}),
        new: &["--set", "source=/srv", "--size", "XXL"],
        form: "spec.source=/srv&spec.size=XXL",
    },
    Case {
        name: "out-of-range",
        template: "web-app",
        kind: "WebApp",
        plural: "webapps",
        spec: || json!({"source": "/srv", "port": 70_000}),
        new: &["--set", "source=/srv", "--set", "port=70000"],
        form: "spec.source=/srv&spec.port=70000",
    },
];

#[test]
fn wrong_values_are_answered_alike_at_every_door_and_nothing_is_made() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    for case in CASES {
        let object = json!({
            "apiVersion": "platform.windlass.dev/v1alpha1", "kind": case.kind, "metadata": {"name": "bad", "namespace": "default"},
            "spec": (case.spec)(),
        });
        let path = format!("/apis/platform.windlass.dev/v1alpha1/namespaces/default/{}", case.plural);
        let file = format!("{}.json", case.name);
        platform.write(&file, &object.to_string());
        let apply = platform.says(&["apply", "-f", &file]);
        let new = platform.says(&[&["new", case.template, "bad", "--yes"], case.new].concat());
        let plan = platform.says(&["plan", "-f", &file]);
        let answer = platform.send("POST", &format!("{path}?fieldValidation=Strict"), JSON, &object.to_string());
        let form =
            platform.post(&format!("/templates/{}/new", case.template), &format!("_do=plan&name=bad&namespace=default&{}", case.form));
        let page = between(&text_of_page(&form.body), "New ", "Name");
        let text = format!(
            "{apply}\n{new}\n{plan}\n# API: {}\n{}\n\n# portal: {}\n{page}",
            answer.status,
            said_by_the_api(&answer.body),
            form.status
        );
        platform.compare(&format!("instance-{}", case.name), &text);
        assert_eq!(platform.send("GET", &format!("{path}/bad"), JSON, "").status, 404, "{}: nothing was made", case.name);
        neighbour.assert_untouched(&platform, case.name);
    }
}

/// Reason, message and causes of a refusal.
fn said_by_the_api(body: &str) -> String {
    let status: Value = serde_json::from_str(body).expect("a Status");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{}: {}", text(&status["reason"]), text(&status["message"]))];
    for cause in status["details"]["causes"].as_array().into_iter().flatten() {
        lines.push(format!("- {}: {}", text(&cause["field"]), text(&cause["message"])));
    }
    lines.join("\n")
}

#[test]
fn runs_of_what_is_not_there_are_not_an_empty_list() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    let said = [
        platform.says(&["run", "list", "webapp/nobody"]),
        platform.says(&["run", "list", "nope/neighbour"]),
        // By the name of its Template, as other commands take it.
        platform.says(&["run", "list", "web-app/neighbour"]),
    ];
    platform.compare("instance-runs", &said.join("\n"));
    neighbour.assert_untouched(&platform, "a look at Runs");
}
