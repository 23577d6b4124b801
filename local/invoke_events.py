"""make events: prepares events and environment to invoke single functions.

Writes the files of events/ with real tokens and ids of the running local cloud, and the environment of its functions: to
.local/sam/ for sam local, which runs functions in containers, and to .local/cargo-lambda/ for cargo lambda, which runs them on
this machine.
"""

import base64
import hmac
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cloud import CannotRun, Cloud
from deploy import PROJECT, configuration

FOLDER = PROJECT / ".local"
PASSWORD = "correct horse battery staple"
# The address of this machine on Docker's default network.
DOCKER_HOST = "172.17.0.1"


def account(url: str, mails: str, name: str) -> tuple[str, dict]:
    """Registers a user and verifies the address. Returns the address and the tokens."""
    email = f"{name}.{time.time_ns()}@example.com"
    call(f"{url}/v1/auth/register", {"email": email, "password": PASSWORD, "name": name})
    verify(url, mails, email)
    return email, call(f"{url}/v1/auth/login", {"email": email, "password": PASSWORD})


def verify(url: str, mails: str, email: str) -> None:
    """Verifies an address with the token in the last verification mail."""
    token = in_mail(mails, email, r"^[0-9A-Z]{26}\.verify\.\S+", "the verification mail")
    call(f"{url}/v1/auth/verify-email", {"token": token})


def invitation(url: str, mails: str, by: dict, to: str, name: str) -> tuple[str, str]:
    """Creates a space and invites an address. Returns the space and the code of the invitation."""
    space = call(f"{url}/v1/spaces", {"name": name}, by["access_token"])["id"]
    call(f"{url}/v1/spaces/{space}/invitations", {"email": to}, by["access_token"])
    pattern = rf"{space.removeprefix('spc_')}\.[0-9a-f]{{64}}\.[0-9a-f]{{32}}"
    return space, in_mail(mails, to, pattern, "the invitation")


def operator(url: str, mails: str, email: str) -> dict:
    """The tokens of the operator. Creates the account and gives it the role if necessary."""
    credentials = {"email": email, "password": PASSWORD}
    try:
        tokens = call(f"{url}/v1/auth/login", credentials)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        call(f"{url}/v1/auth/register", credentials | {"name": "Operator"})
        verify(url, mails, email)
        tokens = call(f"{url}/v1/auth/login", credentials)
    if tokens["user"]["role"] != "operator":
        call(f"{url}/v1/me/operator", {}, tokens["access_token"])
        code = in_mail(mails, email, r"^[0-9A-Z]{26}\.[0-9a-f]{32}\s*$", "the operator code")
        call(f"{url}/v1/me/operator", {"code": code}, tokens["access_token"])
        # Earlier access tokens are no longer valid.
        tokens = call(f"{url}/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    return tokens


def in_mail(mails: str, to: str, pattern: str, what: str) -> str:
    """Waits for a mail to an address and returns the text in it that matches the pattern."""
    for _ in range(100):
        with urllib.request.urlopen(mails, timeout=20) as answer:
            sent = [mail for account in json.load(answer)["messages"].values() for mail in account]
        for mail in reversed(sent):
            found = re.search(pattern, mail["BodyText"], re.MULTILINE)
            if found and to in str(mail["To"]):
                return found[0].strip()
        time.sleep(0.2)
    raise CannotRun(f"{what} did not arrive: see make logs")


def call(url: str, body: dict, token: str = "") -> dict:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or "{}")


