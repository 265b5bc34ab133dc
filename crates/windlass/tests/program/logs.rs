//! `windlass logs` and what a Run says of itself, of a program that writes and ends.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use crate::platform::{PATIENCE, Platform};
use std::io::{BufRead as _, BufReader};
use std::process::Child;

/// `windlass logs -f`, line by line. Dropped, it is ended.
struct Follower {
    process: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Follower {
    fn start(platform: &Platform, arguments: &str) -> Self {
        let mut process = platform.follows(&words(arguments));
        let out = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines }
    }

    /// Reads on until a line is as wished.
    fn until(&self, what: &str, wished: impl Fn(&str) -> bool) -> String {
        let mut read = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if wished(&line) => return line,
                Ok(line) => read.push(line),
                Err(error) => panic!("{what} does not come ({error}) after {read:?}"),
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn words(arguments: &str) -> Vec<&str> {
    arguments.split(' ').collect()
}

/// Asks for a program that counts, and ends once where a file appears.
fn count(platform: &Platform) {
    let end = platform.home().join("end").display().to_string();
    let script = format!("echo begins; i=0; while ! rm {end} 2>/dev/null; do echo tick $i; i=$((i+1)); sleep 0.1; done; exit 3");
    let spec = serde_json::json!({"command": script});
    let object =
        serde_json::json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "metadata": {"name": "shop"}, "spec": spec});
    platform.write("shop.json", &object.to_string());
    platform.does(&["apply", "-f", "shop.json"]);
}

#[test]
fn logs_are_printed_counted_followed_across_a_new_start_and_read_from_before_it() {
    let platform = Platform::start();
    count(&platform);
    let read = |arguments: &str| platform.does(&words(arguments));
    let logs = platform.until(&words("logs webapp/shop"), |text| text.contains("tick 3"));
    assert!(logs.starts_with("begins\ntick 0\ntick 1\n"), "{logs}");
    let lines = read("logs webapp shop --tail 2 --prefix --timestamps");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("[app/replica-0] 20") && lines[0].contains("Z tick "), "{lines:?}");
    assert_eq!(read("logs webapp/shop --limit-bytes 3"), "beg");
    assert_eq!(read("logs webapp/shop --since-time 2999-01-01T00:00:00Z"), "");

    let (code, said) = platform.fails(&words("logs webapp/shop --previous"));
    assert_eq!((code, said.lines().last()), (1, Some("  hint: leave --previous away")), "{said}");
    let follower = Follower::start(&platform, "logs -f webapp/shop --tail 1");
    follower.until("the newest line", |line| line.starts_with("tick"));
    platform.write("end", "");
    follower.until("the next start", |line| line == "begins");
    follower.until("what it goes on to write", |line| line == "tick 2");
    let before = read("logs webapp/shop --previous");
    let number = before.lines().last().unwrap().strip_prefix("tick ").unwrap().parse::<u32>().unwrap();
    assert_eq!(before.lines().count(), usize::try_from(number).unwrap() + 2, "from `begins` on, and nothing of the next start: {before}");
    assert_eq!(read("logs webapp/shop -p --tail=1"), format!("tick {number}\n"));

    let check = |arguments: &str, expected: &str| {
        let (code, said) = platform.fails(&words(arguments));
        assert_eq!((code, said.trim_end()), (1, expected), "{arguments}");
    };
    check("logs webapp/none", "Error from server (NotFound): webapps.platform.windlass.dev \"none\" not found");
    check(
        "logs webapp/shop --replica 9",
        "Error from server (BadRequest): there are no such logs of webapps.platform.windlass.dev \"shop\": it has no replica `9` on this machine\n  hint: there is `0`",
    );
    check(
        "logs webapp/shop -c other",
        "Error from server (BadRequest): there are no such logs of webapps.platform.windlass.dev \"shop\": it has no container `other` on this machine\n  hint: there is `web`",
    );
    check(
        "logs configmap/kube-root-ca.crt",
        "Error from server (NotFound): objects of configmaps have no logs, and so \"kube-root-ca.crt\" has none",
    );
    // A follower ends with the object.
    read("delete webapp shop");
    assert!(follower.lines.iter().last().is_none_or(|line| line.starts_with("tick")));
}

#[test]
fn what_a_run_did_and_waits_for_is_printed_while_it_goes_on_and_after_it_has_ended() {
    let platform = Platform::start();
    count(&platform);
    let read = |arguments: &str| platform.does(&words(arguments));
    // The program never listens, so that the Run waits for it.
    let made = "create Process default/webapp/shop/app/replica-0 Done: app/replica-0";
    platform.until(&words("run logs webapp-shop-1"), |text| text.contains(made));
    let waiting = platform.until(&words("events webapp/shop"), |text| text.contains("RunWaiting"));
    let last = waiting.lines().last().unwrap();
    assert!(last.contains("Normal") && last.contains("WebApp/shop") && last.contains("webapp-shop-1 waits: app: "), "{waiting}");
    assert_eq!(read("events --for webapp/shop --no-headers").lines().count(), 1);
    assert!(read("describe webapp shop").contains("RunWaiting"));
    let follower = Follower::start(&platform, "run logs -f webapp-shop-1");
    follower.until("what was done before", |line| line.contains(made));
    read("delete webapp shop");
    follower.until("its end", |line| line.contains("Superseded the instance is being deleted"));
    let mut follower = follower;
    assert_eq!(follower.process.wait().unwrap().code(), Some(1), "it did not succeed");
    assert!(read("run logs -f webapp-shop-2").contains(" Succeeded"));
    let (code, said) = platform.fails(&words("run logs -f webapp-shop-9"));
    assert_eq!((code, said.lines().next()), (6, Some("error: there is no Run `webapp-shop-9` in the namespace `default`")), "{said}");
}
