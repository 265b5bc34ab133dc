//! Templates that are wrong: `template check`, `apply`, the object, the portal's page.

use super::conditions;
use super::neighbour::Neighbour;
use super::text_of_page::{between, text_of_page};
use crate::platform::Platform;

/// A Template with nothing wrong.
pub(crate) const GOOD: &str = r#"apiVersion: windlass.dev/v1alpha1
kind: Template
metadata: {name: greeting}
spec:
  title: Greeting
  schema:
    apiVersion: v1alpha1
    kind: Greeting
    spec:
      who: string | required=true
      times: integer | default=1
  sizes:
    default: S
    values:
      S: {cpu: 100m, memory: 128Mi}
      L: {cpu: "1", memory: 1Gi}
  resources:
    - id: first
      template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "${schema.metadata.name}-first"}
        data: {text: "Hello ${schema.spec.who}"}
    - id: second
      template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "${schema.metadata.name}-second"}
        data: {text: "${first.data.text}"}
"#;

/// What makes it wrong: name of the case, what stands there, what stands there instead.
const CASES: &[(&str, &str, &str)] = &[
    ("unknown-name", "Hello ${schema.spec.who}", "Hello ${shema.spec.who}"),
    ("unknown-field", "Hello ${schema.spec.who}", "Hello ${schema.spec.whom}"),
    ("wrong-type", "text: \"Hello ${schema.spec.who}\"", "text: \"${schema.spec.times}\""),
    ("cycle", "Hello ${schema.spec.who}", "Hello ${second.data.text}"),
    ("bad-marker", "string | required=true", "string | requierd=true"),
    ("bad-value-of-marker", "integer | default=1", "integer | default=one"),
    ("wrong-unit", "{cpu: 100m,", "{cpu: 4Gi,"),
    ("unclosed-expression", "Hello ${schema.spec.who}", "Hello ${schema.spec.who"),
];

#[test]
fn a_wrong_template_is_answered_alike_at_every_door() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    for (case, good, bad) in CASES {
        assert!(GOOD.contains(good), "{case}");
        let text = GOOD.replacen(good, bad, 1).replace("name: greeting", &format!("name: {case}"));
        let file = format!("{case}.yaml");
        platform.write(&file, &text);
        let check = platform.says(&["template", "check", &file]);
        let apply = platform.says(&["apply", "-f", &file]);
        platform.does(&["wait", &format!("template/{case}"), "--for=condition=Ready=False", "--timeout=60s"]);
        let object = platform.object(&format!("/apis/windlass.dev/v1alpha1/templates/{case}"));
        let get = platform.says(&["get", "templates", case]);
        let page = between(&text_of_page(&platform.page(&format!("/templates/{case}"))), "Greeting", "What you get");
        let conditions = conditions(&object);
        platform.compare(case, &format!("{check}\n{apply}\n{get}\n# conditions\n{conditions}\n# portal: /templates/{case}\n{page}"));
        neighbour.assert_untouched(&platform, case);
    }
}

#[test]
fn a_template_that_becomes_wrong_goes_on_serving_what_was_right() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    let text = GOOD.replace("name: greeting", "name: served");
    platform.write("served.yaml", &text);
    platform.does(&["apply", "-f", "served.yaml", "--wait"]);
    platform.write(
        "hello.json",
        r#"{"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "Greeting", "metadata": {"name": "hello"}, "spec": {"who": "World"}}"#,
    );
    platform.does(&["apply", "-f", "hello.json", "--wait"]);
    platform.write("served.yaml", &text.replace("Hello ${schema.spec.who}", "Hello ${shema.spec.who}"));
    let apply = platform.says(&["apply", "-f", "served.yaml"]);
    let object = platform.object("/apis/windlass.dev/v1alpha1/templates/served");
    let page = between(&text_of_page(&platform.page("/templates/served")), "Greeting", "What you get");
    let instance = platform.object("/apis/platform.windlass.dev/v1alpha1/namespaces/default/greetings/hello");
    let text = format!(
        "{apply}\n# conditions\n{}\n# portal: /templates/served\n{page}\n# the instance\n{}",
        conditions(&object),
        conditions(&instance)
    );
    platform.compare("becomes-wrong", &text);
    neighbour.assert_untouched(&platform, "a Template that becomes wrong");
}
