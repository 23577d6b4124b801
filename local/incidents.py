"""make incidents: provokes a rush, a pause of SES and a dead letter on a separate local cloud, prints which alarms fire when, and
draws the dashboard of that run as docs/dashboard-light.png and docs/dashboard-dark.png. It takes about eight minutes.

usage: incidents.py PROGRAMS    the folder with the functions that cargo built
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import operate
from alarms import alarms, is_firing
from cloud import Cloud
from dashboard_page import parse, picture
from deploy import PROJECT, api_url, configuration
from e2e import own_cloud, run
from exporter import Exporter
from invoke_events import account, call
from sam_transform import API_ID
from ses_events import get
from try_operations import dead_letter_reminder

# Mails per second, and how many reminders are due at the same second: more than a minute's worth.
RATE, RUSH = 2, 180
PAUSE = "incidents-pause"


class Watch:
    """The alarms of a stack, evaluated on what the exporter has measured."""

    def __init__(self, cloud: Cloud, stack: operate.Stack):
        self.exporter, self.stack, self.started, self.firing = Exporter(cloud, stack.name), stack, time.time(), set()
        self.ids: dict[str, str] = {"AWS::StackName": stack.name, "HttpApi": API_ID}

    def dimension(self, value: dict) -> str:
        """The value of a dimension in the template."""
        logical = value.get("Ref") or value["Fn::GetAtt"][0]
        if logical not in self.ids:
            self.ids[logical] = self.stack.resource(logical).rsplit("/", 1)[-1]
        return self.ids[logical]

    def find(self, namespace: str, name: str, dimensions: list) -> list[tuple[float, float]]:
        key = tuple(sorted((one["Name"], self.dimension(one["Value"])) for one in dimensions))
        return self.exporter.metrics.values.get((namespace, name, key), [])

    def say(self, words: str) -> None:
        print(f"incidents: {time.time() - self.started:4.0f} s  {words}", flush=True)

    def look(self) -> None:
        """Prints which alarms have changed their state."""
        # Its metric comes from MiniStack once a minute, and an alarm without data would fire.
        now = {name for name, one in alarms().items() if name != "DispatchSilenceAlarm" and is_firing(one, self.find, time.time())}
        for name in sorted(now - self.firing):
            self.say(f"ALARM {name}: {alarms()[name]['AlarmDescription']}")
        for name in sorted(self.firing - now):
            self.say(f"OK    {name}")
        self.firing = now

    def wait(self, what: str, is_true, limit: float = 400) -> None:
        deadline = time.time() + limit
        while not is_true():
            if time.time() > deadline:
                raise TimeoutError(f"{what} did not happen within {limit:.0f} s")
            self.look()
            time.sleep(2)
        self.look()
        self.say(what)


def set_paused(cloud: Cloud, stack: operate.Stack, is_paused: bool) -> None:
    """Has SES refuse all mails, as it does for an account whose sending is paused: here by the role, which defers them alike."""
    iam, function = cloud.client("iam"), cloud.client("lambda").get_function(FunctionName=stack.resource("SendRemindersFunction"))
    role = function["Configuration"]["Role"].rsplit("/", 1)[-1]
    if is_paused:
        deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ses:*", "Resource": "*"}]}
        iam.put_role_policy(RoleName=role, PolicyName=PAUSE, PolicyDocument=json.dumps(deny))
    else:
        iam.delete_role_policy(RoleName=role, PolicyName=PAUSE)


def remind(url: str, tokens: list[str], count: int, seconds: int) -> list[tuple[str, str]]:
    """Creates tasks with a reminder, all at the same time. Returns the token and the id of each."""
    fires = datetime.now(UTC) + timedelta(seconds=seconds)
    draft = {"title": "Look", "reminders": [{"at": fires.strftime("%Y-%m-%dT%H:%M:%SZ")}]}
    each = [tokens[number % len(tokens)] for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda token: (token, call(f"{url}/v1/tasks", draft, token)["id"]), each))


def is_sent(url: str, tasks: list[tuple[str, str]]) -> bool:
    while tasks:
        token, task = tasks[-1]
        if get(f"{url}/v1/tasks/{task}/reminders", token)["items"][0]["status"] != "sent":
            return False
        tasks.pop()
    return True


def main(programs: Path) -> int:
    with own_cloud(programs, "incidents", MailsPerSecond=str(RATE)) as (cloud, _):
        url, mails = api_url(cloud), f"{cloud.endpoint}/_ministack/ses/messages"
        stack = operate.Stack(configuration()[0], cloud.client)
        watch = Watch(cloud, stack)
        tokens = [account(url, mails, name)[1]["access_token"] for name in ("Ada", "Bo", "Cy", "Di")]

        tasks = remind(url, tokens, RUSH, 75)
        watch.say(f"rush: {RUSH} reminders for the same second, at {RATE} mails per second")
        watch.wait("all reminders of the rush were sent", lambda: is_sent(url, tasks))

        set_paused(cloud, stack, True)
        tasks = remind(url, tokens, 8, 15)
        watch.say("pause: SES takes no mail; 8 reminders are due in 15 seconds")
        paused = time.time()
        watch.wait("SES has been paused for two minutes", lambda: time.time() - paused > 120)
        set_paused(cloud, stack, False)
        watch.say("SES takes mails again")
        watch.wait("all reminders of the pause were sent, late", lambda: is_sent(url, tasks))

        task = dead_letter_reminder(stack, url, tokens[0])
        watch.say(f"dead letter: {task}")
        watch.wait("DeadReminderAlarm fires", lambda: "DeadReminderAlarm" in watch.firing)
        for line in operate.redrive(stack, "reminders"):
            watch.say(f"make redrive: {line}")
        watch.wait("the dead letter was sent", lambda: is_sent(url, [(tokens[0], task)]))
        watch.wait("DeadReminderAlarm is OK", lambda: "DeadReminderAlarm" not in watch.firing)

        watch.exporter.stop()
        body = parse(cloud.client("cloudwatch").get_dashboard(DashboardName=stack.resource("TaskbellDashboard"))["DashboardBody"])
        for theme in ("light", "dark"):
            to = PROJECT / f"docs/dashboard-{theme}.png"
            picture(body, dict(watch.exporter.metrics.values), (watch.started, time.time()), theme, to)
            watch.say(f"drawn: {to.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    run("incidents", lambda: main(Path(sys.argv[1]).resolve()))
