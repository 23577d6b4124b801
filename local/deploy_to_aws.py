"""make deploy: builds all functions, checks the prerequisites of a deployment to AWS, and calls sam deploy.

Each missing prerequisite is one line that says what to do, before anything in AWS changes. The checks call STS (the account),
SES (whether the sender is verified) and CloudFormation (the state of the stack).

usage: deploy_to_aws.py [--stack NAME] [--config NAME] [--architecture arm64|x86-64] [--protect true|false]
                        [--no-build] [--parameters "Name=value …"] [arguments of sam deploy]
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

PROJECT = Path(__file__).resolve().parent.parent
# For each architecture name of cargo-lambda and make release: its name in the template, its number in an ELF header
# (e_machine in the System V ABI), and its Rust target.
ARCHITECTURES = {
    "arm64": ("arm64", 183, "aarch64-unknown-linux-gnu"),
    "x86-64": ("x86_64", 62, "x86_64-unknown-linux-gnu"),
}
# Regions with Lambda where CloudFormation has no AWS::SES::ConfigurationSet, by the schemas of cfn-lint 1.53.
WITHOUT_SES = {
    "ap-east-1", "ap-east-2", "ap-southeast-4", "ap-southeast-6", "ap-southeast-7",
    "cn-north-1", "cn-northwest-1", "eu-south-2", "mx-central-1",
}  # fmt: skip

# The status of a stack that does not exist, or has only a change set for its creation.
NOT_DEPLOYED = ("", "REVIEW_IN_PROGRESS")
# The defaults of the number of workers and of the mails per second that they share.
RATE = {"ReminderConcurrency": "2", "MailsPerSecond": "1"}


class CannotDeploy(Exception):
    """A prerequisite is missing; the message is one line that says what to do."""


def given_parameters(text: str) -> dict[str, str]:
    """The parameters in `Name=value Name='two words'`."""
    try:
        pairs = [one.partition("=") for one in shlex.split(text)]
    except ValueError as error:
        raise CannotDeploy(f"PARAMETERS cannot be read ({error}): write them as 'Name=value Name=value'") from error
    for name, equals, value in pairs:
        if not equals or not re.fullmatch(r"[A-Za-z0-9]+", name):
            raise CannotDeploy(f"PARAMETERS has {name!r}: write them as 'Name=value Name=value'")
        if "\\" in value:
            raise CannotDeploy(f"{name} has a backslash, which sam deploy does not always preserve: leave it out")
    return {name: value for name, _, value in pairs}


def check_rate(parameters: dict[str, str], stored: dict[str, str]) -> None:
    """Refuses more reminder workers than five per mail and second (Pace::new in shared/api), because they would not start.
    Checks the given parameters together with the stored ones."""
    if parameters.keys().isdisjoint(RATE):
        return
    together = RATE | {name: value for name, value in (stored | parameters).items() if name in RATE}
    for name, value in together.items():
        if not re.fullmatch("[0-9]+", value):
            raise CannotDeploy(f"{name}={value} is not a whole number")
    workers, mails = (int(together[name]) for name in RATE)
    if workers > 5 * mails:
        raise CannotDeploy(
            f"ReminderConcurrency={workers} is more than five times MailsPerSecond={mails}, and the workers would not start: "
            f"set at most ReminderConcurrency={5 * mails}, or raise MailsPerSecond"
        )


def check_registration(parameters: dict[str, str], stored: dict[str, str]) -> None:
    """Refuses what the rule in the template refuses, before the build."""
    together = stored | parameters
    registration = together.get("Registration", "invited")
    if registration != "open" and not together.get("OperatorAddress"):
        raise CannotDeploy(
            f"nobody could register with Registration={registration} and without an operator: add OperatorAddress=you@example.com "
            "to PARAMETERS, or Registration=open"
        )


def configured(name: str) -> tuple[str, dict[str, str], str]:
    """The stack's name, the parameters and the region in a section of samconfig.toml."""
    section = tomllib.loads((PROJECT / "samconfig.toml").read_text()).get(name)
    if section is None:
        raise CannotDeploy(f"samconfig.toml has no section {name}: write one, or leave CONFIG out")
    shared = section.get("global", {}).get("parameters", {})
    own = shared | section.get("deploy", {}).get("parameters", {})
    overrides = own.get("parameter_overrides", [])
    parameters = given_parameters(overrides if isinstance(overrides, str) else " ".join(overrides))
    return own.get("stack_name", "taskbell"), parameters, own.get("region", "")


