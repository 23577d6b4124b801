//! A measured program: started, driven through the Runtime API, and ended.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

use crate::runtime_api::{Answer, RuntimeApi};

/// The timeout for everything that a program does.
const PATIENCE: Duration = Duration::from_secs(30);
const SETTLING: Duration = Duration::from_millis(25);

/// How to start a program.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    /// Its control group.
    pub(crate) group: Option<PathBuf>,
}

/// A program that has started and waits for an event.
pub(crate) struct Running {
    child: Child,
    api: RuntimeApi,
    /// The time from the start of the process to its first request for an event.
    pub(crate) init: Duration,
    logged: Arc<AtomicUsize>,
}

impl Program {
    /// Starts the program and waits until it asks for an event.
    pub(crate) async fn start(&self) -> Result<Running, String> {
        let mut api = RuntimeApi::start().await;
        let mut line = self.command.clone();
        if let Some(group) = &self.group {
            let enter = format!("echo $$ >{}/cgroup.procs && exec \"$@\"", group.display());
            line.splice(0..0, ["sh".to_owned(), "-c".to_owned(), enter, "sh".to_owned()]);
        }
        let mut command = Command::new(&line[0]);
        command
            .args(&line[1..])
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| name == "PATH"))
            .envs(self.variables.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.command[0]))?;
        let errors = child.stderr.take().expect("it is piped");
        tokio::select! {
            asked = api.asked() => {
                let asked = asked.map_err(|complaint| text(&complaint))?;
                let logged = Arc::new(AtomicUsize::new(0));
                // A full pipe would block the program.
                tokio::spawn(count(errors, logged.clone()));
                Ok(Running { child, api, init: asked - started, logged })
            }
            _ = child.wait() => Err(format!("{:?} ended: {}", self.command, swallow(errors).await)),
            () = tokio::time::sleep(PATIENCE) => Err(format!("{:?} does not start", self.command)),
        }
    }
}

impl Running {
    /// Sends an event and waits until the program requests the next one. Returns the response and the duration.
    pub(crate) async fn invoke(&mut self, event: String) -> Result<(Answer, Duration), String> {
        let given = Instant::now();
        let answered = tokio::time::timeout(PATIENCE, self.api.invoke(event)).await;
        let answer = answered.map_err(|_| "there is no response".to_owned())?;
        self.api.asked().await.map_err(|complaint| text(&complaint))?;
        let took = answer.at - given;
        Ok((answer, took))
    }

    /// The CPU time of its running threads. Waits first until the program sleeps, longer than a control group may throttle
    /// it.
    pub(crate) async fn cpu(&self) -> Duration {
        tokio::time::sleep(SETTLING).await;
        let threads = fs::read_dir(self.proc("task")).expect("the process runs");
        let times = threads.flatten().filter_map(|thread| {
            let line = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let time = line.split(' ').next().and_then(|text| text.parse::<u64>().ok());
            Some(time.expect("the time of a thread"))
        });
        Duration::from_nanos(times.sum())
    }

    /// Its peak memory in KiB, including pages of its executable and libraries.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Its anonymous memory in KiB.
    pub(crate) fn own_memory(&self) -> u64 {
        self.memory("RssAnon:")
    }

    fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux reports it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// The number of bytes logged since the start.
    pub(crate) fn logged(&self) -> usize {
        self.logged.load(Ordering::Relaxed)
    }

    /// Ends it with SIGTERM, so that a profiler can write its results.
    pub(crate) async fn end(mut self) {
        let id = self.child.id().expect("the process runs").to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await.expect("the process runs");
        }
    }

    fn proc(&self, file: &str) -> PathBuf {
        let id = self.child.id().expect("the process runs");
        Path::new("/proc").join(id.to_string()).join(file)
    }
}

async fn swallow(mut pipe: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut all = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut pipe, &mut all).await;
    text(&all)
}

async fn count(mut pipe: impl tokio::io::AsyncRead + Unpin, bytes: Arc<AtomicUsize>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = tokio::io::AsyncReadExt::read(&mut pipe, &mut buffer).await {
        bytes.fetch_add(read, Ordering::Relaxed);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
