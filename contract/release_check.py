#!/usr/bin/env python3
"""Tries what the hook of a release tells CodeDeploy of versions that are right and of versions that are not.

usage: contract/release_check.py
needs: boto3

Whether real functions pass, scripts/deploy-emulator tries; here stand-ins of CodeDeploy and Lambda answer.
"""

import io
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "functions/release_check"))
os.environ |= {"STACK_NAME": "broadsheet-prod", "AWS_DEFAULT_REGION": "us-east-1"}
import release_check  # noqa: E402


class Aws:
    """CodeDeploy and Lambda, as far as the hook asks them."""

    def __init__(self, name, group, answer, failed):
        self.name, self.group, self.answer, self.failed = name, group, answer, failed
        self.called, self.told = [], []

    def get_deployment(self, deploymentId):
        return {"deploymentInfo": {"deploymentGroupName": self.group}}

    def put_lifecycle_event_hook_execution_status(self, deploymentId, lifecycleEventHookExecutionId, status):
        self.told.append((deploymentId, lifecycleEventHookExecutionId, status))

    def describe_stack_resources(self, PhysicalResourceId):
        assert PhysicalResourceId == self.group, PhysicalResourceId
        # The first hundred of its stack, and not necessarily what was asked for.
        return {"StackResources": [{"StackName": "a-nested-stack", "LogicalResourceId": "Other", "PhysicalResourceId": "other"}]}

    def get_paginator(self, name):
        assert name in ("list_versions_by_function", "list_stack_resources"), name
        return self

    def paginate(self, FunctionName=None, StackName=None):
        if StackName:
            assert StackName == "a-nested-stack", StackName
            resource = lambda logical, physical: {"LogicalResourceId": logical, "PhysicalResourceId": physical}  # noqa: E731
            return [
                {"StackResourceSummaries": [resource("OtherFunction", "broadsheet-prod-Other"), {"LogicalResourceId": "New"}]},
                {"StackResourceSummaries": [] if not self.name else [
                    resource(f"{self.name}FunctionDeploymentGroup", self.group),
                    resource(f"{self.name}Function", f"broadsheet-prod-{self.name}"),
                ]},
            ]
        versions = ["$LATEST", "9", "10"]
        return [{"Versions": [{"Version": version} for version in versions[:2]]}, {"Versions": [{"Version": "10"}]}]

    def invoke(self, FunctionName, Qualifier, Payload):
        self.called.append((FunctionName, Qualifier, json.loads(Payload)))
        answer = {"Payload": io.BytesIO(json.dumps(self.answer).encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.failed else {})


# As CloudFormation and CodeDeploy name it, at most 100 characters, and as it is when the stack's name is long.
GROUP = "broadsheet-prod-Posts-1A2B3C-{}FunctionDeploymentGroup-4D5E6F"
CUT = "the-blog-of-a-newspaper-with-a-long-name-prod-Posts-1A2B3C-RestoreRevisionFunctionDep-4D5E6F"


def told(name, answer, failed=False, group=GROUP, of=None):
    group = group.format(name)
    aws = Aws(name if of is None else of, group, answer, failed)
    release_check.boto3.client = lambda service, config: aws
    try:
        release_check.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}, None)
    except ValueError:
        assert of == "", "only a group that is none of a function may end in an error"
    assert [(deployment, hook) for deployment, hook, _ in aws.told] == [("d-1", "hook-1")], aws.told
    if of != "":
        [(function, version, _)] = aws.called
        assert (function, version) == (f"broadsheet-prod-{name}", "10"), aws.called
    return aws.told[0][2]


PROBLEM = {"statusCode": 422, "headers": {}, "multiValueHeaders": {"X-Request-Id": ["1"]}}
THAT_PASS = {
    "an operation that refuses": ("CreatePost", PROBLEM, False),
    "a list": ("ListPosts", PROBLEM | {"statusCode": 200}, False),
    "an authorizer that refuses": ("Authorizer", {"errorMessage": "Unauthorized"}, True),
    "a reader without changes": ("KeepTable", {"batchItemFailures": []}, False),
    "a plug-in": ("LogEvents", None, False),
    "a plug-in for work": ("DeleteUser", None, False),
    "a job": ("PublishDue", None, False),
    "a trigger": ("PreSignUp", {"response": {}}, False),
    "a trigger that finds nobody": (
        "PostConfirmation", {"errorMessage": "The registration took too long. Register again."}, True
    ),
}
THAT_DO_NOT = {
    "an operation that cannot": ("CreatePost", PROBLEM | {"statusCode": 503}, False),
    "an operation that breaks": ("CreatePost", {"errorMessage": "panicked"}, True),
    "an answer that is none of ours": ("CreatePost", {"statusCode": 200, "headers": {}}, False),
    "no answer": ("CreatePost", {}, False),
    "an authorizer that lets everybody pass": ("Authorizer", {"principalId": "x"}, False),
    "an authorizer that breaks": ("Authorizer", {"errorMessage": "no TABLE_NAME"}, True),
    "a reader that fails in nothing": ("KeepTable", {"batchItemFailures": [{"itemIdentifier": "1"}]}, False),
    "a plug-in that breaks": ("LogEvents", {"errorMessage": "no TABLE_NAME"}, True),
    "a reader that breaks": ("KeepTable", {"errorMessage": "no TABLE_NAME"}, True),
}
for what, case in THAT_PASS.items():
    assert told(*case) == "Succeeded", what
for what, case in THAT_DO_NOT.items():
    assert told(*case) == "Failed", what
assert told("RestoreRevision", PROBLEM, group=CUT) == "Succeeded", "a group whose name is cut"
assert told("?", PROBLEM, group="some-other-group", of="") == "Failed", "a deployment of something else"
print(f"ok    {len(THAT_PASS)} versions are let on, {len(THAT_DO_NOT) + 1} are not")
