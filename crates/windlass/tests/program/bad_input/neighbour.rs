//! An instance that is well, and must not notice what happens beside it.

use crate::platform::Platform;

/// Where it stands in the API.
const PATH: &str = "/apis/platform.windlass.dev/v1alpha1/namespaces/default/webapps/neighbour";

/// What must not move.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pid: String,
    /// When its process started, in clock ticks since boot: a pid alone may be given again.
    started: String,
    resource_version: String,
}

impl Neighbour {
    /// Asks for it, and waits until it is ready.
    pub(crate) fn settle(platform: &Platform) -> Neighbour {
        let program = env!("CARGO_BIN_EXE_windlass");
        platform.write("neighbour/index.html", "open");
        platform.write("neighbour/Procfile", &format!("web: echo $$ > pid && exec {program} files --directory . --port $PORT\n"));
        platform.does(&["new", "web-app", "neighbour", "--set", "source=neighbour", "--yes"]);
        platform.does(&["wait", "webapp/neighbour", "--for=condition=Ready", "--timeout=60s"]);
        Neighbour::look(platform)
    }

    /// As it is now.
    fn look(platform: &Platform) -> Neighbour {
        // The program that serves writes the file; another one would write another pid.
        let pid = fs_err::read_to_string(platform.home().join("neighbour/pid")).expect("it runs").trim().to_owned();
        let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).expect("it runs still");
        // The name of the program stands in parentheses and may hold spaces; the 20th field after it is the start.
        let started = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).expect("a start").to_owned();
        let object = platform.object(PATH);
        let resource_version = object["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
        Neighbour { pid, started, resource_version }
    }

    /// It is as it was.
    pub(crate) fn assert_untouched(&self, platform: &Platform, after: &str) {
        assert_eq!(&Neighbour::look(platform), self, "after {after}");
    }
}
