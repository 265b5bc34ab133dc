//! The portal in process over a fake API: pages, buttons, sessions, and what hostile input becomes.

mod fake;

use axum::body::Body;
use fake::{Fake, instance, run, template};
use futures::StreamExt as _;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;
use windlass_portal::logs::{LogError, LogLine, LogQuery, LogSource};
use windlass_portal::{PortalOptions, Sessions};

const HOST: &str = "127.0.0.1:7400";

/// A browser with a session.
struct Browser {
    portal: axum::Router,
    cookie: String,
    sessions: Arc<Sessions>,
}

struct Lines;

impl LogSource for Lines {
    fn lines(&self, query: LogQuery) -> futures::stream::BoxStream<'static, Result<LogLine, LogError>> {
        let line = |text: &str| Ok(LogLine { at: None, part: format!("{}/replica-0", query.node), text: text.to_owned() });
        futures::stream::iter([line("listening"), line("error: \u{1b}[31mDATABASE_URL is empty <b>"), line("again")]).boxed()
    }
}

impl Browser {
    async fn open(fake: &Fake) -> Self {
        let sessions = Arc::new(Sessions::default());
        let options = PortalOptions {
            client: windlass_client::connect::in_process(fake.router()),
            sessions: Arc::clone(&sessions),
            version: "1.2.3".into(),
            public_origins: vec![HOST.into()],
            kubeconfig_hint: "/data/kubeconfig".into(),
            logs: Some(Arc::new(Lines)),
        };
        let portal = windlass_portal::router(options);
        let mut browser = Self { portal, cookie: String::new(), sessions };
        let link = browser.sessions.issue_link();
        let answer = browser.send(browser.form("/login", &[("token", &link)])).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        browser.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        browser
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header(header::HOST, HOST).header(header::COOKIE, &self.cookie)
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.request("POST", path).header(header::ORIGIN, format!("http://{HOST}")).body(Body::from(body.join("&"))).expect("a request")
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.portal.clone().oneshot(request).await.expect("the router always answers")
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        text(self.send(self.request("GET", path).body(Body::empty()).expect("a request")).await).await
    }

    /// The page, once the watches have read what it needs.
    async fn page(&self, path: &str, wanted: &str) -> String {
        let mut last = String::new();
        for _ in 0..200 {
            last = self.get(path).await.1;
            if last.contains(wanted) {
                return last;
            }
            tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await.ok();
        }
        panic!("`{wanted}` did not appear on {path}:\n{last}");
    }

    async fn token(&self, path: &str) -> String {
        let page = self.get(path).await.1;
        let (_, rest) = page.split_once("name=\"_token\" value=\"").expect("a form");
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// Presses a button of a page; gives status and where it leads.
    async fn press(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let token = self.token(page).await;
        let mut all = vec![("_token", token.as_str())];
        all.extend(fields);
        let answer = self.send(self.form(path, &all)).await;
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status(), to)
    }
}

async fn text(answer: Response<Body>) -> (StatusCode, String) {
    let status = answer.status();
    let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(bytes.to_vec()).expect("text"))
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn shop() -> Fake {
    let fake = Fake::default();
    fake.put(template());
    fake.put(fake::definition());
    fake.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    fake
}

#[tokio::test]
async fn only_our_host_our_origin_and_a_session_come_in() {
    let browser = Browser::open(&shop()).await;
    let foreign = Request::get("/").header(header::HOST, "evil.example").header(header::COOKIE, &browser.cookie).body(Body::empty());
    assert_eq!(browser.send(foreign.expect("a request")).await.status(), StatusCode::MISDIRECTED_REQUEST);
    let stranger = Request::get("/runs?state=failed").header(header::HOST, HOST).body(Body::empty());
    let answer = browser.send(stranger.expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()[header::LOCATION], "/login?next=%2Fruns%3Fstate%3Dfailed");
    let events = Request::get("/ui/events").header(header::HOST, HOST).header(header::ACCEPT, "text/event-stream").body(Body::empty());
    assert_eq!(browser.send(events.expect("a request")).await.status(), StatusCode::UNAUTHORIZED);
    let token = browser.token("/help").await;
    let elsewhere =
        browser.request("POST", "/logout").header(header::ORIGIN, "http://evil.example").body(Body::from(format!("_token={token}")));
    assert_eq!(browser.send(elsewhere.expect("a request")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(browser.send(browser.form("/logout", &[("_token", "guessed")])).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(browser.press("/help", "/logout", &[]).await, (StatusCode::SEE_OTHER, "/login".to_owned()));
    assert_eq!(browser.send(browser.request("GET", "/").body(Body::empty()).expect("a request")).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_login_link_is_worth_nothing_until_its_button_is_pressed() {
    let browser = Browser::open(&shop()).await;
    let link = browser.sessions.issue_link();
    for _ in 0..2 {
        let (status, page) = browser.get(&format!("/login?token={link}")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("works once"));
    }
    let send = || browser.send(browser.form("/login", &[("token", &link), ("next", "//evil.example")]));
    let answer = send().await;
    assert_eq!(answer.headers()[header::LOCATION], "/");
    assert_eq!(send().await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_answer_is_hardened_and_carries_nothing_inline() {
    let fake = shop();
    fake.put(instance("web", json!({"state": "Ready"})));
    let browser = Browser::open(&fake).await;
    browser.page("/instances", ">web<").await;
    for path in [
        "/",
        "/templates",
        "/templates/web-app",
        "/templates/web-app/new",
        "/instances",
        "/runs",
        "/help",
        "/search?q=web",
        "/nowhere",
        "/login",
        "/instances/platform.windlass.dev/WebApp/shop/web",
        "/instances/platform.windlass.dev/WebApp/shop/web?tab=yaml",
    ] {
        let answer = browser.send(browser.request("GET", path).body(Body::empty()).expect("a request")).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        let (_, page) = text(answer).await;
        assert!(!page.contains("style=\"") && !page.contains("<style") && !page.contains(" onclick"), "{path}");
        assert!(page.matches("<script").count() == page.matches("<script src=\"/ui/assets/").count(), "{path}");
        assert!(page.contains("<html lang=\"en\">") && page.matches("<h1").count() == 1, "{path}: one heading");
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "{path}: ids are unique: {ids:?}");
    }
}

#[tokio::test]
async fn an_empty_platform_teaches_the_first_step() {
    let browser = Browser::open(&shop()).await;
    let home = browser.page("/", "Start here").await;
    assert!(home.contains("href=\"/templates/web-app/new\""));
    assert!(browser.page("/instances", "Nothing has been asked for yet").await.contains("/templates"));
}

#[tokio::test]
async fn home_says_what_needs_a_person_worst_first() {
    let fake = shop();
    let not_ready = |reason: &str, message: &str| json!([{"type": "Ready", "status": "False", "reason": reason, "message": message}]);
    fake.put(instance("slow", json!({"state": "Degraded", "conditions": not_ready("Waiting", "waits for `app`")})));
    fake.put(instance("dead", json!({"state": "Failed", "conditions": not_ready("Failed", "no such directory")})));
    fake.put(instance("fine", json!({"state": "Ready"})));
    fake.put(run(
        "orders-4",
        json!({"title": "size S → M"}),
        json!({"state": "AwaitingApproval", "planHash": "h", "planned": "1 replace"}),
    ));
    let browser = Browser::open(&fake).await;
    browser.page("/", "orders: size S → M").await;
    let home = browser.page("/", "3 things need you").await;
    let at = |text: &str| home.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(at("no such directory") < at("waits for <code>app</code>") && at("waits for <code>app</code>") < at("1 replace"));
}

#[tokio::test]
async fn sending_the_form_plans_and_makes_nothing() {
    let fake = shop();
    let browser = Browser::open(&fake).await;
    let path = "/templates/web-app/new";
    let form = browser.page(path, "name=\"spec.source\"").await;
    assert!(form.contains("2 replicas · 512 MiB") && form.contains("25 EUR a month"), "{form}");
    let fields = [("_do", "plan"), ("name", "web"), ("namespace", "shop"), ("spec.source", "/srv"), ("spec.size", "M")];
    let (status, to) = browser.press(path, path, &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(to.starts_with("/runs/shop/web-preview-"), "{to}");
    let preview = fake.object("runs", to.rsplit('/').next().unwrap_or_default()).expect("the preview");
    assert_eq!(preview["spec"]["mode"], "Plan");
    assert_eq!(preview["spec"]["proposal"]["spec"], json!({"source": "/srv", "size": "M", "port": 8080}), "with the API's defaults");
    assert_eq!(fake.object("webapps", "web"), None);
}

#[tokio::test]
async fn the_api_s_refusal_stands_beside_the_field_and_what_was_typed_stays() {
    let fake = shop();
    fake.refuse(json!([{"field": "spec.port", "message": "Invalid value: 0: spec.port in body should be greater than or equal to 1"}]));
    let browser = Browser::open(&fake).await;
    let path = "/templates/web-app/new";
    browser.page(path, "spec.source").await;
    let token = browser.token(path).await;
    let fields =
        [("_token", token.as_str()), ("_do", "plan"), ("name", "web"), ("namespace", "shop"), ("spec.port", "0"), ("spec.source", "<x>\"")];
    let (status, page) = text(browser.send(browser.form(path, &fields)).await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("A whole number from 1 to 65535 is right."), "{page}");
    assert!(page.contains("value=\"&lt;x&gt;&quot;\""), "{page}");
    let live = browser.send(browser.form("/templates/web-app/new?fragment=live", &fields)).await;
    let (status, live) = text(live).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        live.starts_with("<aside class=\"card\" id=\"same\"") && live.contains("id=\"f-port-wrong\"") && !live.contains("<html"),
        "{live}"
    );
}

#[tokio::test]
async fn a_field_that_the_form_does_not_have_is_answered_and_nothing_planned() {
    let fake = shop();
    let browser = Browser::open(&fake).await;
    let path = "/templates/web-app/new";
    browser.page(path, "spec.source").await;
    let token = browser.token(path).await;
    let fields =
        [("_token", token.as_str()), ("_do", "plan"), ("name", "web"), ("namespace", "shop"), ("spec.source", "/srv"), ("spec.prot", "80")];
    let (status, page) = text(browser.send(browser.form(path, &fields)).await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let wanted = "There is no field <code>spec.prot</code>, so its value would be lost. Did you mean <code>spec.port</code>?";
    assert!(page.contains(wanted), "{page}");
    let filled = browser.get(&format!("{path}?spec.source=%2Fsrv&spec.prot=80&utm_source=mail")).await.1;
    assert!(filled.contains(wanted) && !filled.contains("utm_source"), "{filled}");
}

#[tokio::test]
async fn a_method_that_a_page_does_not_take_is_answered_in_words() {
    let browser = Browser::open(&shop()).await;
    let request = browser.request("PUT", "/help").header(header::ORIGIN, format!("http://{HOST}")).body(Body::empty());
    let (status, page) = text(browser.send(request.expect("a request")).await).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(page.contains("This page does not take <code>PUT</code>.") && page.contains("read with GET"), "{page}");
}

#[tokio::test]
async fn making_a_preview_binds_to_the_plan_that_was_seen() {
    let fake = shop();
    let proposal = json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"source": "/srv", "port": 8080}});
    let plan = json!({"instance": {"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "namespace": "shop", "name": "web"}, "hash": "h1",
        "nodes": [{"key": "app", "node": "app", "block": "workload", "target": "local", "action": "create", "wave": 0, "desired": {}}]});
    fake.put(run(
        "web-preview-1",
        json!({"mode": "Plan", "proposal": proposal}),
        json!({"state": "Succeeded", "planHash": "h1", "plan": plan}),
    ));
    let browser = Browser::open(&fake).await;
    let page = browser.page("/runs/shop/web-preview-1", "Make it").await;
    assert!(page.contains("1 create"));
    let make = "/runs/shop/web-preview-1/make";
    assert_eq!(browser.press("/runs/shop/web-preview-1", make, &[("hash", "old")]).await.0, StatusCode::CONFLICT);
    assert_eq!(fake.object("webapps", "web"), None);
    assert_eq!(browser.press("/runs/shop/web-preview-1", make, &[("hash", "h1")]).await.0, StatusCode::SEE_OTHER);
    let made = fake.object("webapps", "web").expect("the instance");
    let expected = made["metadata"]["annotations"]["windlass.dev/expected-plan"].as_str().unwrap_or_default();
    assert_eq!(expected, windlass_client::preview::expected_plan(&made, "h1"));
}

#[tokio::test]
async fn a_preview_of_something_that_changed_meanwhile_is_not_made() {
    let fake = shop();
    let mut live = instance("web", json!({"state": "Ready"}));
    live["metadata"]["generation"] = 3.into();
    fake.put(live);
    let proposal = json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"size": "L"}});
    let status = json!({"state": "Succeeded", "planHash": "h", "plan": {"instance": {"apiVersion": "a/v1", "kind": "WebApp", "name": "web"}, "nodes": []}});
    fake.put(run("web-preview-1", json!({"mode": "Plan", "proposal": proposal, "generation": 2}), status));
    let browser = Browser::open(&fake).await;
    browser.page("/runs/shop/web-preview-1", "changed since this plan was made").await;
    let (status, _) = browser.press("/runs/shop/web-preview-1", "/runs/shop/web-preview-1/make", &[("hash", "h")]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_ne!(fake.object("webapps", "web").expect("it")["spec"]["size"], "L");
}

#[tokio::test]
async fn approval_writes_the_hash_that_was_looked_at() {
    let fake = shop();
    fake.put(run("orders-4", json!({}), json!({"state": "AwaitingApproval", "planHash": "h4"})));
    let browser = Browser::open(&fake).await;
    let page = "/runs/shop/orders-4";
    browser.page(page, "Approve and run").await;
    let decide = "/runs/shop/orders-4/decide";
    assert_eq!(browser.press(page, decide, &[("hash", "h3"), ("verdict", "Approved")]).await.0, StatusCode::CONFLICT);
    assert_eq!(browser.press(page, decide, &[("hash", "h4"), ("verdict", "Maybe")]).await.0, StatusCode::BAD_REQUEST);
    let fields = [("hash", "h4"), ("verdict", "Rejected"), ("reason", "too dear")];
    assert_eq!(browser.press(page, decide, &fields).await, (StatusCode::SEE_OTHER, page.to_owned()));
    let decision = fake.object("runs", "orders-4").expect("the run")["spec"]["decision"].clone();
    assert_eq!(decision, json!({"verdict": "Rejected", "planHash": "h4", "reason": "too dear"}));
}

#[tokio::test]
async fn a_failed_run_explains_itself() {
    let fake = shop();
    let steps = json!([{"key": "app", "block": "workload", "target": "local", "action": "create", "state": "Failed", "message": "it exits at once"}]);
    fake.put(run("orders-5", json!({}), json!({"state": "Failed", "message": "`app` gave up after 5 attempts.", "steps": steps})));
    let browser = Browser::open(&fake).await;
    let page = browser.page("/runs/shop/orders-5", "First error in its output").await;
    assert!(page.contains("<code>error: DATABASE_URL is empty &lt;b&gt;</code>"), "{page}");
    assert!(page.contains("windlass run retry orders-5 -n shop") && page.contains("Try again now"));
    assert!(page.contains("role=\"log\"") && !page.contains('\u{1b}'));
}

#[tokio::test]
async fn hostile_names_and_values_stay_text() {
    let fake = shop();
    let evil = "<img src=x onerror=alert(1)>";
    let mut object = instance(
        "evil",
        json!({"state": evil, "url": "javascript:alert(1)", "conditions": [{"type": evil, "status": evil, "reason": evil, "message": evil}, {"type": "Ready", "status": "False", "message": evil}],
        "waitingOn": [{"node": evil, "reason": evil, "message": evil, "since": evil}]}),
    );
    object["spec"] = json!({"source": evil, "size": evil});
    fake.put(object);
    fake.put(run(
        "evil-1",
        json!({"title": evil, "by": evil}),
        json!({"state": "Failed", "message": evil, "planned": evil, "steps": [{"key": evil, "message": evil, "target": evil}]}),
    ));
    let browser = Browser::open(&fake).await;
    browser.page("/instances", ">evil<").await;
    let base = "/instances/platform.windlass.dev/WebApp/shop/evil";
    let query = format!("/search?q={}", encode(evil));
    for path in [
        "/",
        "/instances",
        "/runs",
        &query,
        base,
        &format!("{base}?tab=runs"),
        &format!("{base}?tab=events"),
        &format!("{base}?tab=yaml"),
        &format!("{base}/edit"),
        "/runs/shop/evil-1",
    ] {
        let (_, page) = browser.get(path).await;
        assert!(!page.contains("<img") && !page.contains("href=\"javascript"), "{path}: {page}");
    }
}

#[tokio::test]
async fn deletion_is_planned_first_and_refusals_are_said() {
    let fake = shop();
    fake.put(instance("web", json!({"state": "Ready"})));
    let browser = Browser::open(&fake).await;
    let page = "/instances/platform.windlass.dev/WebApp/shop/web";
    browser.page(page, "Delete…").await;
    let (status, to) = browser.press(page, &format!("{page}/delete"), &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let name = to.rsplit('/').next().unwrap_or_default();
    let mut preview = fake.object("runs", name).expect("the preview");
    assert_eq!(preview["spec"]["deletes"], true);
    assert!(fake.object("webapps", "web").is_some());
    let effects = json!([{"key": "ns", "action": "delete", "identity": {"kind": "Namespace", "apiVersion": "v1", "name": "team"}}]);
    preview["status"] = json!({"state": "Succeeded", "planHash": "d", "plan": {"instance": preview["spec"]["instance"], "hash": "d",
        "nodes": [{"key": "ns", "node": "ns", "block": "template", "target": "control-plane", "action": "delete", "wave": 0, "desired": {}, "effects": effects}]}});
    fake.put(preview);
    let drawn = browser.page(&to, "Delete web").await;
    assert!(drawn.contains("to confirm"), "a namespace holds more than the instance's own effects: {drawn}");
    let make = format!("{to}/make");
    assert_eq!(browser.press(&to, &make, &[("hash", "d"), ("confirm", "wrong")]).await.0, StatusCode::BAD_REQUEST);
    assert!(fake.object("webapps", "web").is_some());
    fake.forbid_deletes("approve it first: windlass run approve web-4");
    let token = browser.token(&to).await;
    let (status, said) = text(browser.send(browser.form(&make, &[("_token", &token), ("hash", "d"), ("confirm", "web")])).await).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(said.contains("windlass run approve web-4"), "{said}");
}

#[tokio::test]
async fn a_change_is_told_to_open_pages_and_drawn_in_their_live_part() {
    let fake = shop();
    fake.put(instance("web", json!({"state": "Progressing"})));
    let browser = Browser::open(&fake).await;
    let page = browser.page("/instances", ">web<").await;
    let since = page.split("data-since=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a sequence number");
    let events = browser.request("GET", &format!("/ui/events?watch=instances&since={since}")).body(Body::empty());
    let mut events = browser.send(events.expect("a request")).await.into_body().into_data_stream();
    let mut told = String::new();
    fake.put(instance("web", json!({"state": "Ready"})));
    while !told.contains("instances/platform.windlass.dev/WebApp/shop/web") {
        let more = tokio::time::timeout(Duration::from_secs(2), events.next()).await.expect("in time");
        told.push_str(std::str::from_utf8(&more.expect("the stream goes on").expect("bytes")).expect("text"));
    }
    let (_, live) = browser.get("/instances?fragment=live").await;
    assert!(live.starts_with("<nav class=\"side\" id=\"nav\"") && live.contains("id=\"live\"") && !live.contains("<html"), "{live}");
    assert!(live.contains("Ready"), "{live}");
}

#[tokio::test]
async fn a_thousand_instances_are_listed_in_pages() {
    let fake = shop();
    for number in 0..1000 {
        fake.put(instance(&format!("web-{number:04}"), json!({"state": if number == 777 { "Failed" } else { "Ready" }})));
    }
    let browser = Browser::open(&fake).await;
    let page = browser.page("/instances", "1–100 of 1000").await;
    assert!(page.find("web-0777") < page.find("web-0000"), "worst first");
    assert!(browser.page("/instances?page=9", "901–1000 of 1000").await.contains("web-0999"));
    assert!(browser.page("/instances?q=0042", "1 found").await.contains("web-0042"));
}

#[tokio::test]
async fn a_silent_api_is_said_and_not_a_panic() {
    let fake = shop();
    let browser = Browser::open(&fake).await;
    browser.page("/templates", "Web application").await;
    fake.fail();
    let (status, page) = browser.get("/templates/web-app").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(page.contains("windlass doctor"), "{page}");
    assert_eq!(browser.get("/templates").await.0, StatusCode::OK, "what was read before is still shown");
}

#[tokio::test]
async fn earlier_values_come_back_as_a_plan() {
    let fake = shop();
    fake.put(instance("web", json!({"state": "Ready"})));
    fake.put(run("web-1", json!({"number": 1, "values": {"source": "/old"}}), json!({"state": "Succeeded"})));
    let browser = Browser::open(&fake).await;
    let page = "/instances/platform.windlass.dev/WebApp/shop/web";
    browser.page(page, "Delete…").await;
    let (status, to) = browser.press(page, &format!("{page}/restore"), &[("run", "web-1")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let preview: Value = fake.object("runs", to.rsplit('/').next().unwrap_or_default()).expect("the preview");
    assert_eq!(preview["spec"]["proposal"]["spec"], json!({"source": "/old"}));
}
