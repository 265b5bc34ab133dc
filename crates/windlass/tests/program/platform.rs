//! `windlass up` as a person starts it, in a home of its own, and the ways in: command line, API, portal.
//!
//! Start with [`Platform::start`].

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
const WINDLASS: &str = env!("CARGO_BIN_EXE_windlass");

/// A running platform. Dropping it stops it and its apps.
pub(crate) struct Platform {
    home: tempfile::TempDir,
    child: Child,
    address: String,
    cookie: String,
}

/// An answer over HTTP.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
    cookie: Option<String>,
}

impl Platform {
    /// Starts it, waits until it says that it is ready, and logs in to the portal.
    pub(crate) fn start() -> Platform {
        let home = tempfile::Builder::new().prefix("windlass-home-").tempdir().expect("a home");
        let child = up(home.path());
        let mut platform = Platform { home, child, address: String::new(), cookie: String::new() };
        platform.log_in();
        platform
    }

    /// Stops it as an upgrade does, lets `meanwhile` happen while only the apps run, and starts it again.
    pub(crate) fn restart(&mut self, meanwhile: impl FnOnce()) {
        self.does(&["down", "--keep-apps"]);
        self.child.wait().expect("it ends");
        meanwhile();
        self.child = up(self.home.path());
        self.log_in();
    }

    /// Waits until it says that it is ready, and redeems the link that it says.
    fn log_in(&mut self) {
        let mut line = String::new();
        // It says one line once it is ready; if it ends before that, there is none.
        BufReader::new(self.child.stdout.take().expect("stdout")).read_line(&mut line).expect("its output is read");
        let log = self.home.path().join("up.log");
        let said: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("`windlass up` said `{line}` and {}", fs_err::read_to_string(log).expect("a log")));
        said["api"].as_str().expect("an address").trim_start_matches("https://").clone_into(&mut self.address);
        let token = said["portal"].as_str().and_then(|link| link.split_once("token=")).expect("a login link").1;
        let answer = self.send("POST", "/login", FORM, &format!("token={token}"));
        self.cookie = answer.cookie.expect("a session");
    }

    /// The home of whoever uses it; every command runs there.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the home.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home().join(path);
        fs_err::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs_err::write(&path, text).expect("written");
        path
    }

    /// What a command says: the command line, its output, its exit code.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = program(self.home()).args(arguments).stdin(Stdio::null()).output().expect("it runs");
        let text = [output.stdout, output.stderr].concat();
        let code = output.status.code().expect("it ends by itself");
        format!("$ windlass {}\n{}exit {code}\n", arguments.join(" "), String::from_utf8(text).expect("text"))
    }

    /// Runs a command that must succeed, and gives its output.
    pub(crate) fn does(&self, arguments: &[&str]) -> String {
        let output = program(self.home()).args(arguments).stdin(Stdio::null()).output().expect("it runs");
        let (out, err) = (String::from_utf8(output.stdout).expect("text"), String::from_utf8(output.stderr).expect("text"));
        assert!(output.status.success(), "windlass {}: {out}{err}", arguments.join(" "));
        out
    }

    /// Exit code and error output of a command that must fail.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = program(self.home()).args(arguments).stdin(Stdio::null()).output().expect("it runs");
        assert!(!output.status.success(), "windlass {} succeeds", arguments.join(" "));
        (output.status.code().expect("it ends by itself"), String::from_utf8(output.stderr).expect("text"))
    }

    /// A command that goes on, with its output to be read.
    pub(crate) fn follows(&self, arguments: &[&str]) -> Child {
        program(self.home()).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs")
    }

    /// Asks again until a command succeeds and says what is wished.
    pub(crate) fn until(&self, arguments: &[&str], wished: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let output = program(self.home()).args(arguments).stdin(Stdio::null()).output().expect("it runs");
            let text = String::from_utf8(output.stdout).expect("text");
            if output.status.success() && wished(&text) {
                return text;
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(Instant::now() < end, "{}: {text}\n{said}", arguments.join(" "));
        }
    }

    /// An object, read from the API.
    pub(crate) fn object(&self, path: &str) -> Value {
        let answer = self.send("GET", path, JSON, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// A page of the portal.
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.send("GET", path, FORM, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Sends a form of a page, as a browser would: with the page's token, and `fields` as `name=value&...`.
    pub(crate) fn post(&self, path: &str, fields: &str) -> Answer {
        let page = self.page(path);
        let (_, rest) = page.split_once("name=\"_token\" value=\"").expect("the page has a form");
        let token = rest.split('"').next().unwrap_or_default();
        self.send("POST", path, FORM, &format!("_token={token}&{fields}"))
    }

    /// Sends one request as a page of the portal would. HTTP/1.0: the answer is then whole once the connection ends.
    pub(crate) fn send(&self, method: &str, path: &str, media: &str, body: &str) -> Answer {
        let Self { address, cookie, .. } = self;
        let mut stream = TcpStream::connect(address).expect("it listens");
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: {cookie}\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(body.as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let header = |wanted: &str| {
            let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
            pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
        };
        Answer {
            status: head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status"),
            location: header("location"),
            cookie: header("set-cookie").map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned()),
            body: body.to_owned(),
        }
    }

    /// Compares with the snapshot of this name; what differs from one start to the next has a name there.
    pub(crate) fn compare(&self, name: &str, text: &str) {
        let text = text.replace(&*self.home().to_string_lossy(), "/home/me").replace(&self.address, "127.0.0.1:7400");
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => FILTERS.to_vec(),
        }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Apps live under supervisors of their own and would survive the platform.
        let down = program(self.home.path()).arg("down").output();
        let stopped = down.is_ok_and(|output| output.status.success());
        if !stopped {
            // Gone already is what we want.
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

/// What forms are sent as.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// What objects are sent as.
pub(crate) const JSON: &str = "application/json";

/// What differs from one start to the next.
const FILTERS: &[(&str, &str)] = &[
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:PORT"),
    (r"localhost:\d{5}", "localhost:PORT"),
    (r"\bport `?\d{5}`?", "port PORT"),
    (r"\bprocess `?\d+`?", "process PID"),
    (r"token=[0-9a-f]{64}", "token=TOKEN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"preview-[0-9a-z]{5,}", "preview-ID"),
    (r"program-[0-9a-f]+", "PROGRAM"),
    (r"`kill \d+`", "`kill PID`"),
    (r"just now|\d+ (s|min) ago", "AGE"),
    (r"(?m) \d+s$", " AGE"),
];

/// Starts the platform; what it says can be read.
fn up(home: &Path) -> Child {
    let log = fs_err::File::create(home.join("up.log")).expect("a log");
    let mut command = program(home);
    command.args(["up", "--listen", "127.0.0.1:0", "--no-browser", "-o", "json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.into_parts().0).spawn().expect("`windlass up` starts")
}

/// `windlass` with nothing from outside but PATH, at this home.
fn program(home: &Path) -> Command {
    let mut command = Command::new(WINDLASS);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home).env("WINDLASS_DATA_DIR", home.join("data")).current_dir(home);
    command
}
