"""make hotspots: attributes the instructions of one request, and the bytes of the binary, to their sources.

valgrind counts over many requests to the release binary; the kernel is not counted. Writes docs/performance.md.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter

from report import PROJECT, cargo, drive, table, write

FUNCTION = "get-task"
FOLDER = PROJECT / ".local" / "hotspots"
REQUESTS = 1000
# The SDK's entry point of each operation.
SDK = "FluentBuilder::send::{{closure}}"
ANSWER = "taskbell_api::http::reply::respond::{{closure}}"
TASKS = "tokio::runtime::scheduler::current_thread::Context::run_task"
# Parts of the SDK's work.
PARTS = {
    "signing": "aws_smithy_runtime::client::orchestrator::auth::sign_request",
    "parsing the response": "SharedResponseDeserializer as aws_smithy_runtime_api::client::ser_de::DeserializeResponse>",
    "configuring the call": "aws_smithy_runtime::client::orchestrator::apply_configuration",
    "passing it to the HTTP client": "<aws_smithy_runtime_api::client::http::HttpConnectorFuture as ",
}
# The owner of code, by the crate with which a symbol name begins.
CRATES = {
    "Lambda's runtime": r"lambda_|aws_lambda_events",
    "the SDK": r"aws_",
    "HTTP": r"hyper|h2|http|tower|url|idna",
    "TLS and signatures": r"rustls|webpki|ring|tokio_rustls|sha2|jsonwebtoken|untrusted",
    "JSON": r"serde|zmij|itoa",
    "Taskbell": r"taskbell",
    "Rust standard library, including what others use of it": r"core|alloc|std|hashbrown|gimli|addr2line|rustc_demangle|miniz_oxide|memchr",
}
SECTIONS = {
    "data": r"\.rodata|\.data$|\.bss|\.tbss|\.tdata",
    "relocations": r"\.rela|\.data\.rel|\.got|\.relro",
    "unwind tables": r"\.eh_frame|\.gcc_except",
}


def build() -> str:
    """Builds the function as released, but with symbols. Returns a copy, because the released form is then built again."""
    of = ["--release", "--locked", "--package", "taskbell-functions", "--bin", FUNCTION]
    lines = cargo("rustc", "--quiet", *of, "--message-format", "json", "--", "-C", "strip=none").splitlines()
    built = [found for line in lines if (found := json.loads(line).get("executable"))][-1]
    FOLDER.mkdir(parents=True, exist_ok=True)
    copy = shutil.copy(built, FOLDER / "program")
    cargo("build", "--quiet", *of)
    return copy


def count(driver: str, program: str) -> list[str]:
    """The lines of callgrind_annotate with the inclusive cost of each function."""
    counts = FOLDER / "callgrind.out"
    counts.unlink(missing_ok=True)
    # Counting starts when the function asks for its first request.
    start = "--zero-before=taskbell_functions::serve_requests"
    script = f"#!/bin/sh\nexec valgrind --quiet --tool=callgrind --callgrind-out-file={counts} {start} {program}\n"
    (FOLDER / FUNCTION).write_text(script)
    (FOLDER / FUNCTION).chmod(0o755)
    drive(driver, {
        "FUNCTIONS": FUNCTION, "PROGRAMS": str(FOLDER), "RESULTS": str(FOLDER / "results.jsonl"), "STARTS": "1", "WARM": str(REQUESTS - 1),
    })
    annotate = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(counts)]
    return subprocess.run(annotate, check=True, capture_output=True, text=True).stdout.splitlines()


def size(program: str) -> str:
    """The bytes of the program by owner, as a table."""
    def lines(*command: str) -> list[list[str]]:
        return [line.split(None, 3) for line in subprocess.run([*command, program], check=True, capture_output=True, text=True).stdout.splitlines()]

    parts = Counter()
    for _, length, kind, name in (line for line in lines("nm", "--print-size", "--demangle", "--defined-only") if len(line) == 4):
        if kind in "tTwW":
            crate = (re.search(r"\b([a-z_][a-z0-9_]*)(?=::)", name) or [name])[0]
            parts[next((whose for whose, crates in CRATES.items() if re.match(crates, crate)), "other")] += int(length, 16)
    for section, length in (line[:2] for line in lines("size", "--format=sysv") if line and line[0].startswith(".")):
        if what := next((what for what, sections in SECTIONS.items() if re.match(sections, section)), None):
            parts[what] += int(length)
    rows = [[what, f"{length / 1e6:.2f}"] for what, length in parts.most_common()]
    return table(["", "MB"], [*rows, ["**total**", f"**{parts.total() / 1e6:.2f}**"]])


def main() -> None:
    program = build()
    lines = count(sys.argv[1], program)
    counted = [(int(m[1].replace(",", "")), m[2]) for m in (re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+(.*)", line) for line in lines) if m]

    def of(name: str) -> list[int]:
        found = [instructions for instructions, function in counted if name in function]
        if not found:
            sys.exit(f"hotspots: no function is named {name}")
        return found

    whole, sdk, (answer, *_), (tasks, *_) = counted[0][0], sum(of(SDK)), of(ANSWER), of(TASKS)
    rows = [("the SDK, all calls", sdk)]
    rows += [(f"— {part}", of(name)[0]) for part, name in PARTS.items()]
    rows.append(("connection tasks", tasks))
    rows.append(("Lambda's runtime, reading the event and writing the response", whole - answer - tasks))
    rows.append(("Taskbell", answer - sdk))
    rows.append(("**total**", whole))
    shown = [[what, f"{part / REQUESTS:,.0f}", f"{part / whole:.0%}"] for what, part in rows]
    block = table(["", "instructions per request", ""], shown)
    sizes = size(program)
    write({"hotspots": block, "bytes": sizes})
    print(block, sizes, sep="\n\n")


if __name__ == "__main__":
    main()
