//! Starts programs as Lambda does, sends them requests with DynamoDB on this machine, and writes one line of JSON for each
//! start: the duration of the start, of the first request and of the following requests, the CPU time of each, and the peak
//! memory.
//!
//! Programs run in turns, so that other load on the machine affects all of them equally. `make bench` builds the programs
//! and writes docs/performance.md from the results. `FUNCTIONS` limits the measurement to some functions, separated by
//! commas.

/// The tests hold every answer against the OpenAPI document; what is measured does not.
mod described {
    pub(crate) fn check(_: &str, _: &str, _: &taskbell_api::http::HttpResponse) {}
}

mod cloud;
mod group;
mod program;
mod runtime_api;
#[path = "../../shared/api/tests/api/support.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

use std::{
    env, fs,
    io::{BufWriter, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use taskbell_test::template::{project, resources};

use cloud::{Cloud, Front, ISSUER};
use group::Group;
use program::Program;
use runtime_api::Answer;

/// A measured program and its requests.
struct Candidate {
    /// The implementation: `taskbell`, `floor`, `typical`, `python`, `node`.
    by: &'static str,
    function: String,
    program: Program,
    /// Whether each request has a token that the program has not seen before.
    new_tokens: bool,
}

/// The conditions of a measurement.
#[derive(Clone, Copy)]
enum Conditions<'a> {
    /// A whole CPU, DynamoDB without TLS.
    Plain,
    /// DynamoDB with TLS, and the CPU share of a memory size.
    Share(&'a Front, &'a Group),
    /// DynamoDB with TLS.
    Tls(&'a Front),
    /// The same, for all functions.
    All(&'a Front),
}

impl Conditions<'_> {
    fn name(self) -> String {
        match self {
            Self::Plain => "plain".to_owned(),
            Self::Share(_, group) => format!("{} MB", group.memory()),
            Self::Tls(_) => "tls".to_owned(),
            Self::All(_) => "all".to_owned(),
        }
    }
}

/// The number of starts per program and of requests per start.
#[derive(Clone, Copy)]
struct Rounds {
    starts: usize,
    warm: usize,
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: run make bench"))
}

fn number(name: &str) -> Result<usize, String> {
    let text = variable(name)?;
    let number = text.parse::<NonZeroUsize>();
    number
        .map(NonZeroUsize::get)
        .map_err(|error| format!("{name} is {text:?}, not a positive integer ({error})"))
}

fn folder(name: &str) -> Result<PathBuf, String> {
    Ok(project().join(variable(name)?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (programs, peers) = (folder("PROGRAMS")?, folder("PEERS")?);
    let rounds = Rounds { starts: number("STARTS")?, warm: number("WARM")? };
    let mut out = BufWriter::new(fs::File::create(folder("RESULTS")?)?);
    let cloud = Cloud::start().await;

    if let Ok(named) = env::var("FUNCTIONS") {
        if let Some(wrong) = named.split(',').find(|name| !api().any(|known| known == *name)) {
            return Err(format!("FUNCTIONS: {wrong} is not a function of the API").into());
        }
        let named: Vec<_> = named.split(',').map(|function| own(function, &programs, &cloud)).collect();
        let named: Vec<_> = named.into_iter().chain([floor(&peers, &cloud)]).collect();
        measure(&named, Conditions::Plain, rounds, &cloud, &mut out).await?;
        return Ok(out.flush()?);
    }
    let mut new_tokens = own("get-task", &programs, &cloud);
    (new_tokens.by, new_tokens.new_tokens) = ("taskbell, new tokens", true);
    let compared_functions: Vec<_> = ["get-task", "create-task"]
        .into_iter()
        .flat_map(|function| compared(function, &programs, &peers, &cloud))
        .chain([new_tokens, floor(&peers, &cloud)])
        .collect();
    let front = Front::start(&cloud).await;
    measure(&compared_functions, Conditions::Tls(&front), rounds, &cloud, &mut out).await?;
    let few = Rounds { starts: rounds.starts.div_ceil(3), warm: rounds.warm.div_ceil(10) };
    let peers_of_get = compared("get-task", &programs, &peers, &cloud);
    let typical = peers_of_get.into_iter().filter(|candidate| candidate.by == "typical");
    let all = api().map(|function| own(&function, &programs, &cloud));
    let all: Vec<_> = all.chain(typical).chain([floor(&peers, &cloud)]).collect();
    measure(&all, Conditions::All(&front), few, &cloud, &mut out).await?;
    let fewer = Rounds { starts: rounds.starts.div_ceil(2), warm: rounds.warm.div_ceil(4) };
    measure(&compared_functions, Conditions::Plain, fewer, &cloud, &mut out).await?;
    let hashing = [own("register-user", &programs, &cloud)];
    for (memory, candidates, rounds) in [
        (256, &compared_functions[..], fewer),
        (256, &hashing, few),
        (512, &hashing, few),
        (1_024, &hashing, few),
        (1_769, &hashing, few),
    ] {
        match Group::new(memory) {
            Ok(group) => {
                measure(candidates, Conditions::Share(&front, &group), rounds, &cloud, &mut out)
                    .await?;
            }
            Err(error) => eprintln!("not measured at {memory} MB: no control group ({error})"),
        }
    }
    out.flush()?;
    Ok(())
}

/// The functions of the API.
fn api() -> impl Iterator<Item = String> {
    let functions = resources("AWS::Serverless::Function").into_iter();
    functions.filter_map(|(_, mut function)| {
        let properties = function["Properties"].take();
        let code = properties["CodeUri"].as_str().expect("a folder").trim_end_matches('/');
        let name = code.rsplit('/').next().map(str::to_owned);
        name.filter(|_| properties["Events"].to_string().contains("HttpApi"))
    })
}

/// A function of this project.
fn own(function: &str, programs: &Path, cloud: &Cloud) -> Candidate {
    let variables = variables(cloud);
    let command = vec![programs.join(function).display().to_string()];
    Candidate {
        by: "taskbell",
        function: function.to_owned(),
        program: Program { command, variables, group: None },
        new_tokens: false,
    }
}

/// A function that does nothing: the cost of the runtime.
fn floor(peers: &Path, cloud: &Cloud) -> Candidate {
    let command = vec![peers.join("rust/target/release/floor").display().to_string()];
    let variables = variables(cloud);
    let program = Program { command, variables, group: None };
    Candidate { by: "floor", function: "get-health".to_owned(), program, new_tokens: false }
}

/// A function of this project, and its implementations in other languages.
fn compared(function: &'static str, programs: &Path, peers: &Path, cloud: &Cloud) -> Vec<Candidate> {
    let path = |path: &str| peers.join(path).display().to_string();
    let mut variables = variables(cloud);
    variables.push(("PYTHONPATH".to_owned(), path("python")));
    let peer = |by, command| {
        let program = Program { command, variables: variables.clone(), group: None };
        Candidate { by, function: function.to_owned(), program, new_tokens: false }
    };
    vec![
        own(function, programs, cloud),
        peer("typical", vec![path(&format!("rust/target/release/typical-{function}"))]),
        peer(
            "python",
            vec![
                path("python/.venv/bin/python"),
                "-m".to_owned(),
                "awslambdaric".to_owned(),
                format!("{}.handler", function.replace('-', "_")),
            ],
        ),
        peer("node", vec!["node".to_owned(), path(&format!("node/dist/{function}.mjs"))]),
    ]
}

/// The environment of every program: the variables of Lambda and template.yaml.
fn variables(cloud: &Cloud) -> Vec<(String, String)> {
    [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_SESSION_TOKEN", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("RUST_LOG", "info"),
        ("LOG_LEVEL", "info"),
        ("ACCOUNTS_TABLE", "AccountsTable"),
        ("TASKS_TABLE", "TasksTable"),
        ("TOKEN_ISSUER", ISSUER),
        ("STACK", "taskbell"),
        ("TOKEN_PUBLIC_KEYS", cloud.public_key()),
        ("CURSOR_KEY", cloud.cursor_key()),
        ("LINK_KEYS", support::LINK_KEYS),
        ("REQUESTS_PER_MINUTE", "1000000000"),
        ("REGISTRATIONS_PER_HOUR", "1000000000"),
        ("LOG_INS_PER_MINUTE", "1000000000"),
        ("TASKS_PER_SPACE", "1000000000"),
        ("REMINDERS_PER_SPACE", "1000000000"),
        ("SIGNING_KEY_PARAMETER", "/taskbell/bench"),
        ("OPERATOR_ADDRESS", "user901@example.com"),
        ("OPERATOR_SECOND_FACTOR", "optional"),
        ("REMINDER_QUEUE_URL", "http://127.0.0.1:1/queue"),
        ("AWS_ENDPOINT_URL", &cloud.endpoint()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The program under these conditions.
fn prepared(candidate: &Candidate, conditions: Conditions<'_>) -> Program {
    let mut program = candidate.program.clone();
    if let Conditions::Share(_, group) = conditions {
        program.group = Some(group.path().to_owned());
    }
    match conditions {
        Conditions::Plain => {}
        Conditions::Tls(front) | Conditions::All(front) | Conditions::Share(front, _) => {
            let [few, all] = [&front.few, &front.all].map(|file| file.display().to_string());
            program.variables.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
            let of = |name: &str, value: String| (name.to_owned(), value);
            program.variables.push(of("AWS_ENDPOINT_URL", front.endpoint()));
            program.variables.extend(match candidate.by {
                "taskbell" | "taskbell, new tokens" => vec![of("AWS_CA_BUNDLE", few)],
                "python" => vec![of("AWS_CA_BUNDLE", all)],
                "node" => vec![of("NODE_EXTRA_CA_CERTS", few)],
                _ => vec![of("SSL_CERT_FILE", all)],
            });
        }
    }
    program
}

/// Measures the programs in turns and writes a line for each start, except for a first one, which loads them from disk.
async fn measure(
    candidates: &[Candidate],
    conditions: Conditions<'_>,
    rounds: Rounds,
    cloud: &Cloud,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error>> {
    for candidate in candidates {
        start(candidate, &prepared(candidate, conditions), conditions, 1, cloud).await?;
    }
    for round in 0..rounds.starts {
        for candidate in candidates {
            let program = prepared(candidate, conditions);
            let row = start(candidate, &program, conditions, rounds.warm, cloud).await?;
            writeln!(out, "{row}")?;
        }
        eprintln!("{}: {} of {}", conditions.name(), round + 1, rounds.starts);
    }
    Ok(())
}

/// Starts a program once and sends it requests.
async fn start(
    candidate: &Candidate,
    program: &Program,
    conditions: Conditions<'_>,
    warm: usize,
    cloud: &Cloud,
) -> Result<Value, String> {
    let function = candidate.function.as_str();
    let connections = || match conditions {
        Conditions::Tls(front) | Conditions::All(front) | Conditions::Share(front, _) => {
            front.accepted()
        }
        _ => 0,
    };
    cloud.renew();
    let mut event = cloud.event(function).await;
    let before = connections();
    let mut running = program.start().await?;
    let init_cpu = running.cpu().await;
    let at_init = connections() - before;
    let (answer, first) = running.invoke(event).await?;
    accepted(candidate, &answer)?;
    let had = running.cpu().await;
    let (mut times, mut bytes) = (Vec::with_capacity(warm), 0);
    for _ in 0..warm {
        if candidate.new_tokens {
            cloud.renew();
        }
        event = cloud.event(function).await;
        let (answer, took) = running.invoke(event).await?;
        times.push(micros(took));
        bytes += accepted(candidate, &answer)?;
    }
    let warm_cpu = running.cpu().await.saturating_sub(had);
    let row = json!({
        "by": candidate.by,
        "function": function,
        "conditions": conditions.name(),
        "init_us": micros(running.init),
        "init_cpu_us": micros(init_cpu),
        "first_us": micros(first),
        "first_cpu_us": micros(had.saturating_sub(init_cpu)),
        "warm_us": times,
        "warm_cpu_us": micros(warm_cpu) / warm as f64,
        "log_bytes": running.logged() as f64 / (warm + 1) as f64,
        "answer_bytes": bytes as f64 / warm as f64,
        "peak_kib": running.peak_memory(),
        "own_kib": running.own_memory(),
        "connections_at_init": at_init,
        "connections_later": connections() - before - at_init,
    });
    running.end().await;
    Ok(row)
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0
}

/// Checks that a request succeeded. Returns the size of the response body in bytes.
fn accepted(candidate: &Candidate, answer: &Answer) -> Result<usize, String> {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match json["statusCode"].as_u64() {
        Some(200..300) if !answer.failed => {
            let sent = json["body"].as_str().map_or(0, str::len);
            Ok(if json["isBase64Encoded"] == true { sent / 4 * 3 } else { sent })
        }
        _ => {
            let text = String::from_utf8_lossy(&answer.body);
            Err(format!("{} {} answered {text}", candidate.by, candidate.function))
        }
    }
}
