//! One function of the release build, run as Lambda runs it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::binary::output;
use crate::instructions::{EVENTS, WARM_UP};
use crate::runtime_api::RuntimeApi;
use crate::scene::{Request, Scene};

/// How often a time is measured. The smallest one counts: what else the machine does only adds to it.
const RUNS: usize = 9;

/// A function: its binary, its handler, its environment.
#[derive(Clone)]
pub struct Function {
    program: PathBuf,
    environment: BTreeMap<String, String>,
    /// What it is called in the files that are kept, and where those are.
    name: String,
    profiles: Option<PathBuf>,
}

/// What came of a run.
struct Ran {
    times: Vec<u64>,
    memory_kilobytes: u64,
}

impl Function {
    /// The function that answers a request of the scene.
    pub fn of(scene: &Scene, binaries: &Path, request: &Request) -> Self {
        let mut environment = scene.environment.clone();
        environment.insert("_HANDLER".to_owned(), request.handler.clone());
        let program = binaries.join(&request.binary);
        Self { program, environment, name: request.handler.clone(), profiles: None }
    }

    /// The same; what callgrind writes down is kept in this folder.
    pub fn keeping(self, profiles: Option<&Path>) -> Self {
        Self { profiles: profiles.map(Path::to_owned), ..self }
    }

    /// The same, where the services have addresses that nothing is sent to: the warming call fails at once.
    pub fn without_table(&self) -> Self {
        let mut without = self.clone();
        let nowhere = ["dynamodb", "cognito", "s3", "jwks"].map(|service| format!("{service}=nowhere"));
        without.environment.insert("ENDPOINTS".to_owned(), nowhere.join(","));
        without.name.push_str("-without");
        without.environment.insert("AWS_LAMBDA_LOG_LEVEL".to_owned(), "OFF".to_owned());
        without
    }

    /// The binary.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Processor time from the start to asking for the first event, and to asking for the second one.
    pub async fn cold_start(&self, events: &[Value]) -> io::Result<(u64, u64)> {
        let mut smallest = (u64::MAX, u64::MAX);
        for _ in 0..RUNS {
            let times = self.run(events.get(..1).unwrap_or_default()).await?.times;
            let [init, answered] = times[..] else { return Err(io::Error::other("there is no event")) };
            smallest = (smallest.0.min(init), smallest.1.min(answered));
        }
        Ok(smallest)
    }

    /// Processor time from the start to asking for the first event.
    pub async fn init_nanoseconds(&self) -> io::Result<u64> {
        let mut smallest = u64::MAX;
        for _ in 0..RUNS {
            smallest = smallest.min(self.run(&[]).await?.times.first().copied().unwrap_or(u64::MAX));
        }
        Ok(smallest)
    }

    /// Processor time of a request to a warm function.
    pub async fn nanoseconds_of_a_warm_request(&self, events: &[Value]) -> io::Result<u64> {
        let events = events.get(EVENTS..).unwrap_or_default();
        let times = self.run(events).await?.times;
        // Each request begins when the one before it was answered.
        let each = times.windows(2).skip(WARM_UP).map(|pair| pair[1] - pair[0]);
        let mut each: Vec<_> = each.collect();
        each.sort_unstable();
        each.get(each.len() / 2).copied().ok_or_else(|| io::Error::other("too few events"))
    }

    /// The most memory that it had, after the first of these events.
    pub async fn memory_kilobytes(&self, events: &[Value]) -> io::Result<u64> {
        Ok(self.run(events.get(..1).unwrap_or_default()).await?.memory_kilobytes)
    }

    /// The instructions from the start until it has answered these events, by callgrind.
    pub async fn instructions(&self, events: &[Value]) -> io::Result<u64> {
        let counted = self.counted(events, &[]).await?;
        let totals = counted.lines().find_map(|line| line.strip_prefix("totals: "));
        totals.and_then(|total| total.trim().parse().ok()).ok_or_else(|| io::Error::other("callgrind counted nothing"))
    }

    /// What callgrind writes down, with these arguments, until it has answered these events.
    pub async fn counted(&self, events: &[Value], arguments: &[&str]) -> io::Result<String> {
        let folder = tempfile::tempdir()?;
        let folder = self.profiles.as_deref().unwrap_or(folder.path());
        let file = folder.join(format!("{}-{}.callgrind", self.name, events.len()));
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--quiet"]).args(arguments);
        command.arg(format!("--callgrind-out-file={}", file.display())).arg(&self.program);
        let mut child = Running::start(command, &self.environment, events).await?;
        child.finished().await?;
        child.end()?;
        std::fs::read_to_string(&file)
    }

    async fn run(&self, events: &[Value]) -> io::Result<Ran> {
        let mut child = Running::start(Command::new(&self.program), &self.environment, events).await?;
        let times = child.finished().await?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let memory_kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).unwrap_or_default();
        Ok(Ran { times, memory_kilobytes })
    }
}

/// A process of a function. Killed when it is dropped.
struct Running {
    child: Child,
    api: RuntimeApi,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    async fn start(mut command: Command, environment: &BTreeMap<String, String>, events: &[Value]) -> io::Result<Self> {
        let api = RuntimeApi::start(events).await?;
        command.env_clear().envs(environment).env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
        let named = command.get_program().to_string_lossy().into_owned();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.map_err(|error| io::Error::new(error.kind(), format!("{named}: {error}")))?;
        let process = child.id();
        api.read(Box::new(move || nanoseconds_of(process)));
        Ok(Self { child, api })
    }

    /// Waits until it has answered all, and checks the answers.
    async fn finished(&mut self) -> io::Result<Vec<u64>> {
        let (times, answers) = self.api.finished().await?;
        for answer in answers {
            let status = answer["statusCode"].as_u64().unwrap_or(200);
            if status >= 400 && status != 404 {
                return Err(io::Error::other(format!("an answer is {answer}")));
            }
        }
        Ok(times)
    }

    /// Ends it in a way that lets callgrind write down what it counted.
    fn end(&mut self) -> io::Result<()> {
        output(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        self.child.wait().map(drop)
    }
}

/// The processor time of all threads of a process.
/// <https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat>
fn nanoseconds_of(process: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let used = threads.filter_map(|thread| {
        let statistics = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        statistics.split_whitespace().next()?.parse::<u64>().ok()
    });
    used.sum()
}
