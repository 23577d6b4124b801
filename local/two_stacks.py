"""make two-stacks: deploys two stacks side by side in one account with the real sam deploy, to a local cloud; a third stack
whose first deployment fails and whose rollback must leave nothing; and a protected stack that must lose no resource.

MiniStack ignores the OpenAPI body of an HTTP API, so sam deploys the output of sam_transform.py. Everything else is done by
sam and CloudFormation: archives, their upload, change sets, rollback.

usage: two_stacks.py PROGRAMS    PROGRAMS is the folder with the functions that cargo built
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botocore.exceptions import ClientError

from cloud import CREDENTIALS, REGION, CannotRun, Cloud, free_port
from deploy import PROJECT, TEMPLATE, api_url, archive, code_uris, configuration, failures, urls
from deploy_to_aws import sam_command
from e2e import FOLDER, run
from invoke_events import account, call
from sam_transform import transform_template
from ses_events import get, wait

# The kinds of resources of a stack and how to list them; every name contains the stack's name.
LISTS = {
    "lambda": ("list_functions", "Functions", "FunctionName"),
    "dynamodb": ("list_tables", "TableNames", None),
    "sqs": ("list_queues", "QueueUrls", None),
    "scheduler": ("list_schedules", "Schedules", "Name"),
    "events": ("list_rules", "Rules", "Name"),
    "iam": ("list_roles", "Roles", "RoleName"),
    "ssm": ("describe_parameters", "Parameters", "Name"),
    "logs": ("describe_log_groups", "logGroups", "logGroupName"),
    "cloudwatch": ("describe_alarms", "MetricAlarms", "AlarmName"),
    "sesv2": ("list_configuration_sets", "ConfigurationSets", None),
}

# dispatch-reminders and finish-deletions have one each.
SCHEDULES = 2


def resources_of(cloud: Cloud, stack: str) -> list[str]:
    """Every resource in the account whose name contains the name of a stack."""
    found = []
    for service, (operation, key, name) in LISTS.items():
        pages = getattr(cloud.client(service), operation)
        answer = pages()
        while True:
            listed = [one[name] if name else one for one in answer.get(key, [])]
            found += [f"{service} {one}" for one in listed if f"{stack}-" in one or f"/{stack}/" in one]
            token = next((field for field in ("NextToken", "Marker", "nextToken", "NextMarker") if answer.get(field)), None)
            if token is None or service in ("dynamodb", "sqs"):
                break
            answer = pages(**{{"NextMarker": "Marker"}.get(token, token): answer[token]})
    return found


def plain_template(cloud: Cloud, folder: Path, stack: str, programs: Path) -> tuple[Path, dict[str, str]]:
    """template.yaml as sam deploys it to the local cloud, with the archives as local files; and the parameters."""
    _, parameters = configuration()
    parameters |= urls(cloud, stack)
    plain = transform_template(TEMPLATE, parameters, {uri: f"s3://archives/{Path(uri).name}.zip" for uri in code_uris()}, stack)
    for resource in plain["Resources"].values():
        code = resource.get("Properties", {}).get("Code", {})
        if "S3Key" in code:
            name = Path(code["S3Key"]).stem
            resource["Properties"]["Code"] = str(archive(name, programs / name, FOLDER / "archives-test"))
    file = folder / f"{stack}.json"
    file.write_text(json.dumps(plain))
    return file, parameters


def sam_deploy(cloud: Cloud, stack: str, template: Path, parameters: dict[str, str], more: list[str] = ()) -> str:
    """Runs sam deploy. Returns the reason if it failed, or an empty string."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(template.parent),
        "NO_PROXY": "127.0.0.1",
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "SAM_CLI_TELEMETRY": "0",
    }
    here = ["--template-file", str(template), "--no-confirm-changeset", "--no-progressbar", *more]
    command = sam_command(stack, "default", REGION, parameters, here)
    ran = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if ran.returncode == 0:
        return ""
    # CloudFormation's events have the reason. If there are none yet, sam printed it.
    return failures(cloud.client("cloudformation"), stack) or f"{ran.stdout}{ran.stderr}"


def works(cloud: Cloud, stack: str) -> None:
    """Checks that a user can register, verify the address and get a reminder, and that the schedule runs the dispatcher."""
    url, mails = api_url(cloud, stack), f"{cloud.endpoint}/_ministack/ses/messages"
    _, tokens = account(url, mails, stack.title().replace("-", ""))
    fires = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    task = call(f"{url}/v1/tasks", {"title": stack, "reminders": [{"at": fires}]}, tokens["access_token"])
    path = f"{url}/v1/tasks/{task['id']}/reminders"
    sent = lambda: get(path, tokens["access_token"])["items"][0]["status"] == "sent"  # noqa: E731
    wait(f"the reminder of {stack}", sent)


def status(cloud: Cloud, stack: str) -> str:
    return cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


