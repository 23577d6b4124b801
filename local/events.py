"""make events: what it takes to invoke one function by itself: the files of events/ with real tokens and ids of the
running local cloud, and the environment of its functions. In .local/sam/ for sam local, which runs functions in
containers, and in .local/cargo-lambda/ for cargo lambda, which runs them on this machine."""

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
# Where a container on Docker's default network finds this machine.
DOCKER_HOST = "172.17.0.1"


def account(url: str, mails: str, name: str) -> tuple[str, dict]:
    """A new user, whose address is proven: the address, and their tokens."""
    email = f"{name}.{time.time_ns()}@example.com"
    call(f"{url}/v1/auth/register", {"email": email, "password": PASSWORD, "name": name})
    prove(url, mails, email)
    return email, call(f"{url}/v1/auth/login", {"email": email, "password": PASSWORD})


def prove(url: str, mails: str, email: str) -> None:
    """Proves an address with the token in the last mail that asks for it."""
    token = in_mail(mails, email, r"^[0-9A-Z]{26}\.verify\.\S+", "the question for the address")
    call(f"{url}/v1/auth/verify-email", {"token": token})


def invitation(url: str, mails: str, by: dict, to: str, name: str) -> tuple[str, str]:
    """A new space of somebody, and the code with which somebody else can join it."""
    space = call(f"{url}/v1/spaces", {"name": name}, by["access_token"])["id"]
    call(f"{url}/v1/spaces/{space}/invitations", {"email": to}, by["access_token"])
    pattern = rf"{space.removeprefix('spc_')}\.[0-9a-f]{{64}}\.[0-9a-f]{{32}}"
    return space, in_mail(mails, to, pattern, "the invitation")


def operator(url: str, mails: str, email: str) -> dict:
    """The tokens of the operator, whose account is made and becomes one if it is not yet."""
    try:
        call(f"{url}/v1/auth/register", {"email": email, "password": PASSWORD, "name": "Operator"})
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise
    tokens = call(f"{url}/v1/auth/login", {"email": email, "password": PASSWORD})
    if tokens["user"]["role"] != "operator":
        call(f"{url}/v1/me/operator", {}, tokens["access_token"])
        code = in_mail(mails, email, r"^[0-9A-Z]{26}\.[0-9a-f]{32}\s*$", "the operator's code")
        call(f"{url}/v1/me/operator", {"code": code}, tokens["access_token"])
        # The tokens of before are no operator's.
        tokens = call(f"{url}/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    return tokens


def in_mail(mails: str, to: str, pattern: str, what: str) -> str:
    """What stands in a mail to somebody, once it has come."""
    for _ in range(100):
        with urllib.request.urlopen(mails, timeout=20) as answer:
            sent = [mail for account in json.load(answer)["messages"].values() for mail in account]
        for mail in reversed(sent):
            found = re.search(pattern, mail["BodyText"], re.MULTILINE)
            if found and to in str(mail["To"]):
                return found[0].strip()
        time.sleep(0.2)
    raise CannotRun(f"{what} did not arrive: look at what make run says")


def call(url: str, body: dict, token: str = "") -> dict:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or "{}")


def link(key: bytes, secret: str, user: str, deed: str, expires_at: int) -> str:
    """The token of a link in a mail, signed with a key of the stack and a secret of the user; 0 is for ever."""
    signed = f"{user}.{deed}.{expires_at}"
    signature = hmac.digest(hmac.digest(key, secret.encode(), "sha256"), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def link_key(keys: str, now: float) -> bytes:
    """The one of LINK_KEYS (KEY@seconds,KEY@seconds, the newest first) to sign with: the newest whose time has come, or the last."""
    rotation = [one.split("@") for one in keys.split(",")]
    key = next((key for key, since in rotation if int(since) <= now), rotation[-1][0])
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def links(clients: Callable, stack: str, user: str) -> Callable[[str, int], str]:
    """What makes the links in a user's mails, with the keys that the deployed stack has at present."""
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
    """A new user with a task and a shared space, in the words that stand in the event files."""
    (email, tokens), (mate, theirs) = account(url, mails, "Ada"), account(url, mails, "Grace")
    space, code = invitation(url, mails, tokens, mate, "Space 1")
    call(f"{url}/v1/invitations/accept", {"token": code}, theirs["access_token"])
    _, code = invitation(url, mails, theirs, email, "Space 2")
    ring = {"title": "Ring the bell", "due": "2199-03-01", "reminders": [{"before": "PT30M"}]}
    task = call(f"{url}/v1/tasks", ring, tokens["access_token"])
    user = tokens["user"]["id"].removeprefix("usr_")
    stack, parameters = configuration()
    signed = links(cloud.client, stack, user)
    call(f"{url}/v1/auth/forgot-password", {"email": email})
    reset = in_mail(mails, email, r"^[0-9A-Z]{26}\.[0-9a-f]{32}\s*$", "the code for a password")
    boss = operator(url, mails, parameters["OperatorAddress"])["access_token"]
    words = {"user_id": theirs["user"]["id"], "subject": "Hello", "text": "The bell rests."}
    message = call(f"{url}/v1/notifications", words, boss)
    comment = call(f"{url}/v1/tasks/{task['id']}/comments", {"text": "Thrice."}, tokens["access_token"])
    tomorrow = int(time.time()) + 86_400
    # Where create-signing-key leaves its answer: anybody may, so that the URL needs no signature.
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
        "ACTION_TOKEN": signed(f"complete-{task['id'].removeprefix('tsk_')}", tomorrow),
        "VERIFICATION_TOKEN": signed("verify", tomorrow),
        "UNSUBSCRIBE_TOKEN": signed("unsubscribe-reminders", 0),
        "RESPONSE_URL": f"{cloud.endpoint}/{bucket}/answer",
    }


def environment(cloud: Cloud) -> dict[str, str]:
    """All variables of all functions of the stack."""
    stack, _ = configuration()
    functions = cloud.client("lambda").get_paginator("list_functions").paginate()
    merged: dict[str, str] = {}
    for function in (one for page in functions for one in page["Functions"]):
        if function["FunctionName"].startswith(stack):
            merged |= function["Environment"]["Variables"]
    return merged


def main() -> None:
    if not (FOLDER / "env").exists():
        raise CannotRun("nothing is running: start it with make run")
    local = dict(line.split("=", 1) for line in (FOLDER / "env").read_text().splitlines())
    endpoint = local["TASKBELL_AWS_ENDPOINT"]
    cloud = Cloud(FOLDER / "run", int(endpoint.rsplit(":", 1)[1]))
    filled, variables = values(local["TASKBELL_URL"], local["TASKBELL_MAIL_URL"], cloud), environment(cloud)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    lines = "".join(f"{name}={value}\n" for name, value in (variables | keys).items())
    write(FOLDER / "cargo-lambda", filled, "env", lines, "127.0.0.1")
    write(FOLDER / "sam", filled, "env.json", json.dumps({"Parameters": variables}, indent=2), DOCKER_HOST)


def write(folder: Path, filled: dict[str, str], name: str, variables: str, host: str) -> None:
    """Writes the environment and the events for a tool whose functions find this machine at `host`."""
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
        sys.exit(f"make events: the local cloud does not answer ({error}): is make run still running?")
