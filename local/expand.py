"""Turns template.yaml into what MiniStack can deploy.

samtranslator, the library behind AWS's own SAM transform, does nearly all of it. MiniStack ignores the OpenAPI
body that the transform makes of an HTTP API, so the routes in it become resources of their own here.
"""

import os
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# The id of the API, so that its URL is known before it exists.
API_ID = "taskbell"


class ManagedPolicies:
    """The transform looks AWS's managed policies up; the template needs only the one of every function."""

    @staticmethod
    def load() -> dict[str, str]:
        name = "AWSLambdaBasicExecutionRole"
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}"}


def expand(template: Path, parameters: dict[str, str], code: dict[str, str], api_id: str = API_ID) -> dict:
    """The template as plain CloudFormation. `code` maps each CodeUri to the S3 URL of its archive, `api_id` names the API."""
    source = yaml_parse(template.read_text())
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = code[properties["CodeUri"]]
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # samtranslator asks for the partition
    values = typed(source["Parameters"], parameters)
    plain = transform(source, dict(values), ManagedPolicies())
    for name, resource in list(plain["Resources"].items()):
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            plain["Resources"].update(routes(name, resource["Properties"], api_id))
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del plain["Resources"][name]  # MiniStack refuses alarms that compute
    return adapted(plain, values)


def typed(declared: dict, given: dict[str, str]) -> dict:
    """The values of the parameters that are no strings: MiniStack and samtranslator take all for strings."""
    of_type = {"Number": int, "CommaDelimitedList": lambda text: text.split(",")}
    return {
        name: of_type[one["Type"]](str(given.get(name, one.get("Default"))))
        for name, one in declared.items()
        if one["Type"] in of_type
    }


def adapted(node, values: dict):
    """The template with three things said as MiniStack understands them: references to such values by the value,
    the permission to send a batch (on AWS the one to send), and the permission to mail, for which MiniStack
    knows neither the identity nor the sender."""
    match node:
        case {"Variables": dict()}:
            return node  # of an environment: strings
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
    """The integrations and routes in an HTTP API's OpenAPI body, which is taken out of its properties."""
    body = properties.pop("Body")
    properties |= {"Name": "taskbell", "ProtocolType": "HTTP", "Tags": {"ms-custom-id": api_id}}
    # MiniStack wants the names that the body has (allowOrigins), not those of CloudFormation.
    properties["CorsConfiguration"] = body.get("x-amazon-apigateway-cors", {})
    resources = {}
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            name = f"{api}Route{len(resources)}"
            resources[f"{name}Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": operation["x-amazon-apigateway-integration"]["uri"],
                    "PayloadFormatVersion": "2.0",
                },
            }
            resources[name] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "RouteKey": f"{method.upper()} {path}",
                    "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"},
                },
            }
    return resources
