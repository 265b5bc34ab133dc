//! `cargo xtask bench`: how fast and how large Windlass is, beside the real API server in the same run.
//!
//! Start with [`run`], then [`Bench::all`]: one function a group. `docs/performance.md` holds the result between two markers;
//! with `-o json` or for one group only it is printed and nothing is written. Not a test: nothing fails because it is slow.

mod figures;
mod http;
mod measure;
mod platform;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use crate::cluster::Cluster;
use crate::{components, process, project};
use figures::{Figure, between, table};
use platform::{Platform, resident, server};

const PAGE: &str = "docs/performance.md";
const START: &str = "<!-- figures: written by `cargo xtask bench` -->";
const END: &str = "<!-- end of figures -->";
/// Groups of figures, in the order of the page.
const GROUPS: [&str; 4] = ["start", "creates", "instances", "plan"];
/// How often what is quick is done.
const RUNS: usize = 5;
const WRITERS: [usize; 3] = [1, 16, 64];
/// So many instances are stored where the figures of a large installation are taken.
const THOUSAND: usize = 1000;

/// What is measured, and how it is said.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only one group: start, creates, instances, plan; or build (a clean release build: minutes)
    name: Option<String>,
    /// `json` prints one document and writes nothing
    #[arg(short, long, value_parser = ["json"])]
    output: Option<String>,
    /// The release binary to measure; built when left out
    #[arg(long)]
    windlass: Option<PathBuf>,
}

/// `cargo xtask bench`.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let name = arguments.name.as_deref();
    if name == Some("build") {
        return build();
    }
    if let Some(unknown) = name.filter(|name| !GROUPS.contains(name)) {
        bail!("no group `{unknown}`\nhint: known are {}, build", GROUPS.join(", "));
    }
    let program = match &arguments.windlass {
        Some(program) => fs_err::canonicalize(program)?,
        None => release()?,
    };
    let bench = Bench { program, folder: tempfile::tempdir()?, quiet: arguments.output.is_some() };
    let figures = bench.all(name)?;
    if arguments.output.is_some() {
        let lines: Vec<_> = figures.iter().map(Figure::json).collect();
        println!("{}", serde_json::to_string_pretty(&json!({"machine": machine(), "figures": lines}))?);
        return Ok(());
    }
    let text = format!("\nMeasured on {}.\n\n{}\n", machine(), table(&figures));
    println!("{text}");
    if name.is_none() {
        let page = project::root()?.join(PAGE);
        fs_err::write(&page, between(&fs_err::read_to_string(&page)?, START, END, &text)?)?;
        println!("written to {PAGE}");
    }
    Ok(())
}

fn release() -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--locked", "--quiet", "--package", "windlass"]);
    // Not a stage: its heading would stand in the JSON document.
    process::read(&mut command)?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project::root().map(|root| root.join("target")), |folder| Ok(folder.into()))?;
    Ok(target.join("release/windlass"))
}

/// The seconds of a clean release build.
fn build() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--locked", "--quiet", "--package", "windlass"]).env("CARGO_TARGET_DIR", folder.path());
    let took = process::stage("a clean release build", &mut command)?;
    println!("{:.0} s on {}", took.as_secs_f64(), machine());
    Ok(())
}

