"""Runs a MiniStack process on 127.0.0.1 with all its files in one folder. It ends with this process."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3

REGION = "us-east-1"
# No proxy for requests to this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
# This key pair is the root of MiniStack's default account.
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class CannotRun(Exception):
    """A precondition is missing; the message is one line that says what to do."""


def free_port(preferred: int = 0) -> int:
    """The preferred port if it is free, otherwise any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise CannotRun("no port is free on 127.0.0.1")


class Cloud:
    """One MiniStack process and its folder."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.port = folder, port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = folder / "cloud.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        # Functions inherit MiniStack's environment, so it is a clean one.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TMPDIR": str(temporary),
            "STATE_DIR": str(self.folder / "state"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.endpoint,
            # Check every call of a function against its role, as on AWS.
            "AUTH": "true",
            # Services that Taskbell does not use, whose listeners ignore BIND_HOST.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PYTHONUNBUFFERED": "1",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches only this process, which then stops MiniStack in order.
            )
        deadline = time.monotonic() + 60
        while not self._ready():
            if self.process.poll() is not None:
                raise CannotRun(f"MiniStack did not start: see {self.log}")
            if time.monotonic() > deadline:
                raise CannotRun(f"MiniStack was not ready within a minute: see {self.log}")
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def client(self, service: str):
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **CREDENTIALS)

    def stop(self) -> None:
        """Stops MiniStack and the functions that it started, which are one process group."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue
        self.process = None
