"""The permissions that template.yaml gives to each role after SAM's transform, and a comparison of two templates.

usage: effective_iam.py TEMPLATE                prints the statements of every role as sorted JSON
       effective_iam.py --compare OLD NEW       exits with 1, and prints the differences, if the templates differ

A role has the statements of its inline policies and of the managed policies attached to it. Each statement is split into
one per action, resource and condition, so that it does not matter how statements are grouped into policies. A condition
is never split: `ForAllValues` must hold for all keys of one request together.

The comparison also covers everything else in the transformed template: functions with their environment, memory, time
limit and events, routes, tables, queues, alarms, parameters and outputs. It ignores descriptions and the managed policies
themselves.
"""

import json
import os
import sys
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from sam_transform import ManagedPolicies

ROLE, MANAGED_POLICY = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
# Quotas of IAM: characters of a managed policy and of all inline policies of a role, without white space; managed policies
# per role.
POLICY_SIZE, INLINE_SIZE, ATTACHED = 6_144, 10_240, 10
DESCRIPTIONS = {"Description", "AlarmDescription", "ConstraintDescription", "Label"}


def transformed(text: str) -> dict:
    """A template as plain CloudFormation."""
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


def ordered(condition: dict) -> dict:
    """A condition with the alternatives of each key sorted."""
    return {
        operator: {key: sorted(listed(values), key=canonical) for key, values in keys.items()}
        for operator, keys in condition.items()
    }


def split(document: dict) -> list[dict]:
    """The statements of a policy document, one per action and resource."""
    if unknown := set().union(*document["Statement"]) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
        raise ValueError(f"elements that this script does not compare: {unknown}")
    return [
        {"effect": one["Effect"], "action": action, "resource": resource, "condition": ordered(one.get("Condition", {}))}
        for one in document["Statement"]
        for action in listed(one["Action"])
        for resource in listed(one["Resource"])
    ]


def role_statements(role: dict, managed: dict[str, dict]) -> list[dict]:
    """All statements of a role, sorted, each once. A policy of AWS is a statement with its ARN."""
    properties, found = role["Properties"], []
    for policy in properties.get("Policies", []):
        found += split(policy["PolicyDocument"])
    for arn in properties.get("ManagedPolicyArns", []):
        if isinstance(arn, dict) and arn.get("Ref") in managed:
            found += split(managed[arn["Ref"]]["Properties"]["PolicyDocument"])
        else:
            found.append({"managed_policy": arn})
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
        properties = resource.pop("Properties", {})
        if resource["Type"] == ROLE:
            properties = {key: value for key, value in properties.items() if key not in ("Policies", "ManagedPolicyArns")}
        parts[name] = resource
        parts |= {f"{name}.{key}": value for key, value in properties.items()}
    return parts


def quotas(template: dict) -> list[str]:
    """Policies that IAM would refuse. Intrinsic functions count with the length of their JSON."""
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


def differences(old: dict, new: dict) -> list[str]:
    found = quotas(new)
    before, after = effective(old), effective(new)
    for role in sorted(before.keys() | after.keys()):
        had, has = ({canonical(one) for one in side.get(role, [])} for side in (before, after))
        found += [f"{role} lost {one}" for one in sorted(had - has)] + [f"{role} gained {one}" for one in sorted(has - had)]
    before, after = everything_else(old), everything_else(new)
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            found.append(f"{path}: {canonical(before.get(path))} became {canonical(after.get(path))}")
    return found


def main(arguments: list[str]) -> int:
    match arguments:
        case ["--compare", *files] if len(files) == 2:
            old, new = (transformed(Path(file).read_text()) for file in files)
            found = differences(old, new)
            print("\n".join(found) or f"{len(effective(new))} roles have the same statements, and all else is the same")
            return 1 if found else 0
        case [file]:
            print(json.dumps(effective(transformed(Path(file).read_text())), indent=1, sort_keys=True))
            return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