def chosen_architecture(asked: str, parameters: dict[str, str], stored: dict[str, str]) -> str:
    """The key of ARCHITECTURES to build for: the requested one, that of the parameters, or that of the stack."""
    by_parameter = {template: name for name, (template, *_) in ARCHITECTURES.items()}
    named = parameters.get("Architecture") or stored.get("Architecture") or "arm64"
    if asked.replace("_", "-") not in (*ARCHITECTURES, "") or named not in by_parameter:
        raise CannotDeploy(f"unknown architecture {asked or named}: use ARCH=arm64 or ARCH=x86-64")
    chosen = asked.replace("_", "-") or by_parameter[named]
    if "Architecture" in parameters and by_parameter[named] != chosen:
        raise CannotDeploy(f"ARCH={asked} and Architecture={named} contradict each other: remove one of them")
    return chosen


def machine(program: Path) -> int:
    """The e_machine number in the ELF header of a binary; 0 if it has none."""
    with program.open("rb") as file:
        header = file.read(20)
    if len(header) < 20 or header[:4] != b"\x7fELF":
        return 0
    return int.from_bytes(header[18:20], "little" if header[5] == 1 else "big")


def check_programs(folder: Path, names: list[str], architecture: str) -> None:
    """Refuses if the binary of a function is missing or built for another architecture."""
    wanted = ARCHITECTURES[architecture][1]
    build = f"run make release{'' if architecture == 'arm64' else f' ARCH={architecture}'}"
    for name in names:
        program = folder / name / "bootstrap"
        if not program.is_file():
            raise CannotDeploy(f"{program} is missing: {build}")
        if (found := machine(program)) != wanted:
            known = {number: other for other, (_, number, _) in ARCHITECTURES.items()}
            raise CannotDeploy(f"{program} was built for {known.get(found, 'another architecture')}, not {architecture}: {build}")


def functions() -> list[str]:
    """The names of all functions in the template."""
    return re.findall(r"CodeUri: target/lambda/([a-z-]+)/", (PROJECT / "template.yaml").read_text())


def ensure_target(architecture: str, run: Callable = subprocess.run, which: Callable = shutil.which) -> None:
    """Adds the Rust target with rustup if it is missing."""
    target = ARCHITECTURES[architecture][2]
    root = run(["rustc", "--print", "sysroot"], capture_output=True, text=True, cwd=PROJECT).stdout.strip()
    if (Path(root) / "lib" / "rustlib" / target / "lib").is_dir():
        return
    if which("rustup") is None:
        raise CannotDeploy(f"the Rust target {target} and rustup are missing: install Rust from https://rustup.rs")
    if run(["rustup", "target", "add", target], cwd=PROJECT).returncode:
        raise CannotDeploy(f"the Rust target {target} could not be added: see above, and try rustup target add {target}")


def chosen_region(session, configured_region: str) -> str:
    """The region to deploy to. Refuses regions without a service that the template needs."""
    region = configured_region or session.region_name
    if not region:
        raise CannotDeploy("no region is set: set AWS_DEFAULT_REGION, such as AWS_DEFAULT_REGION=eu-central-1")
    if region in WITHOUT_SES:
        raise CannotDeploy(f"SES is not available in {region}: set AWS_DEFAULT_REGION to another region (docs/first-deploy.md)")
    return region


