//! A data directory that is held, and a port that is taken: what a second `windlass up` says.

use super::neighbour::Neighbour;
use crate::platform::Platform;
use std::net::TcpListener;

#[test]
fn a_second_platform_on_held_data_says_who_holds_it() {
    let platform = Platform::start();
    let neighbour = Neighbour::settle(&platform);
    let same = platform.says(&["up", "--no-browser"]);
    let elsewhere = platform.says(&["up", "--no-browser", "--listen", "127.0.0.1:7500"]);
    let wrong = platform.says(&["up", "--no-browser", "--listen", "0.0.0.0:7400"]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let other = platform.home().join("other").display().to_string();
    let port = platform.says(&["up", "--no-browser", "--data-dir", &other, "--listen", &address]);
    let file = platform.write("file", "").display().to_string();
    let no_directory = platform.says(&["up", "--no-browser", "--data-dir", &file]);
    // A directory that a process holds which does not answer.
    let lock = platform.write("stuck/lock", "");
    let lock = fs_err::File::open(lock).expect("the lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("held");
    let stuck = platform.home().join("stuck").display().to_string();
    let up = platform.says(&["up", "--no-browser", "--data-dir", &stuck]);
    let down = platform.says(&["down", "--data-dir", &stuck]);
    platform.compare("up-stuck", &[up, down].join("\n"));
    platform.compare("up", &[same, elsewhere, wrong, port, no_directory].join("\n"));
    neighbour.assert_untouched(&platform, "a second `windlass up`");
}
