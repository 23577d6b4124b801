"""make hotspots: where the instructions of one request to a function go, counted by valgrind over many requests to the release
binary, into docs/performance.md. What the kernel does for it is not counted."""

import json
import os
import re
import shutil
import subprocess
import sys

from report import PROJECT, table, write

FUNCTION = "get-task"
FOLDER = PROJECT / ".local" / "hotspots"
REQUESTS = 1000
# By one of these for each operation.
SDK = "FluentBuilder::send::{{closure}}"
ANSWER = "taskbell_functions::answer_requests::{{closure}}"
TASKS = "tokio::runtime::scheduler::current_thread::Context::run_task"
# Parts of what the SDK does.
PARTS = {
    "signing": "aws_smithy_runtime::client::orchestrator::auth::sign_request",
    "reading the answer": "SharedResponseDeserializer as aws_smithy_runtime_api::client::ser_de::DeserializeResponse>",
    "configuration of the call": "aws_smithy_runtime::client::orchestrator::apply_configuration",
    "handing it to the HTTP client": "<aws_smithy_runtime_api::client::http::HttpConnectorFuture as ",
}


def build() -> str:
    """The function as it is released, but with its symbols: a copy, since what is released is then built again."""
    of = ["--release", "--locked", "--package", "taskbell-functions", "--bin", FUNCTION]
    command = ["cargo", "rustc", *of, "--message-format", "json", "--", "-C", "strip=none"]
    lines = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.splitlines()
    built = [found for line in lines if (found := json.loads(line).get("executable"))][-1]
    FOLDER.mkdir(parents=True, exist_ok=True)
    copy = shutil.copy(built, FOLDER / "program")
    subprocess.run(["cargo", "build", "--quiet", *of], cwd=PROJECT, check=True)
    return copy


def count(driver: str, program: str) -> list[str]:
    """The lines of callgrind_annotate, each with what a function and all that it calls have taken."""
    counts = FOLDER / "callgrind.out"
    counts.unlink(missing_ok=True)
    # Counted from when the function begins to ask for requests.
    start = "--zero-before=taskbell_functions::answer_requests"
    script = f"#!/bin/sh\nexec valgrind --quiet --tool=callgrind --callgrind-out-file={counts} {start} {program}\n"
    (FOLDER / FUNCTION).write_text(script)
    (FOLDER / FUNCTION).chmod(0o755)
    environment = os.environ | {
        "FUNCTIONS": FUNCTION, "PROGRAMS": str(FOLDER), "PEERS": "bench/peers", "RESULTS": str(FOLDER / "results.jsonl"),
        "STARTS": "1", "WARM": str(REQUESTS - 1),
    }
    subprocess.run([driver], cwd=PROJECT, env=environment, check=True, stderr=subprocess.DEVNULL)
    annotate = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(counts)]
    return subprocess.run(annotate, check=True, capture_output=True, text=True).stdout.splitlines()


def main() -> None:
    lines = count(sys.argv[1], build())
    counted = [(int(m[1].replace(",", "")), m[2]) for m in (re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+(.*)", line) for line in lines) if m]

    def of(name: str) -> list[int]:
        found = [instructions for instructions, function in counted if name in function]
        if not found:
            sys.exit(f"hotspots: no function is called {name}")
        return found

    whole, sdk, (answer, *_), (tasks, *_) = counted[0][0], sum(of(SDK)), of(ANSWER), of(TASKS)
    rows = [("the SDK, all calls", sdk)]
    rows += [(f"— {part}", of(name)[0]) for part, name in PARTS.items()]
    rows.append(("the connections' own tasks", tasks))
    rows.append(("Lambda's runtime, reading the event and writing the answer", whole - answer - tasks))
    rows.append(("Taskbell", answer - sdk))
    rows.append(("**all**", whole))
    shown = [[what, f"{part / REQUESTS:,.0f}", f"{part / whole:.0%}"] for what, part in rows]
    block = table(["", "instructions a request", ""], shown)
    write({"hotspots": block})
    print(block)


if __name__ == "__main__":
    main()
