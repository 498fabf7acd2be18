"""Tries a new version of a function before anybody else calls it.

CodeDeploy calls this for each function of a release (`BeforeAllowTraffic`), and lets no request through to a version
that does not pass. In Python, because Lambda's own runtime has the AWS SDK in it: there is nothing to build or to ship.
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
"""

import json
import os

import boto3
from botocore.config import Config

# A request as API Gateway sends it, of nobody, for nothing. It changes nothing anywhere, but it takes settings,
# permissions and a table to answer it: whatever an operation makes of it, it says so itself and it is not 5xx.
REQUEST = {
    "resource": "/",
    "path": "/",
    "httpMethod": "POST",
    "headers": {"Content-Type": "application/json"},
    "multiValueHeaders": {"Content-Type": ["application/json"]},
    "pathParameters": {},
    "requestContext": {
        "requestId": "release-check",
        "stage": "v1",
        "path": "/v1/",
        "resourcePath": "/",
        "httpMethod": "POST",
        "identity": {"sourceIp": "127.0.0.1"},
    },
    "body": "",
    # A plug-in is told by this that it is only tried.
    "detail-type": "release-check",
    "detail": {},
}
BAD_TOKEN = {
    "type": "REQUEST",
    "methodArn": "arn:aws:execute-api:us-east-1:000000000000:release/v1/GET/",
    **{name: REQUEST[name] for name in ["resource", "path", "httpMethod", "requestContext", "pathParameters"]},
    "headers": {"Authorization": "Bearer release-check"},
    "multiValueHeaders": {},
    "queryStringParameters": {},
    "multiValueQueryStringParameters": {},
    "stageVariables": {},
}
# Nobody has this name: what is done for a user after signing up finds none.
SIGN_UP = {
    "version": "1",
    "region": "us-east-1",
    "userPoolId": "release-check",
    "userName": "0" * 26,
    "callerContext": {"awsSdkVersion": "release-check", "clientId": "release-check"},
    "request": {"userAttributes": {}},
    "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
}
NO_CHANGES = {"Records": []}
NOBODY = {"user_id": "0" * 26}


def step(**work):
    """Some work on what there is not."""
    return {"detail-type": "work", "detail": {"number": 1, "work": work}}


# What is no operation, by the end of its name.
EVENTS = {
    "Authorizer": BAD_TOKEN,
    "KeepTable": NO_CHANGES,
    "PublishEvents": NO_CHANGES,
    "DeleteMediaFiles": step(media_id="0" * 26, names=[]),
    "DeleteRestOfPost": step(post_id="0" * 26, slug="release-check", author_id="0" * 26, media=[]),
    "DeleteUser": step(**NOBODY),
    "HomeFeed": step(post={"author": "0" * 26, "post": "0" * 26, "published_at": "2026-01-01T00:00:00.000Z", "place": None}),
    "ExportUser": step(**NOBODY, export_id="0" * 26, written=None),
    "RewriteBylines": step(**NOBODY, place={"posts": {"list": 0, "before": None}}),
    "PublishDue": {},  # publishes what is due, as it does every minute
    "PreSignUp": {**SIGN_UP, "triggerSource": "PreSignUp_SignUp"},
    "CustomMessage": {**SIGN_UP, "triggerSource": "CustomMessage_SignUp", "request": {"userAttributes": {}, "codeParameter": "{####}"}, "response": {}},
    "PostConfirmation": {**SIGN_UP, "triggerSource": "PostConfirmation_ConfirmSignUp"},
}
# What refuses by failing, and with what words.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
REFUSALS = {"Authorizer": "Unauthorized", "PostConfirmation": "The registration took too long. Register again."}


def complaint(name, failed, answer):
    """What is wrong with an answer of this function, if anything. `failed` is whether Lambda calls it an error."""
    refusal = REFUSALS.get(name)
    if failed or refusal:
        message = answer.get("errorMessage") if failed else None
        return None if refusal and message == refusal else f"it says {message!r} instead of {refusal!r}"
    if name in EVENTS:
        return "changes that there are not failed" if answer and answer.get("batchItemFailures") else None
    if answer is None:
        return None  # a plug-in, which answers nothing
    headers = {header.lower() for header in {**answer.get("headers", {}), **answer.get("multiValueHeaders", {})}}
    if not 200 <= answer.get("statusCode", 0) < 500:
        return f"it answers {answer.get('statusCode')}"
    return None if "x-request-id" in headers else "its answer has no X-Request-Id"


def check(functions, blog, name, version):
    """Calls this version of the function of the stack `blog`. Says what is wrong, if anything."""
    event = EVENTS.get(name, REQUEST)
    called = functions.invoke(FunctionName=f"{blog}-{name}", Qualifier=version, Payload=json.dumps(event))
    answer = json.loads(called["Payload"].read() or "null")
    return complaint(name, "FunctionError" in called, answer)


def newest_version(functions, function):
    """The version that is being released. The hook is not told which it is, nor does CodeDeploy know it yet when asked."""
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = [version["Version"] for page in pages for version in page["Versions"]]
    return max((version for version in versions if version != "$LATEST"), key=int)


def function_of(stacks, deployment_group):
    """The function that a deployment group is of. SAM calls the group of `RegisterFunction` `RegisterFunctionDeploymentGroup`.

    CloudFormation is asked and no name is read: what it makes of a stack's and a resource's name it cuts to a length.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
    """
    # Of a large stack these are the first hundred resources, so all that is taken from them is whose they are.
    stack = stacks.describe_stack_resources(PhysicalResourceId=deployment_group)["StackResources"][0]["StackName"]
    pages = stacks.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    [group] = [each["LogicalResourceId"] for each in resources if each.get("PhysicalResourceId") == deployment_group]
    function = group.removesuffix("DeploymentGroup")
    [name] = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == function]
    return name


def client(service):
    """Of an AWS service. All functions of a release are tried at once, so in an account that runs ten functions at once most
    calls are throttled at first: they are repeated for minutes."""
    return boto3.client(service, config=Config(retries={"mode": "adaptive", "total_max_attempts": 30}))


def handler(event, _context):
    deployments, functions, stacks, blog = client("codedeploy"), client("lambda"), client("cloudformation"), os.environ["STACK_NAME"]
    status = "Failed"
    try:
        deployment = deployments.get_deployment(deploymentId=event["DeploymentId"])["deploymentInfo"]
        name = function_of(stacks, deployment["deploymentGroupName"]).removeprefix(f"{blog}-")
        version = newest_version(functions, f"{blog}-{name}")
        wrong = check(functions, blog, name, version)
        print(json.dumps({"function": name, "version": version, "wrong": wrong, "level": "ERROR" if wrong else "INFO"}))
        status = "Failed" if wrong else "Succeeded"
    finally:
        deployments.put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )
