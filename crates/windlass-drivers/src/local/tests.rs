//! Checks of the target with real processes. The test program is its own shim: see [`machine::as_windlass`].

mod machine;
mod replace;

use super::LogQuery;
use machine::{Machine, body, eventually, instance, processes};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use windlass_api::driver::{Observation, Outcome};
use windlass_api::plan::Action;
use windlass_api::planned::{Planned, SecretReference};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_comes_answers_grows_and_goes_without_a_trace() {
    let machine = Machine::start().await;
    let shop = instance("shop");
    let app = body(1, json!({"image": ".", "command": ["windlass", "echo"]}));
    let answer = machine.carry_out(&shop, &app).await;
    assert_eq!(answer.action, Action::Create);
    let keys: Vec<&str> = answer.effects.iter().map(|effect| effect.key.as_str()).collect();
    assert_eq!(keys, ["app/replica-0", "app/port-http", "app/route-www"]);
    machine.ready(&shop, &app).await;

    let (url, address) = machine.addresses(&shop, &app).await;
    assert_eq!(url, format!("http://shop.dev.localhost:{}", machine.target().apps_address().port()));
    let (status, text) = machine.get("shop.dev.localhost", "/").await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("host=shop.dev.localhost") && text.contains("forwarded-for=127.0.0.1"), "{text}");
    assert_eq!(machine.get_address(&address, "/x").await.unwrap().0, 200);

    assert_eq!(machine.plan(&shop, &app).await.unwrap().action, Action::None);
    let grown = body(4, json!({"image": ".", "command": ["windlass", "echo"]}));
    let answer = machine.carry_out(&shop, &grown).await;
    assert_eq!(answer.action, Action::Update);
    assert_eq!(answer.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["replicas"]);
    assert_eq!(answer.effects.iter().filter(|effect| effect.action == Action::Create).count(), 3);
    machine.ready(&shop, &grown).await;
    let mut answered_by = BTreeSet::new();
    eventually("four processes answer", async || {
        answered_by.insert(machine.get("shop.dev.localhost", "/").await.1.split_whitespace().next().unwrap_or_default().to_owned());
        answered_by.len() == 4
    })
    .await;

    let answer = machine.carry_out(&shop, &app).await;
    assert_eq!(answer.effects.iter().filter(|effect| effect.action == Action::Delete).count(), 3);
    machine.destroy(&shop, &app).await;
    assert!(machine.get_address(&address, "/").await.is_err());
    assert_eq!(machine.get("shop.dev.localhost", "/").await.0, 404);
    machine.assert_nothing_left();
    assert!(matches!(machine.plan(&shop, &app).await.unwrap().observation, Observation::Absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_fork_leave_their_session_or_clear_their_environment_go_too() {
    let machine = Machine::start().await;
    let (a, b, c) = (machine::odd_number(), machine::odd_number(), machine::odd_number());
    let script = format!("(setsid sh -c 'sleep {a} & wait' &)\n(env -i /bin/sh -c 'exec setsid sleep {b}' &)\nexec sleep {c}");
    let app = Planned::Known(json!({"name": "w", "replicas": 1, "containers": {"main": {"image": ".", "command": ["sh", "-c", script]}}}));
    let worker = instance("worker");
    machine.carry_out(&worker, &app).await;
    for number in [&a, &b, &c] {
        eventually("it runs", async || !processes(number).is_empty()).await;
    }
    machine.destroy(&worker, &app).await;
    for number in [&a, &b, &c] {
        assert_eq!(processes(number), BTreeSet::new());
    }
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_shim_left_is_found_and_run_once() {
    let mut machine = Machine::start().await;
    let number = machine::odd_number();
    let script = format!("(env -i /bin/sh -c 'exec sleep {number}' &)\nexec sleep {number}");
    let app = Planned::Known(json!({"name": "w", "replicas": 1, "containers": {"main": {"image": ".", "command": ["sh", "-c", script]}}}));
    let worker = instance("worker");
    machine.carry_out(&worker, &app).await;
    eventually("both run", async || processes(&number).len() == 2).await;
    let before = processes(&number);
    machine.kill_shims();
    machine.restart().await;
    eventually("both run anew", async || {
        let now = processes(&number);
        now.len() == 2 && now.is_disjoint(&before)
    })
    .await;
    machine.destroy(&worker, &app).await;
    assert_eq!(processes(&number), BTreeSet::new());
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_any_two_calls_changes_nothing_in_the_end() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let app = body(
        2,
        json!({"image": ".", "command": ["windlass", "files", "--directory", "/no-such-site", "--port", "$PORT"], "files": {"/no-such-site/index.html": {"content": "hello"}}}),
    );
    let answer = machine.plan(&shop, &app).await.unwrap();
    let mut effects = answer.effects;
    effects.sort_by_key(|effect| effect.stage);
    for effect in &effects {
        for _ in 0..2 {
            machine.restart().await;
            assert!(matches!(machine.apply_until_done(&shop, &app, effect).await, Outcome::Done { .. }));
        }
    }
    machine.ready(&shop, &app).await;
    let pids = machine.facts(&shop, &app, "pid").await;
    assert_eq!(pids.len(), 2);
    machine.restart().await;
    // It answers before anything is reconciled.
    assert_eq!(machine.get("shop.dev.localhost", "/").await, (200, "hello".into()));
    assert_eq!(machine.plan(&shop, &app).await.unwrap().action, Action::None);
    assert_eq!(machine.facts(&shop, &app, "pid").await, pids);
    for effect in effects.iter().rev() {
        for _ in 0..2 {
            machine.restart().await;
            machine.delete_until_done(&shop, effect).await;
        }
    }
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_began_comes_about_by_itself() {
    let mut machine = Machine::start().await;
    let number = machine::odd_number();
    let app = |replicas: u32| {
        let command = ["sh", "-c", &format!("trap 'sleep 1; exit 0' TERM; sleep {number} & wait")];
        Planned::Known(json!({"name": "w", "replicas": replicas, "containers": {"main": {"image": ".", "command": command}}}))
    };
    let worker = instance("worker");
    machine.carry_out(&worker, &app(3)).await;
    eventually("all run", async || processes(&number).len() == 3).await;
    // Killed after the mark and before the supervisor was told.
    let slot = machine.slot(&worker, "replica-2");
    machine.stop();
    slot.mark_deleted().unwrap();
    machine.restart().await;
    eventually("the slot is gone", async || !slot.path().exists()).await;
    // Told by a call that waited no longer; here Windlass went on.
    let slot = machine.slot(&worker, "replica-1");
    slot.mark_deleted().unwrap();
    machine.sweep().await;
    eventually("the slot is gone", async || !slot.path().exists()).await;
    assert_eq!(processes(&number).len(), 1);
    assert_eq!(machine.plan(&worker, &app(1)).await.unwrap().action, Action::None);
    machine.destroy(&worker, &app(1)).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_apply_can_be_deleted() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let app = body(1, json!({"image": ".", "command": ["windlass", "echo"]}));
    let answer = machine.plan(&shop, &app).await.unwrap();
    let effect = &answer.effects[0];
    machine.executable_is("/bin/false").await;
    assert!(matches!(machine.apply(&shop, &app, effect).await, Outcome::Pending { .. }));
    machine.delete_until_done(&shop, effect).await;
    machine.delete_until_done(&shop, effect).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_slots_at_once_get_fifty_ports() {
    let machine = Machine::start().await;
    let app = body(1, json!({"image": ".", "command": ["sleep", "1000"]}));
    let names: Vec<_> = (0..50).map(|index| instance(&format!("app{index}"))).collect();
    let mut effects = Vec::new();
    for name in &names {
        effects.push(machine.plan(name, &app).await.unwrap().effects.remove(0));
    }
    let applied = names.iter().zip(&effects).map(|(name, effect)| machine.apply_until_done(name, &app, effect));
    futures::future::join_all(applied).await;
    let mut ports = BTreeSet::new();
    for name in &names {
        ports.extend(machine.facts(name, &app, "port").await);
    }
    assert_eq!(ports.len(), 50);
    machine.target().stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_is_started_again_and_shows_no_secret() {
    let machine = Machine::start().await;
    let word = "correct-horse-battery";
    let planned = |password: Planned| {
        let variables = Planned::map(vec![("PASSWORD".into(), password)]);
        let container = Planned::map(vec![
            ("image".into(), Planned::Known(json!("."))),
            ("command".into(), Planned::Known(json!(["sh", "-c", "echo my password is $PASSWORD >&2; exit 3"]))),
            ("variables".into(), variables),
        ]);
        Planned::map(vec![
            ("name".into(), Planned::Known(json!("w"))),
            ("replicas".into(), Planned::Known(json!(1))),
            ("containers".into(), Planned::map(vec![("main".into(), container)])),
        ])
    };
    let fingerprint = |text: &str| Planned::Secret(SecretReference { reference: None, fingerprint: text.into() });
    let app = planned(fingerprint("f1"));
    let resolved = planned(Planned::Known(json!(word))).to_json();
    let worker = instance("worker");
    let answer = machine.plan(&worker, &app).await.unwrap();
    machine.apply_resolved(&worker, resolved, &answer.effects[0]).await;
    eventually("it was started twice more", async || {
        machine.facts(&worker, &app, "restarts").await.iter().any(|count| count.parse::<u32>().is_ok_and(|count| count >= 2))
    })
    .await;
    eventually("it says why", async || machine.health(&worker, &app).await.reason == "ProgramEnded").await;
    let same = machine.plan(&worker, &app).await.unwrap();
    assert_eq!(same.action, Action::None);
    let Observation::Present { health, .. } = &same.observation else { panic!("{same:?}") };
    assert!(health.parts[0].facts["last exit"].contains("exit code 3"));
    assert_eq!(health.parts[0].facts["last line"], "my password is ***");
    let other = machine.plan(&worker, &planned(fingerprint("f2"))).await.unwrap();
    assert_eq!(other.action, Action::Update);
    assert_eq!(other.changes[0].path, "containers.main.variables.PASSWORD");
    let open = machine.plan(&worker, &planned(Planned::Known(json!("x")))).await.unwrap();
    for answer in [&same, &other, &open] {
        assert!(!format!("{answer:?}").contains(word));
    }
    machine.destroy(&worker, &app).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_rolls_and_at_least_one_replica_answers() {
    let machine = Machine::start().await;
    let shop = instance("shop");
    let app = |color: &str| body(2, json!({"image": ".", "command": ["windlass", "echo"], "variables": {"COLOR": color}}));
    machine.carry_out(&shop, &app("blue")).await;
    machine.ready(&shop, &app("blue")).await;
    let green = app("green");
    let change = machine.carry_out(&shop, &green);
    let ask = async {
        let mut answers = Vec::new();
        loop {
            let (status, text) = machine.get("shop.dev.localhost", "/").await;
            let green = text.contains("color=green");
            answers.push(status);
            if green || answers.len() > 5000 {
                break answers;
            }
        }
    };
    let (answer, answers) = tokio::join!(change, ask);
    assert_eq!(answer.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["containers.main.variables.COLOR"]);
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    machine.ready(&shop, &app("green")).await;
    machine.destroy(&shop, &app("green")).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_has_one_holder_and_strangers_learn_nothing() {
    let machine = Machine::start().await;
    let route = |host: &str| {
        Planned::Known(json!({"name": "a", "replicas": 0, "containers": {"main": {"image": ".", "command": ["sleep", "1000"]}},
            "ports": {"http": {"port": 80}}, "routes": {"www": {"host": host, "port": 80}}}))
    };
    let (first, second) = (instance("first"), instance("second"));
    machine.carry_out(&first, &route("Shop.Example.localhost")).await;
    let answer = machine.plan(&second, &route("shop.example.localhost")).await.unwrap();
    assert!(answer.conflict.unwrap().contains("is held by WebApp dev/first (HostTaken)"));
    let effect = answer.effects.iter().find(|effect| effect.key == "app/route-www").unwrap();
    let Outcome::Failed { reason, message, .. } = machine.apply(&second, &route("shop.example.localhost"), effect).await else {
        panic!("it was taken twice")
    };
    assert_eq!(reason, "HostTaken");
    assert!(message.contains("WebApp dev/first"));

    let (status, text) = machine.get("shop.example.localhost", "/").await;
    assert_eq!(status, 503);
    assert!(text.contains("WebApp dev/first has no replica that is ready"), "{text}");
    let (status, text) = machine.get("nobody.localhost", "/").await;
    assert_eq!(status, 404);
    assert!(!text.contains("first"), "{text}");
    machine.destroy(&second, &route("other.localhost")).await;
    machine.destroy(&first, &route("shop.example.localhost")).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_tell_ready_from_alive() {
    let machine = Machine::start().await;
    let app = Planned::Known(json!({"name": "w", "replicas": 1, "containers": {"main": {"image": ".",
        "command": ["sh", "-c", "touch alive; exec sleep 1000"],
        "readinessProbe": {"exec": {"command": ["test", "-e", "ready"]}},
        "livenessProbe": {"exec": {"command": ["test", "-e", "alive"]}}}}}));
    let worker = instance("worker");
    machine.carry_out(&worker, &app).await;
    eventually("the probe fails", async || machine.health(&worker, &app).await.reason == "ProbeFailing").await;
    let work = machine.slot(&worker, "replica-0").work();
    fs_err::write(work.join("ready"), "").unwrap();
    machine.ready(&worker, &app).await;
    fs_err::remove_file(work.join("alive")).unwrap();
    eventually("it was started anew", async || machine.facts(&worker, &app, "restarts").await == ["1"]).await;
    machine.ready(&worker, &app).await;
    machine.destroy(&worker, &app).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_read_and_followed_to_the_end() {
    use futures::StreamExt as _;
    let machine = Machine::start().await;
    let app = Planned::Known(json!({"name": "w", "replicas": 1, "containers": {"main": {"image": ".",
        "command": ["sh", "-c", "echo one; echo two >&2; while ! test -e go; do :; done; echo three; exec sleep 1000"]}}}));
    let worker = instance("worker");
    machine.carry_out(&worker, &app).await;
    let query = LogQuery { uid: worker.uid.clone(), follow: true, ..LogQuery::default() };
    let mut lines = machine.target().logs(query).await.unwrap().flat_map(futures::stream::iter).boxed();
    let mut next = async |wanted: &str| loop {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next()).await.unwrap().unwrap();
        if line.text == wanted {
            break line.source;
        }
    };
    assert_eq!(next("one").await, "out");
    assert_eq!(next("two").await, "err");
    fs_err::write(machine.slot(&worker, "replica-0").work().join("go"), "").unwrap();
    assert_eq!(next("three").await, "out");
    machine.destroy(&worker, &app).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), lines.collect::<Vec<_>>()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_pass_where_no_http_is_spoken() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let machine = Machine::start().await;
    let app = Planned::Known(json!({"name": "d", "replicas": 1, "ports": {"db": {"port": 5432}, "http": {"port": 80}},
        "containers": {"main": {"image": ".", "command": ["windlass", "bytes", "$PORT_DB", "$PORT_HTTP"]}}}));
    let db = instance("db");
    machine.carry_out(&db, &app).await;
    machine.ready(&db, &app).await;
    let port = machine.outputs(&db, &app).await["ports"]["db"].as_u64().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ping");
    machine.destroy(&db, &app).await;
    // A connection that was handed over ends with its replica.
    assert!(matches!(stream.read(&mut answer).await, Ok(0) | Err(_)));
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_said() {
    let machine = Machine::start().await;
    let taken = machine.options_for(machine.target().apps_address());
    let Err(error) = super::LocalTarget::start(taken).await else { panic!("two hold one address") };
    assert!(error.to_string().contains("hint: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_owner_at_any_moment_loses_and_doubles_nothing() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let app = body(2, json!({"image": ".", "command": ["windlass", "echo"], "files": {"/no-such/a": {"content": "x"}}}));
    let rest = 3;
    let mut hits = 0;
    for step in 1..8 {
        machine.stop();
        hits += usize::from(machine.killed_owner("make", &shop, &app, |paths| paths >= rest + step * 4).await);
    }
    machine.restart().await;
    machine.carry_out(&shop, &app).await;
    machine.ready(&shop, &app).await;
    let mut answered_by = BTreeSet::new();
    eventually("two processes answer", async || {
        answered_by.insert(machine.get("shop.dev.localhost", "/").await.1.split_whitespace().next().unwrap_or_default().to_owned());
        answered_by.len() == 2
    })
    .await;
    assert_eq!(machine.facts(&shop, &app, "pid").await.len(), 2);
    let full = machine.paths();
    for step in 1..6 {
        machine.stop();
        hits += usize::from(machine.killed_owner("delete", &shop, &app, |paths| paths + step * 4 <= full).await);
    }
    machine.restart().await;
    machine.destroy(&shop, &app).await;
    assert!(hits > 0, "no kill met the owner at work");
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_and_streams_pass_the_gateway() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let machine = Machine::start().await;
    let shop = instance("shop");
    let app = body(1, json!({"image": ".", "command": ["windlass", "echo"]}));
    machine.carry_out(&shop, &app).await;
    machine.ready(&shop, &app).await;
    let apps = machine.target().apps_address();
    let read_until = async |stream: &mut tokio::net::TcpStream, wanted: &[u8]| {
        let mut seen = Vec::new();
        let mut buffer = [0; 512];
        while !seen.windows(wanted.len()).any(|window| window == wanted) {
            let count = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..count]);
        }
    };
    let mut stream = tokio::net::TcpStream::connect(apps).await.unwrap();
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: shop.dev.localhost\r\n\r\n").await.unwrap();
    read_until(&mut stream, b"first").await;

    let mut socket = tokio::net::TcpStream::connect(apps).await.unwrap();
    let upgrade = "GET /socket HTTP/1.1\r\nHost: shop.dev.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(upgrade.as_bytes()).await.unwrap();
    read_until(&mut socket, b"101 Switching Protocols").await;
    socket.write_all(b"\x81\x84\0\0\0\0ping").await.unwrap();
    read_until(&mut socket, b"\x81\x04ping").await;
    machine.destroy(&shop, &app).await;
    let mut rest = Vec::new();
    // What was handed over ends with the instance.
    assert!(tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut rest)).await.is_ok());
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stopped_runs_again_after_the_next_start() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let app = Planned::Known(
        json!({"name": "app", "replicas": 1, "ports": {"http": {"port": 80}}, "routes": {"www": {"port": 80}}, "containers": {
        "main": {"image": ".", "command": ["windlass", "echo"], "limits": {"memory": "64Mi"}},
        "side": {"image": ".", "command": ["sh", "-c", "echo $PORT; exec sleep 1000"]}}}),
    );
    let answer = machine.carry_out(&shop, &app).await;
    let keys: Vec<&str> = answer.effects.iter().map(|effect| effect.key.as_str()).collect();
    assert_eq!(keys, ["app/replica-0.main", "app/replica-0.side", "app/port-http", "app/route-www"]);
    machine.ready(&shop, &app).await;
    let limits = machine.facts(&shop, &app, "memory limit").await;
    assert!(limits.len() == 1 && (limits[0] == "enforced" || limits[0].starts_with("not enforced: ")), "{limits:?}");
    let (pids, (_, address)) = (machine.facts(&shop, &app, "pid").await, machine.addresses(&shop, &app).await);
    machine.target().stop_all().await;
    assert!(machine.get("shop.dev.localhost", "/").await.1.contains("is being ended") || !machine.health(&shop, &app).await.ready);
    machine.restart().await;
    machine.ready(&shop, &app).await;
    assert_eq!(machine.addresses(&shop, &app).await.1, address);
    let now = machine.facts(&shop, &app, "pid").await;
    assert!(now.len() == 2 && now.iter().all(|pid| !pids.contains(pid)));
    assert_eq!(machine.plan(&shop, &app).await.unwrap().action, Action::None);
    machine.destroy(&shop, &app).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_and_a_missing_program_are_said() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let missing = body(1, json!({"image": ".", "command": ["no-such-program"]}));
    let said = machine.plan(&shop, &missing).await.unwrap_err().to_string();
    assert!(said.contains("`no-such-program` is not found in PATH") && said.contains("hint: "), "{said}");
    let app = body(1, json!({"image": ".", "command": ["windlass", "echo"]}));
    machine.carry_out(&shop, &app).await;
    machine.ready(&shop, &app).await;
    let (_, address) = machine.addresses(&shop, &app).await;
    machine.stop();
    let held = loop {
        // The listener of the dropped target is closed by its task, a moment later.
        match std::net::TcpListener::bind(&address) {
            Ok(held) => break held,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    machine.restart().await;
    let health = machine.health(&shop, &app).await;
    assert_eq!((health.ready, health.reason.as_str()), (false, "PortTaken"));
    assert!(health.message.contains("hint: "));
    // The shared gateway goes on.
    assert_eq!(machine.get("shop.dev.localhost", "/").await.0, 200);
    drop(held);
    machine.destroy(&shop, &app).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_port_was_taken_gets_another() {
    let machine = Machine::start().await;
    let shop = instance("shop");
    let app = body(1, json!({"image": ".", "command": ["windlass", "echo"]}));
    machine.carry_out(&shop, &app).await;
    machine.ready(&shop, &app).await;
    let port: u16 = machine.facts(&shop, &app, "port").await[0].parse().unwrap();
    machine.target().stop_all().await;
    let held = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let answer = machine.carry_out(&shop, &app).await;
    assert_eq!(answer.action, Action::Update);
    assert_eq!(answer.changes[0].path, "replica-0.process");
    machine.ready(&shop, &app).await;
    assert_ne!(machine.facts(&shop, &app, "port").await, [port.to_string()]);
    drop(held);
    machine.destroy(&shop, &app).await;
    machine.assert_nothing_left();
}
