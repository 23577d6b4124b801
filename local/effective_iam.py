"""The permissions that template.yaml gives to each role after SAM's transform, and a comparison of two templates.

usage: effective_iam.py TEMPLATE                prints the statements of every role as sorted JSON
       effective_iam.py --compare OLD NEW       exits with 1, and prints the differences, if the templates differ

A role has the statements of its inline policies and of the managed policies attached to it. Each statement is split into
one per action, resource and condition, so that it does not matter how statements are grouped into policies. A condition
is never split: `ForAllValues` must hold for all keys of one request together.

The comparison also covers everything else in the transformed template: environments, memory, time limits, routes, alarms,
tables, parameters and outputs. It ignores descriptions and the managed policies themselves.
"""

import json
import os
import sys
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from sam_transform import ManagedPolicies

ROLE, MANAGED_POLICY = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
# IAM quotas: characters of a managed policy and of all inline policies of a role, managed policies per role.
POLICY_SIZE, INLINE_SIZE, ATTACHED = 6_144, 10_240, 10
DESCRIPTIONS = {"Description", "AlarmDescription", "ConstraintDescription", "Label"}


def transformed(text: str) -> dict:
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://code/{properties['CodeUri']}"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # samtranslator derives the partition from it
    return transform(source, {}, ManagedPolicies())


def of_type(template: dict, kind: str) -> dict[str, dict]:
    """The resources of a type, by logical id."""
    return {name: one for name, one in template["Resources"].items() if one["Type"] == kind}


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def canonical(value) -> str:
    return json.dumps(value, sort_keys=True)


def condition(statement: dict) -> dict:
    """The condition of a statement, with the alternatives of each key sorted."""
    tests = statement.get("Condition", {}).items()
    return {test: {key: sorted(listed(has), key=canonical) for key, has in keys.items()} for test, keys in tests}


def split(document: dict) -> list[dict]:
    """The statements of a policy document, one per action and resource."""
    if unknown := set().union(*document["Statement"]) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
        raise ValueError(f"elements that this script does not compare: {unknown}")
    return [
        {"effect": one["Effect"], "action": action, "resource": resource, "condition": condition(one)}
        for one in document["Statement"]
        for action in listed(one["Action"])
        for resource in listed(one["Resource"])
    ]


def role_statements(role: dict, managed: dict[str, dict]) -> list[dict]:
    """All statements of a role, sorted, each once. A policy of AWS is a statement with its ARN."""
    properties = role["Properties"]
    found = [one for policy in properties.get("Policies", []) for one in split(policy["PolicyDocument"])]
    for arn in properties.get("ManagedPolicyArns", []):
        policy = managed.get(arn.get("Ref")) if isinstance(arn, dict) else None
        found += split(policy["Properties"]["PolicyDocument"]) if policy else [{"managed_policy": arn}]
    return [json.loads(one) for one in sorted({canonical(one) for one in found})]


def effective(template: dict) -> dict[str, list[dict]]:
    managed = of_type(template, MANAGED_POLICY)
    return {name: role_statements(role, managed) for name, role in sorted(of_type(template, ROLE).items())}


def without_descriptions(node):
    if isinstance(node, dict):
        return {key: without_descriptions(value) for key, value in node.items() if key not in DESCRIPTIONS}
    return [without_descriptions(child) for child in node] if isinstance(node, list) else node


def everything_else(template: dict) -> dict[str, object]:
    """The template by path, without policies and descriptions."""
    template, parts = without_descriptions(template), {}
    for section in template.keys() - {"Resources", "AWSTemplateFormatVersion"}:
        parts |= {f"{section}.{name}": value for name, value in template[section].items()}
    for name, resource in template["Resources"].items():
        if resource["Type"] == MANAGED_POLICY:
            continue
        ignored = {"Policies", "ManagedPolicyArns"} if resource["Type"] == ROLE else set()
        parts |= {f"{name}.{key}": one for key, one in resource.pop("Properties", {}).items() if key not in ignored}
        parts[name] = resource
    return parts


def quotas(template: dict) -> list[str]:
    """Policies that IAM would refuse. White space does not count; intrinsic functions count with their JSON."""
    wrong, size = [], lambda document: len("".join(canonical(document).split()))
    for name, policy in of_type(template, MANAGED_POLICY).items():
        if size(policy["Properties"]["PolicyDocument"]) > POLICY_SIZE:
            wrong.append(f"{name} is larger than {POLICY_SIZE} characters")
    for name, role in of_type(template, ROLE).items():
        if sum(size(one["PolicyDocument"]) for one in role["Properties"].get("Policies", [])) > INLINE_SIZE:
            wrong.append(f"the inline policies of {name} are larger than {INLINE_SIZE} characters")
        if len(role["Properties"].get("ManagedPolicyArns", [])) > ATTACHED:
            wrong.append(f"{name} has more than {ATTACHED} managed policies")
    return wrong


def paired(old: dict, new: dict) -> list:
    return [(key, (old.get(key), new.get(key))) for key in sorted(old.keys() | new.keys())]


def differences(old: dict, new: dict) -> list[str]:
    found = quotas(new)
    for role, (before, after) in paired(effective(old), effective(new)):
        had, has = ({canonical(one) for one in side or []} for side in (before, after))
        found += [f"{role} lost {one}" for one in sorted(had - has)] + [f"{role} gained {one}" for one in sorted(has - had)]
    for path, (before, after) in paired(everything_else(old), everything_else(new)):
        if before != after:
            found.append(f"{path}: {canonical(before)} became {canonical(after)}")
    return found


def main(arguments: list[str]) -> int:
    match arguments:
        case ["--compare", *files] if len(files) == 2:
            found = differences(*(transformed(Path(file).read_text()) for file in files))
            print("\n".join(found) or "all roles have the same statements, and everything else is the same")
            return 1 if found else 0
        case [file]:
            print(json.dumps(effective(transformed(Path(file).read_text())), indent=1, sort_keys=True))
            return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
