//! The end-to-end suite: every file in `cases/` and every function in `client`, against the server of a kubeconfig.
//!
//! A harness of its own, because the list of tests is a list of files. It closes with the line that `cargo test` closes
//! with. Without a server nothing is run, and it says so; `cargo xtask e2e` brings one.
#![expect(clippy::print_stdout, reason = "it is a test harness: what it prints is its result")]

mod client;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use windlass_e2e::{KUBECONFIG, Settings, WINDLASS, session};

/// How many cases run side by side.
const SIDE_BY_SIDE: usize = 4;

/// One test.
enum Test {
    Case(PathBuf),
    Client(&'static str, client::Test),
    SideBySide(PathBuf),
}

impl Test {
    fn name(&self) -> String {
        match self {
            Test::Case(path) => format!("case::{}", path.file_stem().unwrap_or_default().to_string_lossy()),
            Test::SideBySide(_) => "side_by_side".to_owned(),
            Test::Client(name, _) => format!("client::{name}"),
        }
    }

    fn run(&self, settings: &Settings, marker: &str) -> Result<(), String> {
        match self {
            Test::Case(path) => session::run(settings, path, marker).map_err(|error| error.to_string()),
            Test::SideBySide(list) => session::side_by_side(settings, list, marker)
                .map(|compared| println!("{compared} commands print the same"))
                .map_err(|error| error.to_string()),
            Test::Client(name, test) => client::run(settings, name, *test, marker),
        }
    }
}

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let Some(settings) = Settings::from_environment() else {
        println!("no server: {KUBECONFIG} is not set\nhint: `cargo xtask e2e` starts one and runs this suite");
        println!("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        return ExitCode::SUCCESS;
    };
    let mut tests: Vec<Test> = cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"));
    tests.extend(client::TESTS.iter().map(|(name, test)| Test::Client(name, *test)));
    if settings.windlass.is_some() {
        tests.push(Test::SideBySide(Path::new(env!("CARGO_MANIFEST_DIR")).join("side-by-side.md")));
    } else {
        println!("the comparison of commands is left out: {WINDLASS} is not set");
    }
    let all = tests.len();
    tests.retain(|test| filters.is_empty() || filters.iter().any(|filter| test.name().contains(filter)));
    println!("running {} tests with kubectl {}", tests.len(), settings.release);

    let start = Instant::now();
    let failures = run_all(&settings, &tests);
    for (name, problem) in &failures {
        println!("\n---- {name} ----\n{problem}");
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
        if failures.is_empty() { "ok" } else { "FAILED" },
        tests.len() - failures.len(),
        failures.len(),
        all - tests.len(),
        start.elapsed().as_secs_f64()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cases(folder: &Path) -> Vec<Test> {
    let entries = fs_err::read_dir(folder).expect("the folder of cases is part of this crate");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths.into_iter().map(Test::Case).collect()
}

fn run_all(settings: &Settings, tests: &[Test]) -> Vec<(String, String)> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let marker = marker();
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(tests.len()) {
            scope.spawn(|| {
                while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let result = test.run(settings, &marker);
                    let word = if result.is_ok() { "ok" } else { "FAILED" };
                    println!("test {} ... {word} ({:.1} s)", test.name(), start.elapsed().as_secs_f64());
                    if let Err(problem) = result {
                        failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((test.name(), problem));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failures.sort();
    failures
}

/// Four letters that name this run: always as long, so that tables are always as wide.
fn marker() -> String {
    let mut number = std::process::id();
    (0..4)
        .map(|_| {
            let letter = char::from(b'a' + u8::try_from(number % 26).unwrap_or_default());
            number /= 26;
            letter
        })
        .collect()
}
