"""schemathesis, with all its checks, against a local cloud of its own: requests made from the OpenAPI document, by
its rules and against them.

usage: fuzz.py PROGRAMS SECONDS SCHEMATHESIS    PROGRAMS is the folder that cargo built the functions into
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from deploy import PROJECT, api_url, configuration
from e2e import own_cloud, run
from events import operator

DOCUMENT = PROJECT / "shared/api/src/openapi/openapi.json"
CONFIGURATION = PROJECT / "local/schemathesis.toml"


def main(programs: Path, seconds: str, schemathesis: str) -> int:
    with own_cloud(programs, "fuzzing", RequestsPerMinute="100000") as (cloud, _):
        url = api_url(cloud)
        with urllib.request.urlopen(f"{url}/v1/openapi.json", timeout=20) as answer:
            assert json.load(answer) == json.loads(DOCUMENT.read_text()), "it is not the document that is served"
        # An operator reaches every operation.
        mails = f"{cloud.endpoint}/_ministack/ses/messages"
        tokens = operator(url, mails, configuration()[1]["OperatorAddress"])
        command = [
            schemathesis, "--config-file", str(CONFIGURATION), "run", str(DOCUMENT), "--url", url,
            "--header", f"Authorization: Bearer {tokens['access_token']}",
            # Methods without a route never reach a function: API Gateway answers them, with 404 instead of 405.
            "--checks", "all", "--exclude-checks", "unsupported_method", "--max-time", seconds, "--seed", "1", "--no-color",
        ]
        return subprocess.run(command, cwd=PROJECT / ".local").returncode


if __name__ == "__main__":
    run("fuzzing", lambda: main(Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]))
