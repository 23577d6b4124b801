"""Transforms template.yaml into a template that MiniStack can deploy.

samtranslator, the library behind AWS's SAM transform, does most of the work. MiniStack ignores the OpenAPI body that the
transform generates for an HTTP API, so its routes become separate resources here.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# The id of the API, so that its URL is known before it exists.
API_ID = "taskbell"


class ManagedPolicies:
    """The managed policies that the transform looks up; the template needs only the basic execution role."""

    @staticmethod
    def load() -> dict[str, str]:
        name = "AWSLambdaBasicExecutionRole"
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}"}


def transform_template(template: Path, parameters: dict[str, str], code: dict[str, str], api_id: str = API_ID) -> dict:
    """The template as plain CloudFormation. `code` maps each CodeUri to the S3 URL of its archive; `api_id` is the id of the API."""
    source = yaml_parse(template.read_text())
    values = typed(source["Parameters"], parameters)
    plain = expand(source, values, code)
    for name, resource in list(plain["Resources"].items()):
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            properties = resource["Properties"]
            if "Body" in properties:
                plain["Resources"].update(routes(name, properties, api_id))
            else:
                properties["Tags"] = {"ms-custom-id": live_id(api_id)}
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del plain["Resources"][name]  # MiniStack refuses alarms on metric math
        if resource["Type"] == "AWS::Logs::QueryDefinition":
            del plain["Resources"][name]  # unknown to MiniStack
        if resource["Type"] == "AWS::Lambda::Permission" and resource["Properties"]["Principal"] == "apigateway.amazonaws.com":
            del plain["Resources"][name]  # MiniStack does not check it, and a stack has at most 500 resources
    return adapted(plain, values)


def expand(source: dict, values: dict, code: Mapping[str, str]) -> dict:
    """The template as AWS expands it."""
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = code[properties["CodeUri"]]
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # samtranslator needs it to find the partition
    return transform(source, dict(values), ManagedPolicies())


def live_id(api_id: str) -> str:
    """The id of the WebSocket API beside an HTTP API."""
    return f"{api_id}-live"


def typed(declared: dict, given: dict[str, str]) -> dict:
    """The values of parameters that are not strings: MiniStack and samtranslator treat all parameters as strings."""
    of_type = {"Number": int, "CommaDelimitedList": lambda text: text.split(",")}
    return {
        name: of_type[one["Type"]](str(given.get(name, one.get("Default"))))
        for name, one in declared.items()
        if one["Type"] in of_type
    }


def adapted(node, values: dict):
    """The template with three changes for MiniStack: typed parameters are replaced by their values; the permission to send a
    message includes batches, as on AWS; and the permission to send mail has neither identity nor sender, which MiniStack
    does not evaluate."""
    match node:
        case {"Variables": dict()}:
            return node  # environment variables are strings
        case {"Ref": str(name)} if name in values:
            return values[name]
        case "sqs:SendMessage":
            return "sqs:SendMessage*"
        case {"Action": ["ses:SendRawEmail"]}:
            return {"Effect": "Allow", "Action": ["ses:SendRawEmail"], "Resource": "*"}
        case dict():
            return {name: adapted(child, values) for name, child in node.items()}
        case list():
            return [adapted(child, values) for child in node]
        case _:
            return node


def routes(api: str, properties: dict, api_id: str) -> dict:
    """Moves the integrations and routes out of an HTTP API's OpenAPI body into separate resources."""
    body = properties.pop("Body")
    properties |= {"Name": "taskbell", "ProtocolType": "HTTP", "Tags": {"ms-custom-id": api_id}}
    # MiniStack expects the names of the body (allowOrigins), not those of CloudFormation.
    properties["CorsConfiguration"] = body.get("x-amazon-apigateway-cors", {})
    resources, integrations = {}, {}
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            name = f"{api}Route{len(resources)}"
            uri = operation["x-amazon-apigateway-integration"]["uri"]
            # All routes of a function have the same one: a stack has at most 500 resources.
            integration = integrations.setdefault(str(uri), f"{name}Integration")
            resources[integration] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": uri,
                    "PayloadFormatVersion": "2.0",
                },
            }
            resources[name] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "RouteKey": f"{method.upper()} {path}",
                    "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
                },
            }
    return resources