def delete(cloud: Cloud, stack: str) -> None:
    formation = cloud.client("cloudformation")
    identity = formation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    formation.delete_stack(StackName=stack)
    ended = lambda: formation.describe_stacks(StackName=identity)["Stacks"][0]["StackStatus"] in ("DELETE_COMPLETE", "DELETE_FAILED")  # noqa: E731
    wait(f"the deletion of {stack}", ended)


def expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise CannotRun(f"{what}: expected {expected!r}, found {found!r}")
    print(f"two stacks: {what}: {found or 'nothing'}", flush=True)


def only_the_log_is_left(cloud: Cloud, stack: str) -> str:
    """Fails if anything but the log group of create-signing-key is left of a stack. Returns its name."""
    left = resources_of(cloud, stack)
    kept = [one for one in left if one.startswith("logs ") and "SigningKeyLogs" in one]
    expect(f"left of {stack}, except the log of create-signing-key", [one for one in left if one not in kept], [])
    expect(f"logs of create-signing-key left of {stack}", len(kept), 1)
    return kept[0].removeprefix("logs ")


def side_by_side(cloud: Cloud, folder: Path, programs: Path) -> None:
    for stack in ("taskbell-one", "taskbell-two"):
        if said := sam_deploy(cloud, stack, *plain_template(cloud, folder, stack, programs)):
            raise CannotRun(f"sam deploy of {stack} failed: {said}")
        expect(f"{stack} is", status(cloud, stack), "CREATE_COMPLETE")
    for stack in ("taskbell-one", "taskbell-two"):
        works(cloud, stack)
        expect(f"schedules of {stack}", sum(one.startswith("scheduler ") for one in resources_of(cloud, stack)), SCHEDULES)


def protected(cloud: Cloud) -> None:
    """A protected stack refuses deletion and keeps every resource. Deleting one stack does not affect the other."""
    formation = cloud.client("cloudformation")
    formation.update_termination_protection(StackName="taskbell-one", EnableTerminationProtection=True)
    before = resources_of(cloud, "taskbell-one")
    try:
        formation.delete_stack(StackName="taskbell-one")
        raise CannotRun("a protected stack was deleted")
    except ClientError:
        expect("resources that a protected stack has lost", sorted(set(before) - set(resources_of(cloud, "taskbell-one"))), [])
    works(cloud, "taskbell-one")
    formation.update_termination_protection(StackName="taskbell-one", EnableTerminationProtection=False)
    delete(cloud, "taskbell-one")
    only_the_log_is_left(cloud, "taskbell-one")
    works(cloud, "taskbell-two")


def refused(cloud: Cloud, folder: Path, programs: Path) -> None:
    """A stack in which nobody could register is refused by the rule in the template, and nothing is created."""
    stack = "taskbell-nobody"
    file, parameters = plain_template(cloud, folder, stack, programs)
    said = sam_deploy(cloud, stack, file, parameters | {"Registration": "invited", "OperatorAddress": ""})
    expect("the refusal names what to set", "OperatorAddress must be set" in said, True)
    expect("left of the refused stack", resources_of(cloud, stack), [])


def rolled_back(cloud: Cloud, folder: Path, programs: Path) -> None:
    """A first deployment whose signing key cannot be stored is rolled back."""
    stack = "taskbell-broken"
    file, parameters = plain_template(cloud, folder, stack, programs)
    text = file.read_text()
    file.write_text(text.replace('"ssm:PutParameter"', '"ssm:ListTagsForResource"'))
    if not sam_deploy(cloud, stack, file, parameters):
        raise CannotRun("the broken stack was deployed")
    expect("the broken stack is", status(cloud, stack), "ROLLBACK_COMPLETE")
    kept = only_the_log_is_left(cloud, stack)
    lines = cloud.client("logs").filter_log_events(logGroupName=kept)["events"]
    expect("the log has the reason", any("signing key could not be created" in line["message"] for line in lines), True)
    delete(cloud, stack)
    file.write_text(text)
    if said := sam_deploy(cloud, stack, file, parameters):
        raise CannotRun(f"the corrected stack was not deployed: {said}")
    works(cloud, stack)


def main(programs: Path) -> int:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="own-", dir=FOLDER) as folder:
        cloud = Cloud(Path(folder), free_port())
        try:
            print(f"two stacks: starting a local cloud on {cloud.endpoint}", flush=True)
            cloud.start()
            cloud.client("ses").verify_email_identity(EmailAddress=configuration()[1]["SenderAddress"])
            refused(cloud, Path(folder), programs)
            side_by_side(cloud, Path(folder), programs)
            rolled_back(cloud, Path(folder), programs)
            protected(cloud)
        finally:
            cloud.stop()
    print("two stacks: all checks passed", flush=True)
    return 0


if __name__ == "__main__":
    run("two stacks", lambda: main(Path(sys.argv[1]).resolve()))