def account(sts) -> str:
    """The account of the credentials."""
    try:
        return sts.get_caller_identity()["Account"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CannotDeploy(f"AWS rejects the credentials ({code}): log in again, or set another AWS_PROFILE") from error
    except BotoCoreError as error:
        raise CannotDeploy(f"no AWS credentials ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from error


def check_sender(ses, sender: str, region: str) -> None:
    """Refuses unless SES has verified the sender or one of its domains."""
    if not sender:
        raise CannotDeploy("no sender is set: set PARAMETERS='SenderAddress=reminders@example.com', an address that SES has verified")
    domain = sender.rpartition("@")[2].lower()
    labels = domain.split(".")
    identities = [sender, *(".".join(labels[start:]) for start in range(len(labels) - 1))]
    try:
        states = ses.get_identity_verification_attributes(Identities=identities)["VerificationAttributes"]
    except (BotoCoreError, ClientError) as error:
        raise CannotDeploy(f"cannot check whether SES in {region} has verified {sender}: {error}") from error
    if not any(state["VerificationStatus"] == "Success" for state in states.values()):
        raise CannotDeploy(
            f"SES has verified neither {sender} nor {domain} in {region}: aws sesv2 create-email-identity "
            f"--email-identity {domain} --region {region} (docs/first-deploy.md)"
        )


def stack_of(formation, name: str) -> tuple[str, dict[str, str]]:
    """The status of a stack, empty if it does not exist, and its parameters."""
    try:
        stack = formation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return "", {}
        raise CannotDeploy(f"cannot read the stack {name}: {error}") from error
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    return stack["StackStatus"], parameters


def check_stack(name: str, status: str, protect: str) -> None:
    """Refuses a stack whose state does not allow a deployment."""
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        raise CannotDeploy(f"the stack {name} is in {status}: delete it first (docs/operations.md, Recovering from ROLLBACK_FAILED)")
    if status == "UPDATE_ROLLBACK_FAILED":
        raise CannotDeploy(f"the stack {name} is in {status}: aws cloudformation continue-update-rollback --stack-name {name}")
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise CannotDeploy(f"the stack {name} is in {status}: wait until this has finished")
    if protect == "true" and status in NOT_DEPLOYED:
        raise CannotDeploy(f"the stack {name} does not exist yet: deploy it without PROTECT first, so that a failed deployment can be rolled back")


def quoted(value: str) -> str:
    """A value quoted so that sam reads it back unchanged (CfnParameterOverridesType in samcli/cli/types.py). sam keeps some
    backslashes and drops others, so there must be none."""
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def sam_command(name: str, config: str, region: str, parameters: dict[str, str], more: list[str]) -> list[str]:
    """The command line of sam deploy."""
    overrides = [f"{key}={quoted(value)}" for key, value in parameters.items()]
    return [
        "sam", "deploy", "--config-file", str(PROJECT / "samconfig.toml"), "--config-env", config, "--stack-name", name, "--region", region, "--no-fail-on-empty-changeset",
        *more, "--parameter-overrides", *overrides,
    ]  # fmt: skip


def arguments(text: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="make deploy", allow_abbrev=False)
    parser.add_argument("--stack", default="")
    parser.add_argument("--config", default="")
    parser.add_argument("--architecture", default="")
    parser.add_argument("--protect", default="")
    parser.add_argument("--parameters", default="")
    parser.add_argument("--no-build", action="store_true")
    return parser.parse_known_args(text)


def main(text: list[str], run: Callable = subprocess.run, session=None) -> int:
    options, more = arguments(text)
    session = session or boto3.Session()
    config = options.config or "default"
    name, parameters, region = configured(config)
    name, parameters = options.stack or name, parameters | given_parameters(options.parameters)
    if options.protect not in ("", "true", "false"):
        raise CannotDeploy(f"PROTECT={options.protect} is invalid: use true or false")
    if "DeletionProtection" in parameters:
        raise CannotDeploy("DeletionProtection cannot be set directly: use PROTECT=true, which also protects the stack")
    region = chosen_region(session, region)
    number = account(session.client("sts", region_name=region))
    formation = session.client("cloudformation", region_name=region)
    status, stored = stack_of(formation, name)
    check_stack(name, status, options.protect)
    check_rate(parameters, stored)
    check_registration(parameters, stored)
    sender = parameters.get("SenderAddress", stored.get("SenderAddress", ""))
    try:
        check_sender(session.client("ses", region_name=region), sender, region)
    except CannotDeploy as error:
        # An existing stack may need the change anyway: new keys, or its protection.
        if not sender or status in NOT_DEPLOYED:
            raise
        print(f"make deploy: warning: {error}", file=sys.stderr, flush=True)
    if not parameters.get("AlarmAddress", stored.get("AlarmAddress", "")):
        print("make deploy: warning: no address for alarms is set, so there are no alarms: set AlarmAddress", file=sys.stderr, flush=True)
    architecture = chosen_architecture(options.architecture, parameters, stored)
    parameters["Architecture"] = ARCHITECTURES[architecture][0]
    if not options.no_build:
        ensure_target(architecture, run)
        # Without the variables of the calling make, such as ARCH.
        clean = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
        if run(["make", "--no-print-directory", "release", f"ARCH={architecture}"], cwd=PROJECT, env=clean).returncode:
            raise CannotDeploy("the build failed: see above")
    check_programs(PROJECT / "target" / "lambda", functions(), architecture)
    print(f"make deploy: deploying the stack {name} for {architecture} to {region} in the account {number}", flush=True)
    if options.protect:
        parameters["DeletionProtection"] = options.protect
    # The stack is protected before its tables and unprotected after them, so the tables are never protected alone.
    if options.protect == "true":
        formation.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    failed = run(sam_command(name, config, region, parameters, more), cwd=PROJECT).returncode
    if not failed and options.protect == "false":
        formation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotDeploy as error:
        sys.exit(f"make deploy: {error}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"make deploy: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
