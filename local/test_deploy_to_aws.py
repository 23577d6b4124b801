"""Tests of make deploy without AWS: each missing prerequisite is one line that says what to do, and nothing is deployed."""

import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import cfnlint
from botocore.exceptions import ClientError, NoCredentialsError
from samcli.cli.types import CfnParameterOverridesType

import deploy_to_aws as deploy
from deploy_to_aws import CannotDeploy

ARM = b"\x7fELF\x02\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (183).to_bytes(2, "little") + bytes(44)
INTEL = ARM[:18] + (62).to_bytes(2, "little") + ARM[20:]


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


class Aws:
    """A scripted AWS account: a session that is also each of its clients."""

    def __init__(self, verified=("example.com",), stack: dict | None = None, error: Exception | None = None, region="eu-central-1"):
        self.verified, self.stack, self.error, self.region_name = verified, stack, error, region
        self.calls: list[str] = []

    def client(self, service, region_name):
        return self

    def get_caller_identity(self):
        if self.error:
            raise self.error
        return {"Account": "111122223333"}

    def get_identity_verification_attributes(self, Identities):  # noqa: N803
        known = {one: {"VerificationStatus": "Success"} for one in Identities if one in self.verified}
        return {"VerificationAttributes": known | {"other.example": {"VerificationStatus": "Pending"}}}

    def describe_stacks(self, StackName):  # noqa: N803
        if self.stack is None:
            raise refused("ValidationError", f"Stack with id {StackName} does not exist")
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.stack.items() if key != "status"]
        return {"Stacks": [{"StackStatus": self.stack["status"], "Parameters": parameters}]}

    def update_termination_protection(self, StackName, EnableTerminationProtection):  # noqa: N803
        self.calls.append(f"termination protection {EnableTerminationProtection}")


