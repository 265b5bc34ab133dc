//! Checks of how a running replica is replaced: its next generation stands beside it, and nobody who asks notices.

use super::machine::{Machine, body, eventually, instance};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use windlass_api::driver::Outcome;
use windlass_api::plan::{Action, EffectPlan, InstanceReference};
use windlass_api::planned::Planned;

fn echo(replicas: u32, color: &str, memory: &str) -> Planned {
    body(replicas, json!({"image": ".", "command": ["windlass", "echo"], "variables": {"COLOR": color}, "limits": {"memory": memory}}))
}

/// Asks every 10 ms, by the shared gateway and by the instance's own address, while something is done; answers who answered.
async fn nobody_notices<T>(machine: &Machine, address: &str, work: impl Future<Output = T>) -> (T, BTreeSet<String>) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut pids = BTreeSet::new();
    let mut asked = 0_u32;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                assert!(asked > 10, "it was asked {asked} times only");
                return (done, pids);
            }
            _ = tick.tick() => {
                let (status, text) = machine.get("shop.dev.localhost", "/").await;
                assert_eq!(status, 200, "{text}");
                pids.insert(text.split_whitespace().next().unwrap_or_default().to_owned());
                let (status, text) = machine.get_address(address, "/").await.unwrap();
                assert_eq!(status, 200, "{text}");
                asked += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_every_10_ms_does_not_notice_another_size_or_command() {
    let machine = Machine::start().await;
    let shop = instance("shop");
    let small = echo(1, "blue", "64Mi");
    machine.carry_out(&shop, &small).await;
    machine.ready(&shop, &small).await;
    let (_, address) = machine.addresses(&shop, &small).await;
    let before = machine.facts(&shop, &small, "pid").await;

    let large = echo(4, "blue", "256Mi");
    let (answer, _) = nobody_notices(&machine, &address, async {
        let answer = machine.carry_out(&shop, &large).await;
        machine.ready(&shop, &large).await;
        answer
    })
    .await;
    let said: Vec<(&str, Action)> = answer.effects.iter().map(|effect| (effect.key.as_str(), effect.action)).take(2).collect();
    assert_eq!(said, [("app/replica-0", Action::Update), ("app/replica-1", Action::Create)]);
    assert!(answer.note.unwrap().contains("started beside the old one"));
    assert!(answer.warnings.is_empty());
    let pids = machine.facts(&shop, &large, "pid").await;
    assert!(pids.len() == 4 && !pids.contains(&before[0]), "{pids:?}");
    assert_eq!(machine.plan(&shop, &large).await.unwrap().action, Action::None);

    let other = echo(1, "green", "256Mi");
    nobody_notices(&machine, &address, async {
        machine.carry_out(&shop, &other).await;
        machine.ready(&shop, &other).await;
    })
    .await;
    assert!(machine.get("shop.dev.localhost", "/").await.1.contains("color=green"));
    assert_eq!(machine.facts(&shop, &other, "pid").await.len(), 1);
    assert_eq!(machine.facts(&shop, &other, "restarts").await, ["0"]);
    machine.destroy(&shop, &other).await;
    machine.assert_nothing_left();
}

async fn update(machine: &Machine, shop: &InstanceReference, wished: &Planned) -> EffectPlan {
    let answer = machine.plan(shop, wished).await.unwrap();
    answer.effects.into_iter().find(|effect| effect.action == Action::Update).expect("a replica changes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_one_that_does_not_come_up_leaves_the_old_one_at_work() {
    let machine = Machine::start().await;
    let shop = instance("shop");
    let good = echo(1, "blue", "64Mi");
    machine.carry_out(&shop, &good).await;
    machine.ready(&shop, &good).await;
    let pids = machine.facts(&shop, &good, "pid").await;
    let bad = body(1, json!({"image": ".", "command": ["sh", "-c", "exit 3"]}));
    let effect = update(&machine, &shop, &bad).await;
    let outcome = machine.apply_until_done(&shop, &bad, &effect).await;
    let Outcome::Failed { reason, message, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "NotReady");
    assert!(message.contains("exit code 3") && message.contains("the one before it goes on serving"), "{message}");
    assert!(machine.health(&shop, &bad).await.message.contains("the one before it goes on serving"));
    assert_eq!(machine.get("shop.dev.localhost", "/").await.0, 200);

    // Back to what still runs: it stays, and the other one goes.
    machine.carry_out(&shop, &good).await;
    machine.ready(&shop, &good).await;
    assert_eq!(machine.facts(&shop, &good, "pid").await, pids);
    assert_eq!(machine.plan(&shop, &good).await.unwrap().action, Action::None);
    machine.destroy(&shop, &good).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_was_cut_off_is_finished_and_starts_nothing_twice() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let starts = tempfile::tempdir().unwrap();
    let app = |word: &str| {
        let script = format!("echo {word} >> {}/starts; exec windlass echo", starts.path().display());
        body(1, json!({"image": ".", "command": ["sh", "-c", script]}))
    };
    machine.carry_out(&shop, &app("a")).await;
    machine.ready(&shop, &app("a")).await;
    let mut hits = 0;
    for (step, word) in ["b", "c", "d", "e"].iter().enumerate() {
        machine.stop();
        let rest = machine.paths();
        hits += usize::from(machine.killed_owner("make", &shop, &app(word), |paths| paths > rest + step * 4).await);
        machine.restart().await;
        machine.carry_out(&shop, &app(word)).await;
        machine.ready(&shop, &app(word)).await;
        let answer = machine.plan(&shop, &app(word)).await.unwrap();
        assert_eq!(answer.action, Action::None, "{answer:?}");
    }
    assert!(hits > 0, "no kill met the owner at work");
    assert_eq!(fs_err::read_to_string(starts.path().join("starts")).unwrap(), "a\nb\nc\nd\ne\n");
    assert_eq!(machine.facts(&shop, &app("e"), "pid").await.len(), 1);
    machine.destroy(&shop, &app("e")).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_was_written_before_a_crash_is_what_runs_after_it() {
    let mut machine = Machine::start().await;
    let shop = instance("shop");
    let starts = tempfile::tempdir().unwrap();
    let file = starts.path().join("starts");
    let script = |word: &str| format!("echo {word} >> {}; exec windlass echo", file.display());
    let app = |word: &str| body(1, json!({"image": ".", "command": ["sh", "-c", script(word)]}));
    let started = || fs_err::read_to_string(&file).unwrap();
    // What an owner did that died before it told the supervisor.
    let written = |machine: &Machine, word: &str| {
        let slot = machine.newest_slot(&shop);
        let mut config = slot.read_config().unwrap();
        *config.program.last_mut().unwrap() = script(word);
        slot.write_config(&config).unwrap();
        slot
    };
    machine.carry_out(&shop, &app("a")).await;
    machine.ready(&shop, &app("a")).await;
    let first = written(&machine, "b");
    machine.restart().await;
    eventually("it runs what was written", async || started() == "a\nb\n").await;

    // The next generation of a replica, too; and where Windlass went on, but not the one that wrote it.
    eventually("it is ready", async || first.read_state().is_some_and(|state| state.ready)).await;
    machine.carry_out(&shop, &app("c")).await;
    machine.ready(&shop, &app("c")).await;
    let second = written(&machine, "d");
    assert_ne!(second.path(), first.path());
    machine.sweep().await;
    eventually("it runs what was written", async || started() == "a\nb\nc\nd\n").await;
    eventually("it is ready", async || second.read_state().is_some_and(|state| state.ready)).await;

    // What runs already is left alone.
    let pids = machine.facts(&shop, &app("c"), "pid").await;
    machine.sweep().await;
    machine.restart().await;
    assert_eq!(machine.facts(&shop, &app("c"), "pid").await, pids);
    assert_eq!(started(), "a\nb\nc\nd\n");
    machine.destroy(&shop, &app("c")).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_set_by_hand_is_warned_of() {
    let machine = Machine::start().await;
    let shop = instance("shop");
    let app = |color: &str, probe: Value| {
        body(1, json!({"image": ".", "command": ["sleep", "1000"], "variables": {"COLOR": color, "PORT": "5999"}, "readinessProbe": probe}))
    };
    let probe = json!({"exec": {"command": ["true"]}});
    machine.carry_out(&shop, &app("blue", probe.clone())).await;
    machine.ready(&shop, &app("blue", probe.clone())).await;
    let answer = machine.plan(&shop, &app("green", probe.clone())).await.unwrap();
    let warning = answer.warnings.first().expect("a warning");
    assert_eq!(warning.code, "ShortGap");
    assert!(warning.message.contains("`PORT` is set by hand"), "{warning}");
    machine.destroy(&shop, &app("blue", probe)).await;
    machine.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_line_of_the_procfile_is_a_change() {
    let machine = Machine::start().await;
    let mut changes = machine.target().changes();
    let shop = instance("shop");
    let source = tempfile::tempdir().unwrap();
    let procfile = source.path().join("Procfile");
    fs_err::write(&procfile, "web: COLOR=blue exec windlass echo\n").unwrap();
    let app = Planned::Known(json!({"name": "app", "replicas": 1, "directory": source.path(), "containers": {"main": {"image": "."}},
        "ports": {"http": {"port": 80}}, "routes": {"www": {"port": 80}}}));
    machine.carry_out(&shop, &app).await;
    machine.ready(&shop, &app).await;
    machine.look_at_procfiles();
    while changes.try_recv().is_ok() {}
    fs_err::write(&procfile, "web: COLOR=green exec windlass echo\n").unwrap();
    eventually("the change is told", async || {
        machine.look_at_procfiles();
        changes.try_recv().is_ok_and(|uid| uid == shop.uid)
    })
    .await;
    let answer = machine.carry_out(&shop, &app).await;
    assert_eq!(answer.action, Action::Update);
    assert_eq!(answer.changes[0].path, "Procfile.web");
    assert_eq!(answer.changes[0].after, Some(Planned::Known(json!("COLOR=green exec windlass echo"))));
    assert!(answer.changes[0].because[0].starts_with("the Procfile in "));
    machine.ready(&shop, &app).await;
    assert!(machine.get("shop.dev.localhost", "/").await.1.contains("color=green"));
    machine.destroy(&shop, &app).await;
    machine.assert_nothing_left();
}
