"""make monitor: beside make run, Prometheus with the metrics of the local cloud and the alerts of AWS, until Ctrl-C."""

import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from cloud import CannotRun, Cloud, free_port
from deploy import PROJECT, configuration
from exporter import Exporter
from run import ENV, FOLDER, say, stop_on_signals

CONFIGURATION = PROJECT / "observability" / "prometheus" / "prometheus.yml"


def running() -> Cloud:
    """The local cloud that make run has started."""
    try:
        lines = ENV.read_text().splitlines()
    except FileNotFoundError:
        raise CannotRun("the local cloud is not running: start it with make run") from None
    endpoint = dict(line.split("=", 1) for line in lines)["TASKBELL_AWS_ENDPOINT"]
    return Cloud(FOLDER / "run", int(endpoint.rsplit(":", 1)[1]))


def local_configuration(target: str) -> str:
    """The configuration of Prometheus with another exporter, which costs nothing and so is read more often."""
    document = yaml.safe_load(CONFIGURATION.read_text())
    document["global"]["scrape_interval"] = "15s"
    document["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    document["rule_files"] = [str(CONFIGURATION.parent / name) for name in document["rule_files"]]
    return yaml.safe_dump(document)


class Prometheus:
    """A Prometheus process on 127.0.0.1 with all its files in one folder."""

    def __init__(self, program: str, folder: Path, exporter_port: int):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "prometheus.yml").write_text(local_configuration(f"127.0.0.1:{exporter_port}"))
        port = free_port(9090)
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "prometheus.log"
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": f"127.0.0.1:{port}",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [program, *(f"--{name}={value}" for name, value in options.items())],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches only this process, which then ends Prometheus.
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"Prometheus did not start: see {self.log}")
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def main() -> None:
    program = shutil.which("prometheus")
    if program is None:
        raise CannotRun("Prometheus is not installed: install it (Debian: apt install prometheus; macOS: brew install prometheus)")
    exporter = Exporter(running(), configuration()[0])
    prometheus = None
    try:
        prometheus = Prometheus(program, FOLDER / "monitor", exporter.port)
        prometheus.wait_until_ready()
        say(f"Prometheus  {prometheus.url}/graph\nAlerts      {prometheus.url}/alerts")
        say(f"Metrics     http://127.0.0.1:{exporter.port}/metrics")
        say("\nA minute appears as soon as it is over. Press Ctrl-C to stop.")
        while ENV.exists():
            if prometheus.process.poll() is not None:
                raise CannotRun(f"Prometheus stopped unexpectedly: see {prometheus.log}")
            time.sleep(0.5)
        say("the local cloud has stopped")
    finally:
        if prometheus:
            prometheus.stop()
        exporter.stop()
        say("stopped")


if __name__ == "__main__":
    stop_on_signals()
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
    except CannotRun as error:
        sys.exit(f"make monitor: {error}")
    except (OSError, BotoCoreError, ClientError) as error:
        sys.exit(f"make monitor: the local cloud does not respond ({error}): is make run still running?")