class Deploying(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = Path(folder.name)
        (self.project / "samconfig.toml").write_text(
            '[default.global.parameters]\nstack_name = "bell"\n'
            '[default.deploy.parameters]\nparameter_overrides = ["OperatorAddress=me@example.com"]\n'
            '[prod.deploy.parameters]\nregion = "eu-west-1"\nparameter_overrides = ["SenderAddress=us@example.com", "LogRetentionDays=90", "AlarmAddress=\'\'", "Registration=open"]\n'
        )
        (self.project / "template.yaml").write_text("CodeUri: target/lambda/get-task/\nCodeUri: target/lambda/list-tasks/\n")
        self.programs(ARM)
        before = deploy.PROJECT
        deploy.PROJECT = self.project
        self.addCleanup(lambda: setattr(deploy, "PROJECT", before))

    def programs(self, bytes_: bytes):
        for name in ("get-task", "list-tasks"):
            folder = self.project / "target" / "lambda" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "bootstrap").write_bytes(bytes_)

    def deploy(self, *arguments: str, aws: Aws | None = None, code: int = 0, build: int = 0) -> list[str]:
        """The commands that were run, with the calls to CloudFormation in order among them."""
        aws = aws or Aws()
        toolchain = self.project / "toolchain"
        (toolchain / "lib/rustlib/aarch64-unknown-linux-gnu/lib").mkdir(parents=True, exist_ok=True)
        (toolchain / "lib/rustlib/x86_64-unknown-linux-gnu/lib").mkdir(parents=True, exist_ok=True)

        def run(command, **_):
            aws.calls.append(" ".join(command))
            codes = {"sam": code, "make": build}
            return SimpleNamespace(returncode=codes.get(command[0], 0), stdout=str(toolchain))

        self.warned = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(self.warned):
            self.assertEqual(deploy.main(list(arguments), run, aws), code)
        return [call for call in aws.calls if not call.startswith("rustc")]

    def refusal(self, *arguments: str, aws: Aws | None = None, build: int = 0) -> str:
        aws = aws or Aws()
        with self.assertRaises(CannotDeploy) as raised:
            self.deploy(*arguments, aws=aws, build=build)
        self.assertFalse([call for call in aws.calls if call.startswith(("sam", "termination"))], "nothing was deployed")
        self.assertNotIn("\n", str(raised.exception))
        return str(raised.exception)

    SENDER = ("--parameters", "SenderAddress=us@example.com")

    def test_everything_that_is_given_reaches_sam(self):
        ran = self.deploy("--parameters", "SenderAddress=us@example.com AllowedOrigins='https://a.example,https://b.example'", "--no-confirm-changeset")
        self.assertEqual(ran[0], "make --no-print-directory release ARCH=arm64")
        self.assertEqual(
            ran[1],
            f"sam deploy --config-file {self.project}/samconfig.toml --config-env default --stack-name bell --region eu-central-1 --no-fail-on-empty-changeset --no-confirm-changeset "
            '--parameter-overrides OperatorAddress="me@example.com" SenderAddress="us@example.com" AllowedOrigins="https://a.example,https://b.example" Architecture="arm64"',
        )

    def test_a_deployment_without_an_address_for_alarms_warns_that_there_are_none(self):
        for parameters, stored, warns in (("", "", True), (" AlarmAddress=me@example.com", "", False), ("", "me@example.com", False), (" AlarmAddress=", "me@example.com", True)):
            stack = {"status": "UPDATE_COMPLETE", "SenderAddress": "us@example.com", "AlarmAddress": stored}
            self.deploy("--parameters", f"SenderAddress=us@example.com{parameters}", aws=Aws(stack=stack))
            self.assertEqual("there are no alarms" in self.warned.getvalue(), warns, (parameters, stored))

    def test_a_stack_in_which_nobody_could_register_is_refused_before_the_build(self):
        empty = " OperatorAddress="
        for given, stored, refuses in (
            (empty, None, True),
            (f"{empty} Registration=closed", None, True),
            (f"{empty} Registration=open", None, False),
            (" Registration=closed", None, False),
            (empty, {"Registration": "open"}, False),
            (f"{empty} Registration=invited", {"Registration": "open"}, True),
        ):
            aws = Aws(stack=stored and {"status": "UPDATE_COMPLETE", "SenderAddress": "us@example.com"} | stored)
            if refuses:
                line = self.refusal("--parameters", f"SenderAddress=us@example.com{given}", aws=aws)
                self.assertRegex(line, "OperatorAddress=.*Registration=open")
                self.assertEqual(aws.calls, [])
            else:
                self.deploy("--parameters", f"SenderAddress=us@example.com{given}", aws=aws)

    def test_a_section_of_samconfig_gives_what_is_not_given(self):
        ran = self.deploy("--config", "prod", "--stack", "other", "--parameters", "LogRetentionDays=7")
        self.assertIn("--config-env prod --stack-name other --region eu-west-1", ran[-1])
        self.assertIn('SenderAddress="us@example.com" LogRetentionDays="7" AlarmAddress="" ', ran[-1])
        self.assertIn("no section nowhere", self.refusal("--config", "nowhere"))

    def test_programs_for_another_architecture_are_refused(self):
        self.programs(INTEL)
        self.assertRegex(self.refusal(*self.SENDER, "--no-build"), "built for x86-64, not arm64: run make release$")
        self.deploy(*self.SENDER, "--no-build", "--architecture", "x86-64")
        self.programs(ARM)
        self.assertIn("run make release ARCH=x86-64", self.refusal(*self.SENDER, "--architecture", "x86-64"))
        for other in (b"#!/bin/sh\n", b"\x7fELG" + ARM[4:]):
            self.programs(other)
            self.assertIn("built for another architecture", self.refusal(*self.SENDER, "--no-build"))

    def test_nothing_is_deployed_when_the_build_fails(self):
        self.assertIn("the build failed", self.refusal(*self.SENDER, build=1))

    def test_a_program_that_is_missing_is_named(self):
        (self.project / "target/lambda/list-tasks/bootstrap").unlink()
        self.assertRegex(self.refusal(*self.SENDER, "--no-build"), "list-tasks/bootstrap is missing: run make release$")

    def test_the_architecture_is_the_one_asked_for_or_that_of_the_stack(self):
        stack = {"status": "UPDATE_COMPLETE", "Architecture": "x86_64", "SenderAddress": "us@example.com"}
        self.programs(INTEL)
        self.assertTrue(self.deploy(aws=Aws(stack=stack))[-1].endswith('Architecture="x86_64"'))
        self.assertIn("contradict", self.refusal("--architecture", "arm64", "--parameters", "SenderAddress=us@example.com Architecture=x86_64"))
        self.assertIn("unknown architecture sparc", self.refusal(*self.SENDER, "--architecture", "sparc"))

    def test_a_missing_rust_target_is_added_by_rustup(self):
        ran = []

        def run(command, **_):
            ran.append(" ".join(command))
            return SimpleNamespace(returncode=0, stdout=str(self.project))

        deploy.ensure_target("arm64", run, lambda _: "/bin/rustup")
        self.assertEqual(ran[-1], "rustup target add aarch64-unknown-linux-gnu")
        with self.assertRaisesRegex(CannotDeploy, "install Rust from https://rustup.rs"):
            deploy.ensure_target("arm64", run, lambda _: None)

    def test_the_region_must_be_set_and_have_ses(self):
        self.assertIn("set AWS_DEFAULT_REGION", self.refusal(*self.SENDER, aws=Aws(region=None)))
        self.assertIn("not available in eu-south-2", self.refusal(*self.SENDER, aws=Aws(region="eu-south-2")))

    def test_the_regions_without_ses_are_those_that_cloudformation_has_no_resource_for(self):
        folder = Path(cfnlint.__file__).parent / "data/schemas/providers"
        regions = [file for file in folder.glob("*.json") if "AWS::Lambda::Function" in json.loads(file.read_text())]
        without = {file.stem for file in regions if "AWS::SES::ConfigurationSetEventDestination" not in json.loads(file.read_text())}
        self.assertEqual(without, deploy.WITHOUT_SES)
        document = (Path(__file__).parent.parent / "docs/first-deploy.md").read_text()
        self.assertEqual([region for region in without if f"`{region}`" not in document], [])

    def test_valid_credentials_are_required(self):
        self.assertIn("set AWS_PROFILE", self.refusal(*self.SENDER, aws=Aws(error=NoCredentialsError())))
        self.assertIn("(ExpiredToken): log in again", self.refusal(*self.SENDER, aws=Aws(error=refused("ExpiredToken"))))

    def test_the_sender_must_be_verified_itself_or_by_its_domain_or_one_above(self):
        self.assertIn("no sender is set", self.refusal())
        for verified in ("us@mail.example.com", "mail.example.com", "example.com"):
            self.deploy("--parameters", "SenderAddress=us@mail.example.com", aws=Aws(verified=(verified,)))
        for verified in ("com", "ample.com", "them@mail.example.com", ""):
            line = self.refusal("--parameters", "SenderAddress=us@mail.example.com", aws=Aws(verified=(verified,)))
            self.assertIn("create-email-identity --email-identity mail.example.com --region eu-central-1", line)

    def test_an_existing_stack_can_change_while_its_sender_is_not_verified(self):
        stack = {"status": "UPDATE_COMPLETE", "SenderAddress": "us@example.com", "AlarmAddress": "me@example.com"}
        for arguments in (("--parameters", "SigningKeyVersion=2"), ("--protect", "false")):
            self.deploy(*arguments, aws=Aws(verified=(), stack=stack))
            self.assertRegex(self.warned.getvalue(), r"^make deploy: warning: SES has verified neither us@example.com .*\n$")
        self.deploy(aws=Aws(stack=stack))
        self.assertEqual(self.warned.getvalue(), "")
        self.assertIn("no sender is set", self.refusal("--parameters", "SenderAddress=", aws=Aws(stack=stack)))
        self.assertIn("has verified neither", self.refusal(*self.SENDER, aws=Aws(verified=(), stack={"status": "REVIEW_IN_PROGRESS"})))

    def test_sam_reads_back_every_value_as_it_is(self):
        values = ["", " ", "a", "a b", " a ", '"', "'", '"a"', "'a'", "it's", 'say "a b"', "a=b c=d", "a,b", "$A *", "*", "--a", "a\nb"]
        given = {f"Value{number}": value for number, value in enumerate(values)}
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
        self.assertEqual(deploy.given_parameters(words), given)
        command = deploy.sam_command("bell", "default", "eu-central-1", given, [])
        overrides = command[command.index("--parameter-overrides") + 1 :]
        self.assertEqual(CfnParameterOverridesType().convert(tuple(overrides), None, None), given)

    def test_a_backslash_is_refused(self):
        for value in ("a\\b", "a\\", '\\"'):
            line = self.refusal("--parameters", f"SenderAddress=us@example.com AllowedOrigins={shlex.quote(value)}")
            self.assertIn("AllowedOrigins has a backslash", line)

    def test_workers_that_would_not_start_are_refused(self):
        def stack(**parameters):
            return Aws(stack={"status": "UPDATE_COMPLETE", "SenderAddress": "us@example.com", **parameters})

        for given, aws, most in [
            ("ReminderConcurrency=6", Aws(), 5),
            ("ReminderConcurrency=11 MailsPerSecond=2", Aws(), 10),
            ("ReminderConcurrency=71", stack(MailsPerSecond="14"), 70),
            ("MailsPerSecond=1", stack(MailsPerSecond="14", ReminderConcurrency="20"), 5),
        ]:
            line = self.refusal("--parameters", f"SenderAddress=us@example.com {given}", aws=aws)
            self.assertIn(f"set at most ReminderConcurrency={most}, or raise MailsPerSecond", line)
        for given, aws in [
            ("ReminderConcurrency=5", Aws()),
            ("ReminderConcurrency=10 MailsPerSecond=2", Aws()),
            ("ReminderConcurrency=70", stack(MailsPerSecond="14")),
            ("SigningKeyVersion=2", stack(MailsPerSecond="1", ReminderConcurrency="20")),
        ]:
            self.deploy("--parameters", f"SenderAddress=us@example.com {given}", aws=aws)
        for value in ("", "two", "1.5", "-1"):
            line = self.refusal("--parameters", f"SenderAddress=us@example.com ReminderConcurrency={value}")
            self.assertIn(f"ReminderConcurrency={value} is not a whole number", line)

    def test_the_rate_by_default_is_that_of_the_template(self):
        template = (Path(__file__).parent.parent / "template.yaml").read_text()
        defaults = re.findall(r"^  (ReminderConcurrency|MailsPerSecond):\n    Type: Number\n    Default: (\d+)$", template, re.MULTILINE)
        self.assertEqual(dict(defaults), deploy.RATE)

    def test_a_first_deploy_protects_nothing(self):
        for stack in (None, {"status": "REVIEW_IN_PROGRESS"}):
            self.assertIn("deploy it without PROTECT first", self.refusal(*self.SENDER, "--protect", "true", aws=Aws(stack=stack)))
        self.assertNotIn("DeletionProtection", self.deploy(*self.SENDER)[-1])
        self.assertIn("PROTECT=yes is invalid: use true or false", self.refusal(*self.SENDER, "--protect", "yes"))
        self.assertIn("use PROTECT=true", self.refusal("--parameters", "SenderAddress=us@example.com DeletionProtection=true"))

    def test_the_stack_is_protected_before_its_tables_and_unprotected_after_them(self):
        stack = {"status": "CREATE_COMPLETE", "SenderAddress": "us@example.com"}
        ran = self.deploy("--protect", "true", "--no-build", aws=Aws(stack=stack))
        self.assertEqual(ran[0], "termination protection True")
        self.assertIn('DeletionProtection="true"', ran[1])
        ran = self.deploy("--protect", "false", "--no-build", aws=Aws(stack=stack))
        self.assertIn('DeletionProtection="false"', ran[0])
        self.assertEqual(ran[1:], ["termination protection False"])
        ran = self.deploy("--protect", "false", "--no-build", aws=Aws(stack=stack), code=1)
        self.assertEqual(len(ran), 1, "tables that are still protected keep the stack protected")

    def test_a_stack_that_was_rolled_back_is_deleted_first(self):
        for status, what in [
            ("ROLLBACK_COMPLETE", "delete it first"),
            ("ROLLBACK_FAILED", "delete it first"),
            ("DELETE_FAILED", "delete it first"),
            ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name bell"),
            ("UPDATE_IN_PROGRESS", "wait"),
        ]:
            line = self.refusal(*self.SENDER, aws=Aws(stack={"status": status}))
            self.assertIn(f"bell is in {status}", line)
            self.assertIn(what, line)

    def test_parameters_that_cannot_be_read_are_refused(self):
        for text in ("SenderAddress", "=x", "SenderAddress='a", "--x=y"):
            self.assertIn("'Name=value Name=value'", self.refusal(f"--parameters={text}"))

    def test_the_command_says_in_one_line_what_is_missing(self):
        program = Path(__file__).parent / "deploy_to_aws.py"
        ran = subprocess.run(
            [sys.executable, str(program), "--parameters", "broken"], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
        )
        self.assertEqual(ran.returncode, 1)
        self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)
        self.assertTrue(ran.stderr.startswith("make deploy: "))


if __name__ == "__main__":
    unittest.main()
