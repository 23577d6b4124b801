"""make fuzz-api: runs schemathesis with all its checks against a separate local cloud, with valid and invalid requests
generated from the OpenAPI document.

usage: fuzz.py PROGRAMS SECONDS SCHEMATHESIS    PROGRAMS is the folder with the functions that cargo built
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from deploy import PROJECT, api_url, configuration
from e2e import own_cloud, run
from invoke_events import operator

DOCUMENT = PROJECT / "shared/api/src/openapi/openapi.json"
CONFIGURATION = PROJECT / "local/schemathesis.toml"


def main(programs: Path, seconds: str, schemathesis: str) -> int:
    with own_cloud(programs, "fuzzing", RequestsPerMinute="100000") as (cloud, _):
        url = api_url(cloud)
        with urllib.request.urlopen(f"{url}/v1/openapi.json", timeout=20) as answer:
            assert json.load(answer) == json.loads(DOCUMENT.read_text()), "the served document differs from the file"
        # An operator may call every operation.
        mails = f"{cloud.endpoint}/_ministack/ses/messages"
        tokens = operator(url, mails, configuration()[1]["OperatorAddress"])
        command = [
            schemathesis, "--config-file", str(CONFIGURATION), "run", str(DOCUMENT), "--url", url,
            "--header", f"Authorization: Bearer {tokens['access_token']}",
            # Methods without a route never reach a function: API Gateway answers with 404 instead of 405.
            "--checks", "all", "--exclude-checks", "unsupported_method", "--max-time", seconds, "--seed", "1", "--no-color",
        ]
        return subprocess.run(command, cwd=PROJECT / ".local").returncode


if __name__ == "__main__":
    run("fuzzing", lambda: main(Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]))
