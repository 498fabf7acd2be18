#!/usr/bin/env python3
"""Looks whether CloudFormation takes the templates, and would take them with twice as many operations.

usage: contract/size.py [--into FOLDER] TEMPLATE...
needs: the Python that SAM is installed for

Each template is expanded as CloudFormation does it (loops first, then SAM), with canaries on, which is when there is
most in it; then once more with every function, and every route, there twice. --into keeps the expanded templates, for
tools that look neither into loops nor at what is switched off.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

import copy
import json
import logging
import os
import sys
from pathlib import Path

logging.disable(logging.WARNING)  # SAM logs what it would have looked up at AWS, some hundred times
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # SAM asks for one, and nothing here depends on it

from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

LIMITS = {"resources": 500, "outputs": 200, "parameters": 200, "bytes": 1_000_000}


class NoManagedPolicies:
    """SAM asks IAM for the policies that functions name; ours name none."""

    def load(self):
        return {}


def is_ours(resource):
    return isinstance(resource, dict) and "BuildProperties" in resource.get("Metadata", {})


def expanded(template):
    parameters = {name: str(value.get("Default", "x")) for name, value in template["Parameters"].items()}
    parameters |= {name: "true" for name in ["Canary", "AccessLogs", "Watching", "Backups", "Waf", "Cdn"] if name in parameters}
    for name, value in template["Parameters"].items():
        value["Default"] = parameters[name]
    for resource in template["Resources"].values():
        if isinstance(resource, dict) and resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
        if isinstance(resource, dict) and resource["Type"] == "AWS::Serverless::Application":
            resource["Properties"]["Location"] = "https://example.com/template.yaml"
    # CodeUri is of Globals too, which is over what is not there.
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    template = expand_language_extensions(template, parameters, enabled=True).expanded_template
    return transform(template, parameters, NoManagedPolicies())


def doubled(template):
    """The same with each function twice: `Register` and `RegisterToo`, with its logs, alarms, permissions and routes."""
    template = copy.deepcopy(template)
    resources = template["Resources"]
    names = [name.removesuffix("Function") for name, resource in resources.items() if is_ours(resource)]

    def renamed(value):
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        for name in names if isinstance(value, str) else []:
            for end in ["", "Function", "FunctionRole", "Errors", "Latency"]:
                if value == name + end:
                    return f"{name}Too{end}"
        return value

    for section in [resources, template.get("Outputs", {})]:
        for name, resource in list(section.items()):
            if name.startswith("Fn::ForEach::"):
                resource[1] = resource[1] + [f"{name}Too" for name in resource[1] if name in names]
            elif is_ours(resource):
                section[f"{name.removesuffix('Function')}TooFunction"] = renamed(resource)
            elif name.removesuffix("Errors") in names:
                section[f"{name.removesuffix('Errors')}TooErrors"] = renamed(resource)
            elif resource.get("Type") == "AWS::Serverless::Api":
                paths = resource["Properties"]["DefinitionBody"]["paths"]
                paths |= {f"/too{path}": methods for path, methods in paths.items()}
    return template


def size(template):
    written = json.dumps(template)
    template = expanded(copy.deepcopy(template))
    return {
        "resources": len(template["Resources"]),
        "outputs": len(template.get("Outputs", {})),
        "parameters": len(template["Parameters"]),
        "bytes": max(len(written), len(json.dumps(template))),
    }


arguments = sys.argv[1:]
into = Path(arguments[1]) if arguments[:1] == ["--into"] else None
arguments = arguments[2:] if into else arguments
if not arguments:
    sys.exit(__doc__)
too_big = False
for path in arguments:
    template = yaml_parse(Path(path).read_text())
    now, twice = size(template), size(doubled(template))
    functions = sum(is_ours(resource) for resource in template["Resources"].values())
    if functions and twice["resources"] < 2 * functions + now["resources"]:
        sys.exit(f"{path}: doubling its {functions} functions did not double what they need: {now} {twice}")
    for what, limit in LIMITS.items():
        verdict = "ok  " if twice[what] <= limit else "FAIL"
        too_big |= twice[what] > limit
        print(f"{verdict}  {path}: {now[what]} {what}, {twice[what]} with twice the operations; the limit is {limit}")
    if into:
        into.mkdir(parents=True, exist_ok=True)
        (into / path.replace("/", "-").replace(".yaml", ".json")).write_text(json.dumps(expanded(template), indent=1))
sys.exit(too_big)
