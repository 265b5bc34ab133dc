//! `windlass logs` as a person uses it: the real binary, a real platform, a program that writes and ends.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform in a directory of its own. Dropped, it is gone with its apps.
struct Platform {
    directory: tempfile::TempDir,
    process: Child,
}

impl Platform {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let arguments = ["up", "--listen", "127.0.0.1:0", "--no-browser", "--output", "json"];
        let mut process = command(&directory).args(arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("\"kubeconfig\""), "it does not start: {line}");
        Self { directory, process }
    }

    fn windlass(&self, arguments: &str) -> Output {
        command(&self.directory).args(arguments.split(' ')).output().unwrap()
    }

    /// Standard output of a command that succeeds.
    fn read(&self, arguments: &str) -> String {
        let output = self.windlass(arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and standard error.
    fn fail(&self, arguments: &str) -> (i32, String) {
        let output = self.windlass(arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Asks again until it is as wished.
    fn until(&self, arguments: &str, wished: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let output = self.windlass(arguments);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.success() && wished(&text) {
                return text;
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(Instant::now() < end, "{arguments}: {text}\n{said}");
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        drop(self.windlass("down"));
        drop(self.process.wait());
    }
}

fn command(directory: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    command.env("WINDLASS_DATA_DIR", directory.path().join("data")).env("HOME", directory.path());
    command.env_remove("KUBECONFIG").env_remove("WINDLASS_LISTEN").stdin(Stdio::null());
    command
}

/// `windlass logs -f`, line by line. Dropped, it is ended.
struct Follower {
    process: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Follower {
    fn start(platform: &Platform, arguments: &str) -> Self {
        let mut process = command(&platform.directory).args(arguments.split(' ')).stdout(Stdio::piped()).spawn().unwrap();
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

/// A program that counts, and ends once where a file appears.
fn instance(platform: &Platform) -> String {
    let end = platform.file("end").display().to_string();
    let script = format!("echo begins; i=0; while ! rm {end} 2>/dev/null; do echo tick $i; i=$((i+1)); sleep 0.1; done; exit 3");
    let spec = serde_json::json!({"command": script});
    let object =
        serde_json::json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "metadata": {"name": "shop"}, "spec": spec});
    object.to_string()
}

#[test]
fn logs_are_printed_counted_followed_across_a_new_start_and_read_from_before_it() {
    let platform = Platform::start();
    fs_err::write(platform.file("shop.json"), instance(&platform)).unwrap();
    platform.read(&format!("apply -f {}", platform.file("shop.json").display()));
    let logs = platform.until("logs webapp/shop", |text| text.contains("tick 3"));
    assert!(logs.starts_with("begins\ntick 0\ntick 1\n"), "{logs}");
    let lines = platform.read("logs webapp shop --tail 2 --prefix --timestamps");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("[app/replica-0] 20") && lines[0].contains("Z tick "), "{lines:?}");
    assert_eq!(platform.read("logs webapp/shop --limit-bytes 3"), "beg");
    assert_eq!(platform.read("logs webapp/shop --since-time 2999-01-01T00:00:00Z"), "");

    let (code, said) = platform.fail("logs webapp/shop --previous");
    assert_eq!((code, said.lines().last()), (1, Some("  hint: leave --previous away")), "{said}");
    let follower = Follower::start(&platform, "logs -f webapp/shop --tail 1");
    follower.until("the newest line", |line| line.starts_with("tick"));
    fs_err::write(platform.file("end"), "").unwrap();
    follower.until("the next start", |line| line == "begins");
    follower.until("what it goes on to write", |line| line == "tick 2");
    let before = platform.read("logs webapp/shop --previous");
    let number = before.lines().last().unwrap().strip_prefix("tick ").unwrap().parse::<u32>().unwrap();
    assert_eq!(before.lines().count(), usize::try_from(number).unwrap() + 2, "from `begins` on, and nothing of the next start: {before}");
    assert_eq!(platform.read("logs webapp/shop -p --tail=1"), format!("tick {number}\n"));

    let check = |arguments: &str, expected: &str| {
        let (code, said) = platform.fail(arguments);
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
    platform.read("delete webapp shop");
    assert!(follower.lines.iter().last().is_none_or(|line| line.starts_with("tick")));
}

#[test]
fn what_a_run_did_and_waits_for_is_printed_while_it_goes_on_and_after_it_has_ended() {
    let platform = Platform::start();
    fs_err::write(platform.file("shop.json"), instance(&platform)).unwrap();
    platform.read(&format!("apply -f {}", platform.file("shop.json").display()));
    // The program never listens, so that the Run waits for it.
    let made = "create Process default/webapp/shop/app/replica-0 Done: app/replica-0";
    platform.until("run logs webapp-shop-1", |text| text.contains(made));
    let waiting = platform.until("events webapp/shop", |text| text.contains("RunWaiting"));
    let last = waiting.lines().last().unwrap();
    assert!(last.contains("Normal") && last.contains("WebApp/shop") && last.contains("webapp-shop-1 waits: app: "), "{waiting}");
    assert_eq!(platform.read("events --for webapp/shop --no-headers").lines().count(), 1);
    assert!(platform.read("describe webapp shop").contains("RunWaiting"));
    let follower = Follower::start(&platform, "run logs -f webapp-shop-1");
    follower.until("what was done before", |line| line.contains(made));
    platform.read("delete webapp shop");
    follower.until("its end", |line| line.contains("Superseded the instance is being deleted"));
    let mut follower = follower;
    assert_eq!(follower.process.wait().unwrap().code(), Some(1), "it did not succeed");
    assert!(platform.read("run logs -f webapp-shop-2").contains(" Succeeded"));
    let (code, said) = platform.fail("run logs -f webapp-shop-9");
    assert_eq!((code, said.lines().next()), (6, Some("error: there is no Run `webapp-shop-9` in the namespace `default`")), "{said}");
}