/// Processor and cores.
fn machine() -> String {
    let information = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |(_, name)| name);
    format!("{} cores ({model})", std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

struct Bench {
    program: PathBuf,
    folder: tempfile::TempDir,
    quiet: bool,
}

impl Bench {
    fn all(&self, name: Option<&str>) -> Result<Vec<Figure>> {
        let wanted = |group: &str| name.is_none_or(|name| name == group);
        let mut figures = Vec::new();
        if wanted("start") {
            figures.extend(self.start()?);
        }
        if wanted("creates") {
            figures.extend(self.creates()?);
        }
        // The real server's part is taken after ours, never at the same time.
        if wanted("start") || wanted("creates") {
            self.peer(&mut figures)?;
        }
        if wanted("instances") {
            figures.extend(self.instances()?);
        }
        if wanted("plan") {
            figures.push(self.plan()?);
        }
        Ok(figures)
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            println!("    {text}");
        }
    }

    /// An empty platform: until ready, and its memory then.
    fn start(&self) -> Result<Vec<Figure>> {
        let (mut first, mut again, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..RUNS {
            self.say(&format!("start {}/{RUNS}", run + 1));
            let data = self.folder.path().join(format!("start-{run}"));
            first.push(measure::milliseconds(Platform::start(&self.program, &data)?.ready));
            let platform = Platform::start(&self.program, &data)?;
            again.push(measure::milliseconds(platform.ready));
            measure::rest(Duration::from_secs(2));
            memory.push(platform.resident()?);
        }
        Ok(vec![
            Figure::new(UP, "ms", first).goal("≤ 3,000 ms"),
            Figure::new("`up` on the same data again", "ms", again),
            Figure::new(MEMORY, "MB", memory),
        ])
    }

    fn creates(&self) -> Result<Vec<Figure>> {
        let platform = Platform::start(&self.program, &self.folder.path().join("creates"))?;
        self.rates(&platform.api()?, "Windlass")?.into_iter().map(|(name, ours)| Ok(Figure::new(name, "/s", ours))).collect()
    }

    /// Creates a second, for each number of writers.
    fn rates(&self, server: &http::Server, who: &str) -> Result<Vec<(String, Vec<f64>)>> {
        WRITERS
            .into_iter()
            .map(|writers| {
                self.say(&format!("{who}: creates by {writers}"));
                let count = if writers == 1 { 200 } else { 1600 };
                let rates =
                    (0..3).map(|run| measure::creates(server, writers, count, &format!("w{writers}-{run}"))).collect::<Result<_>>()?;
                Ok((format!("durable creates of ConfigMaps, {writers} writer(s)"), rates))
            })
            .collect()
    }

    /// Puts the real server's figures beside ours.
    fn peer(&self, figures: &mut [Figure]) -> Result<()> {
        if !components::have_go() {
            self.say("no Go: the real server is not measured");
            return Ok(());
        }
        let put = |figures: &mut [Figure], name: &str, value: f64| {
            figures.iter_mut().filter(|figure| figure.name == name).for_each(|figure| figure.peer.push(value));
        };
        for run in 0..2 {
            self.say(&format!("the real server {}/2", run + 1));
            let folder = self.folder.path().join(format!("real-{run}"));
            fs_err::create_dir_all(&folder)?;
            let cluster = Cluster::start_durable(&folder)?;
            put(figures, UP, measure::milliseconds(cluster.ready()));
            let memory = cluster.server_processes().into_iter().map(resident).sum::<Result<f64>>()?;
            put(figures, MEMORY, memory);
            if run == 0 && figures.iter().any(|figure| figure.unit == "/s") {
                for (name, rates) in self.rates(&server(cluster.kubeconfig())?, "real server")? {
                    rates.into_iter().for_each(|rate| put(figures, &name, rate));
                }
            }
        }
        Ok(())
    }

    /// Instances until they are ready, each number on data of its own; the memory afterwards.
    fn until_ready(&self, count: usize, runs: usize) -> Result<(Figure, f64)> {
        let platform = Platform::start(&self.program, &self.data_of(count))?;
        let server = platform.api()?;
        measure::publish(&server, &measure::template("bench-setting", "BenchSetting", 1))?;
        self.say(&format!("create → Ready of {count}"));
        let times = (0..runs).map(|run| measure::ready(&server, count, &format!("n{count}-{run}"))).collect::<Result<_>>()?;
        Ok((Figure::new(format!("create → Ready, {count} instance(s)"), "ms", times), platform.resident()?))
    }

    fn data_of(&self, count: usize) -> PathBuf {
        self.folder.path().join(format!("instances-{count}"))
    }

    /// A thousand instances: until ready, after a restart, at rest, in the portal.
    fn instances(&self) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for (count, runs) in [(1, RUNS), (100, 3)] {
            figures.push(self.until_ready(count, runs)?.0);
        }
        let (figure, memory) = self.until_ready(THOUSAND, 1)?;
        figures.extend([figure, Figure::new("memory after these creates", "MB", vec![memory])]);
        let data = self.data_of(THOUSAND);
        let (mut ready, mut new, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..RUNS {
            self.say(&format!("restart with 1,000 instances {}/{RUNS}", run + 1));
            let platform = Platform::start(&self.program, &data)?;
            ready.push(measure::milliseconds(platform.ready));
            measure::ready(&platform.api()?, 1, &format!("after-{run}"))?;
            new.push(measure::milliseconds(platform.started.elapsed()));
            measure::rest(Duration::from_secs(5));
            memory.push(platform.resident()?);
            if run + 1 == RUNS {
                figures.push(Figure::new("`up` after a kill, 1,000 instances stored", "ms", std::mem::take(&mut ready)));
                figures.push(
                    Figure::new("... from its start until a new instance is Ready", "ms", std::mem::take(&mut new)).goal("≤ 3,000 ms"),
                );
                figures.push(Figure::new("... memory at rest", "MB", std::mem::take(&mut memory)).goal("≤ 50 MB"));
                figures.extend(self.portal(&platform)?);
            }
        }
        Ok(figures)
    }

    fn portal(&self, platform: &Platform) -> Result<Vec<Figure>> {
        let cookie = measure::login(platform)?;
        self.say("30 s of rest");
        let writes = measure::idle_writes(platform, &cookie, Duration::from_secs(30))?;
        let mut figures = vec![Figure::new("writes in 30 s of rest, an event stream open", "", vec![writes]).goal("0")];
        let mut connection = measure::portal(platform)?.connect()?;
        for (name, path, word) in [
            ("home", "/", "BenchSetting"),
            ("templates", "/templates", "bench-setting"),
            ("instances", "/instances", "BenchSetting"),
            ("an instance", "/instances/platform.windlass.dev/BenchSetting/default/n1000-0-500", "n1000-0-500"),
        ] {
            let times = (0..10).map(|_| measure::page(&mut connection, &cookie, path, word)).collect::<Result<_>>()?;
            figures.push(Figure::new(format!("page with 1,000 instances: {name}"), "ms", times));
        }
        Ok(figures)
    }

    fn plan(&self) -> Result<Figure> {
        let platform = Platform::start(&self.program, &self.folder.path().join("plan"))?;
        measure::publish(&platform.api()?, &measure::template("bench-many", "BenchMany", 100))?;
        let file = self.folder.path().join("many.json");
        fs_err::write(&file, serde_json::to_vec(&measure::instance("BenchMany", "many"))?)?;
        self.say("plan of 100 nodes");
        let start = Instant::now();
        let times = (0..RUNS).map(|_| measure::plan(&self.program, &platform.kubeconfig()?, &file)).collect::<Result<_>>()?;
        self.say(&format!("all in {:.1} s", start.elapsed().as_secs_f64()));
        Ok(Figure::new("`windlass plan -f` of 100 nodes, whole program", "ms", times))
    }
}

const UP: &str = "`up` on an empty directory until ready";
const MEMORY: &str = "memory at rest, nothing stored";
