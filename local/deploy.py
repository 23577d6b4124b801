"""Deploys template.yaml to a local cloud: uploads archives of the built functions and creates one stack."""

import hashlib
import io
import json
import shutil
import subprocess
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from cloud import CannotRun, Cloud
from sam_transform import API_ID, live_id, transform_template

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = PROJECT / "template.yaml"
BUCKET = "taskbell-code"


def configuration() -> tuple[str, dict[str, str]]:
    """The stack's name and parameters, from the section `local` of samconfig.toml."""
    local = tomllib.loads((PROJECT / "samconfig.toml").read_text())["local"]
    overrides = local["deploy"]["parameters"]["parameter_overrides"]
    return local["global"]["parameters"]["stack_name"], dict(one.split("=", 1) for one in overrides)


def code_uris() -> list[str]:
    """The CodeUri of every function: target/lambda/<function>/."""
    lines = TEMPLATE.read_text().splitlines()
    return [line.split("CodeUri:", 1)[1].strip() for line in lines if "CodeUri:" in line]


def archive(name: str, program: Path, cache: Path) -> Path:
    """A zip of a function's binary without its symbols. An existing one of the same binary is reused."""
    if not program.exists():
        raise CannotRun(f"{program} is missing: build the functions first (make build)")
    status = program.stat()
    key = hashlib.sha256(f"{program}:{status.st_mtime_ns}:{status.st_size}".encode()).hexdigest()[:16]
    target = cache / name / f"{key}.zip"
    if not target.exists():
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            stripped = Path(scratch) / "bootstrap"
            if shutil.which("strip") is None or subprocess.run(["strip", "-o", stripped, program]).returncode:
                shutil.copy(program, stripped)
            stripped.chmod(0o755)
            made = Path(scratch) / "made.zip"
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
                file.write(stripped, "bootstrap")
            made.rename(target)
    return target


def upload(cloud: Cloud, cache: Path, program: Callable[[str], Path]) -> dict[str, str]:
    """Archives and uploads all functions. Returns the S3 URL of each CodeUri."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)

    def one(uri: str) -> tuple[str, str]:
        name = Path(uri).name
        made = archive(name, program(name), cache)
        s3.upload_file(str(made), BUCKET, f"{name}.zip")
        return uri, f"s3://{BUCKET}/{name}.zip"

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(one, code_uris()))


def deploy(cloud: Cloud, cache: Path, program: Callable[[str], Path], **given: str) -> dict[str, str]:
    """Deploys the stack, with the binary of each function by its name. Returns the stack's outputs."""
    stack, parameters = configuration()
    parameters |= given | urls(cloud)
    formation = cloud.client("cloudformation")
    try:
        cloud.client("ses").verify_email_identity(EmailAddress=parameters["SenderAddress"])
        plain = transform_template(TEMPLATE, parameters, upload(cloud, cache, program))
        # Too large to be sent in the request.
        cloud.client("s3").upload_fileobj(io.BytesIO(json.dumps(plain).encode()), BUCKET, "template.json")
        formation.create_stack(
            StackName=stack,
            TemplateURL=f"{cloud.endpoint}/{BUCKET}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        waiter = formation.get_waiter("stack_create_complete")
        waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise CannotRun(f"the stack was not deployed: {failures(formation, stack) or error}") from error
    described = formation.describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def failures(formation, stack: str) -> str:
    """The reasons of failed resources in the stack's events."""
    try:
        events = formation.describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError:
        return ""
    failed = [one for one in events if one["ResourceStatus"].endswith("FAILED")]
    return "; ".join(f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '?')}" for one in failed)


def urls(cloud: Cloud, api_id: str = API_ID) -> dict[str, str]:
    """The parameters with URLs, which AWS would assign."""
    live = f"{cloud.endpoint}/_aws/execute-api/{live_id(api_id)}/live".replace("http", "ws", 1)
    return {"PublicUrl": api_url(cloud, api_id), "LiveUrl": live, "EndpointUrl": cloud.endpoint}


def api_url(cloud: Cloud, api_id: str = API_ID) -> str:
    """The base URL to which /v1/... is appended. The stage $default is percent-encoded, so that no shell expands it."""
    return f"{cloud.endpoint}/_aws/execute-api/{api_id}/%24default"
