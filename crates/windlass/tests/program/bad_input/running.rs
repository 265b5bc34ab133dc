//! Instances whose values are right and which cannot run: their conditions, `get`, `describe`, their page in the portal.

use super::conditions;
use super::neighbour::Neighbour;
use super::templates::GOOD;
use super::text_of_page::{between, text_of_page};
use crate::platform::Platform;
use std::net::TcpListener;

#[test]
fn a_directory_without_a_procfile_is_refused_before_anything_is_made() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    platform.write("empty/README", "nothing to run");
    let new = platform.says(&["new", "web-app", "empty", "--set", "source=empty", "--yes"]);
    let form = platform
        .post("/templates/web-app/new", &format!("_do=plan&name=empty&namespace=default&spec.source={}/empty", platform.home().display()));
    let plan = text_of_page(&platform.page(&form.location.expect("the page of a preview")));
    instance(&platform, "empty", &format!("source: {}/empty", platform.home().display()));
    let doors = doors(&platform, "empty", "{.status.state}=Failed");
    platform.compare("running-procfile-missing", &format!("{new}\n# portal: the plan\n{plan}\n{doors}"));
    neighbour.assert_untouched(&platform, "a Procfile that is missing");
}

#[test]
fn a_program_that_ends_at_once_says_how_and_where_to_look() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    instance(&platform, "ends", "command: \"echo DATABASE_URL is missing >&2; exit 3\"");
    let doors = doors(&platform, "ends", "{.status.waitingOn[0].reason}=ProgramEnded");
    platform.compare("running-ends-at-once", &doors);
    neighbour.assert_untouched(&platform, "a program that ends at once");
}

#[test]
fn an_address_that_somebody_else_took_says_who() {
    let mut platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    platform.write("site/index.html", "open");
    platform.does(&["new", "static-site", "site", "--set", "source=site", "--yes"]);
    let path = "/apis/platform.windlass.dev/v1alpha1/namespaces/default/staticsites/site";
    let address = platform.object(path)["status"]["address"].as_str().expect("an address").to_owned();
    let mut held = None;
    platform.restart(|| held = Some(TcpListener::bind(&address).expect("the platform has let it go")));
    platform.does(&["wait", "staticsite/site", "--for=jsonpath={.status.waitingOn[0].reason}=PortTaken", "--timeout=60s"]);
    let page = text_of_page(&platform.page("/instances/platform.windlass.dev/StaticSite/default/site"));
    let page = between(&page, "site", "windlass describe");
    let conditions = conditions(&platform.object(path));
    platform.compare("running-port-taken", &format!("# conditions\n{conditions}\n# portal\n{page}"));
    neighbour.assert_untouched(&platform, "an address that somebody else took");
    drop(held);
    platform.does(&["wait", "staticsite/site", "--for=condition=Ready", "--timeout=60s"]);
}

#[test]
fn an_object_that_somebody_else_made_is_named_and_left_alone() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    platform.write("greeting.yaml", GOOD);
    platform.does(&["apply", "-f", "greeting.yaml", "--wait"]);
    platform.write("theirs.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello-first}\ndata: {text: theirs}\n");
    platform.does(&["apply", "-f", "theirs.yaml"]);
    let theirs = platform.object("/api/v1/namespaces/default/configmaps/hello-first");
    let spec = "apiVersion: platform.windlass.dev/v1alpha1\nkind: Greeting\nmetadata: {name: hello}\nspec: {who: World}\n";
    platform.write("hello.yaml", spec);
    let plan = platform.says(&["plan", "-f", "hello.yaml"]);
    let form = platform.post("/templates/greeting/new", "_do=plan&name=hello&namespace=default&spec.who=World");
    let planned = between(&text_of_page(&platform.page(&form.location.expect("the page of a preview"))), "The plan for", "Back to");
    platform.does(&["apply", "-f", "hello.yaml"]);
    platform.does(&["wait", "greeting/hello", "--for=jsonpath={.status.waitingOn[0].reason}=Conflict", "--timeout=60s"]);
    let conditions = conditions(&platform.object("/apis/platform.windlass.dev/v1alpha1/namespaces/default/greetings/hello"));
    let page = text_of_page(&platform.page("/instances/platform.windlass.dev/Greeting/default/hello"));
    let page = between(&page, "hello", "windlass describe");
    platform.compare(
        "running-object-of-others",
        &format!("{plan}\n# portal: the plan\n{planned}\n# conditions\n{conditions}\n# portal: the instance\n{page}"),
    );
    assert_eq!(platform.object("/api/v1/namespaces/default/configmaps/hello-first"), theirs, "it is left as it was");
    neighbour.assert_untouched(&platform, "an object that somebody else made");
}

/// Applies a WebApp with one value.
fn instance(platform: &Platform, name: &str, value: &str) {
    let text = format!("apiVersion: platform.windlass.dev/v1alpha1\nkind: WebApp\nmetadata: {{name: {name}}}\nspec:\n  {value}\n");
    let file = format!("{name}.yaml");
    platform.write(&file, &text);
    platform.does(&["apply", "-f", &file]);
}

/// What every door says about an instance once this holds of it.
fn doors(platform: &Platform, name: &str, until: &str) -> String {
    platform.does(&["wait", &format!("webapp/{name}"), &format!("--for=jsonpath={until}"), "--timeout=60s"]);
    let object = platform.object(&format!("/apis/platform.windlass.dev/v1alpha1/namespaces/default/webapps/{name}"));
    let get = platform.says(&["get", "webapps", name]);
    let describe = platform.says(&["describe", "webapp", name]);
    let describe = between(&describe, "  Conditions:", "  Inventory:");
    let page = text_of_page(&platform.page(&format!("/instances/platform.windlass.dev/WebApp/default/{name}")));
    let page = between(&page, name, "windlass describe");
    format!("# conditions\n{}\n{get}\n# windlass describe: Conditions\n{describe}\n# portal\n{page}", conditions(&object))
}