def link(key: bytes, secret: str, user: str, action: str, expires_at: int) -> str:
    """The token of a link in a mail, signed with a key of the stack and a secret of the user. 0 does not expire."""
    signed = f"{user}.{action}.{expires_at}"
    signature = hmac.digest(hmac.digest(key, secret.encode(), "sha256"), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def link_key(keys: str, now: float) -> bytes:
    """The key of LINK_KEYS (KEY@seconds,KEY@seconds, newest first) that signs: the newest that is in use, or the last one."""
    rotation = [one.split("@") for one in keys.split(",")]
    key = next((key for key, since in rotation if int(since) <= now), rotation[-1][0])
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def links(clients: Callable, stack: str, user: str) -> Callable[[str, int], str]:
    """A function that creates the links in a user's mails, with the current keys of the deployed stack."""
    function = clients("lambda").get_function_configuration(FunctionName=resource(clients, stack, "VerifyEmailFunction"))
    key = link_key(function["Environment"]["Variables"]["LINK_KEYS"], time.time())
    profile = {"pk": {"S": f"USER#{user}"}, "sk": {"S": "PROFILE"}}
    found = clients("dynamodb").get_item(TableName=resource(clients, stack, "AccountsTable"), Key=profile)
    return partial(link, key, found["Item"]["link_secret"]["S"], user)


def resource(clients: Callable, stack: str, logical_id: str) -> str:
    """The physical id of a resource of a stack."""
    found = clients("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def values(url: str, mails: str, cloud: Cloud) -> dict[str, str]:
    """Creates a user with a task and a shared space. Returns the values of the placeholders in the event files."""
    (email, tokens), (colleague, theirs) = account(url, mails, "Ada"), account(url, mails, "Grace")
    space, code = invitation(url, mails, tokens, colleague, "Space 1")
    call(f"{url}/v1/invitations/accept", {"token": code}, theirs["access_token"])
    _, code = invitation(url, mails, theirs, email, "Space 2")
    draft = {"title": "Ring the bell", "due": "2199-03-01", "reminders": [{"before": "PT30M"}]}
    task = call(f"{url}/v1/tasks", draft, tokens["access_token"])
    user = tokens["user"]["id"].removeprefix("usr_")
    stack, parameters = configuration()
    signed = links(cloud.client, stack, user)
    call(f"{url}/v1/auth/forgot-password", {"email": email})
    reset = in_mail(mails, email, r"^[0-9A-Z]{26}\.[0-9a-f]{32}\s*$", "the password code")
    boss = operator(url, mails, parameters["OperatorAddress"])["access_token"]
    words = {"user_id": theirs["user"]["id"], "subject": "Hello", "text": "The bell rests."}
    message = call(f"{url}/v1/notifications", words, boss)
    comment = call(f"{url}/v1/tasks/{task['id']}/comments", {"text": "Thrice."}, tokens["access_token"])
    ticket = call(f"{url}/v1/live", {}, tokens["access_token"])["url"].partition("ticket=")[2]
    tomorrow = int(time.time()) + 86_400
    # create-signing-key puts its response here. The bucket is public, so that the URL needs no signature.
    bucket = "taskbell-answers"
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [anybody]}))
    return {
        "ACCESS_TOKEN": tokens["access_token"],
        "OPERATOR_TOKEN": boss,
        "NOTIFICATION_ID": message["id"],
        "REFRESH_TOKEN": tokens["refresh_token"],
        "EMAIL": email,
        "TASK_ID": task["id"],
        "COMMENT_ID": comment["id"],
        "SPACE_ID": space,
        "MEMBER_ID": theirs["user"]["id"],
        "INVITATION_TOKEN": code,
        "USER_ID": tokens["user"]["id"],
        "REMINDER_ID": task["reminders"][0]["id"],
        "RESET_CODE": reset,
        "TICKET": ticket,
        "ACTION_TOKEN": signed(f"complete-{task['id'].removeprefix('tsk_')}", tomorrow),
        "VERIFICATION_TOKEN": signed("verify", tomorrow),
        "UNSUBSCRIBE_TOKEN": signed("unsubscribe-reminders", 0),
        "RESPONSE_URL": f"{cloud.endpoint}/{bucket}/answer",
    }


def environment(cloud: Cloud) -> dict[str, str]:
    """The environment variables of all functions of the stack."""
    stack, _ = configuration()
    functions = cloud.client("lambda").get_paginator("list_functions").paginate()
    merged: dict[str, str] = {}
    for function in (one for page in functions for one in page["Functions"]):
        if function["FunctionName"].startswith(stack):
            merged |= function["Environment"]["Variables"]
    return merged


def main() -> None:
    if not (FOLDER / "env").exists():
        raise CannotRun("the local cloud is not running: start it with make run")
    local = dict(line.split("=", 1) for line in (FOLDER / "env").read_text().splitlines())
    endpoint = local["TASKBELL_AWS_ENDPOINT"]
    cloud = Cloud(FOLDER / "run", int(endpoint.rsplit(":", 1)[1]))
    filled, variables = values(local["TASKBELL_URL"], local["TASKBELL_MAIL_URL"], cloud), environment(cloud)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    lines = "".join(f"{name}={value}\n" for name, value in (variables | keys).items())
    write(FOLDER / "cargo-lambda", filled, "env", lines, "127.0.0.1")
    write(FOLDER / "sam", filled, "env.json", json.dumps({"Parameters": variables}, indent=2), DOCKER_HOST)


def write(folder: Path, filled: dict[str, str], name: str, variables: str, host: str) -> None:
    """Writes the environment and the events for a tool whose functions reach this machine at `host`."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(variables.replace("127.0.0.1", host))
    for event in (PROJECT / "events").glob("*.json"):
        text = event.read_text()
        for word, value in filled.items():
            text = text.replace(f"{{{{{word}}}}}", value.replace("127.0.0.1", host))
        (folder / event.name).write_text(text)
    print(f"{folder.relative_to(PROJECT)}: {name} and <function>.json")


if __name__ == "__main__":
    try:
        main()
    except CannotRun as error:
        sys.exit(f"make events: {error}")
    except urllib.error.URLError as error:
        sys.exit(f"make events: the local cloud does not respond ({error}): is make run still running?")
