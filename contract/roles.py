#!/usr/bin/env python3
"""Whether the role that CloudFormation deploys with (infrastructure/github.yaml) can make all that the templates have.

AWS says in the schema of each resource type which actions making, reading, changing and deleting one of it takes; cfn-lint
brings these schemas along. Also: whatever is given a name is given one that the role's patterns reach.

Needs cfn-lint. Run it with: python contract/roles.py
"""

import fnmatch
import glob
import re
import sys

import yaml
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

# What SAM makes of its own types, with what it adds for our events, alias and releases.
SAM = {
    "AWS::Serverless::Api": ["AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::DomainName",
                             "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::Lambda::Permission",
                             "AWS::Route53::RecordSet"],
    "AWS::Serverless::Application": ["AWS::CloudFormation::Stack"],
    "AWS::Serverless::Function": ["AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::Events::Rule",
                                  "AWS::IAM::Role", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig",
                                  "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::Lambda::Permission",
                                  "AWS::Lambda::Version"],
}

# Actions that the schemas name for what our templates do not use: replicas, imports and streams of a table, keys of one's own,
# networks and file systems of functions, firewalls of anything but an API, and the like. A pattern covers a feature.
UNUSED = """
    amplify:* apprunner:* appsync:* bedrock-agentcore:* billing:* ec2:* elasticfilesystem:* elasticloadbalancing:* firehose:*
    kinesis:* kms:* payments:* s3files:* s3tables:* backup-storage:Mount
    apigateway:AddCertificateToDomain apigateway:RemoveCertificateFromDomain apigateway:CreateAccessAssociation
    backup:*LockConfiguration cloudformation:*StackPolicy cloudformation:UpdateTerminationProtection
    cloudfront:*ConnectionGroup cloudfront:List* cognito-idp:*WebACL* codedeploy:RegisterOnPremisesInstance
    dynamodb:*Replica dynamodb:*Item dynamodb:Query dynamodb:Scan dynamodb:ImportTable dynamodb:*KinesisStreamingDestination
    events:PutPermission events:RemovePermission iam:*GroupPolicy iam:*UserPolicy iam:*RolePermissionsBoundary iam:DescribeOrganization iam:ListPolicies
    lambda:*CodeSigning* lambda:AssociateRuntimeAlias lambda:PassCapacityProvider lambda:GetLayerVersion
    logs:*KmsKey logs:*DataProtectionPolicy logs:*IndexPolicy logs:*IndexPolicies logs:DeleteResourcePolicy
    logs:PutBearerTokenAuthentication logs:PutLogGroupDeletionProtection logs:CreateLogStream logs:PutLogEvents
    route53:ListHostedZones s3:DeleteBucketAnalytics* s3:DeleteBucketCors s3:DeleteBucketEncryption s3:DeleteBucketLifecycle
    s3:DeleteBucketMetadata* s3:CreateBucketMetadata* s3:UpdateBucketMetadata* s3:DeleteBucketMetrics*
    s3:DeleteBucketReplication s3:DeleteBucketWebsite s3:DeleteObject s3:GetBucketMetadata* s3:ListBucket s3:REST.PUT.OBJECT
    secretsmanager:GetRandomPassword secretsmanager:GetSecretValue secretsmanager:*Region* secretsmanager:*ToRegions
    sns:PutDataProtectionPolicy wafv2:*PermissionPolicy
""".split()

# The property that names a resource where one is given, and the ARN that it then has. What is not here is named by CloudFormation
# after the stack, or at random, and the role's statements say so.
NAMES = {
    "AWS::Backup::BackupVault": ("BackupVaultName", "backup:R:A:backup-vault:NAME"),
    "AWS::Budgets::Budget": ("Budget.BudgetName", "budgets::A:budget/NAME"),
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch:R:A:alarm:NAME"),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", "cloudwatch:R:A:alarm:NAME"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "cloudwatch::A:dashboard/NAME"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:R:A:table/NAME"),
    "AWS::Events::EventBus": ("Name", "events:R:A:event-bus/NAME"),
    "AWS::Events::Rule": ("Name", "events:R:A:rule/NAME"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "iam::A:policy/NAME"),
    "AWS::IAM::Role": ("RoleName", "iam::A:role/NAME"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:R:A:log-group:NAME"),
    "AWS::S3::Bucket": ("BucketName", "s3:::NAME"),
    "AWS::SNS::Topic": ("TopicName", "sns:R:A:NAME"),
    "AWS::SQS::Queue": ("QueueName", "sqs:R:A:NAME"),
    "AWS::SecretsManager::Secret": ("Name", "secretsmanager:R:A:secret:NAME-000000"),
    "AWS::Serverless::Function": ("FunctionName", "lambda:R:A:function:NAME"),
    "AWS::WAFv2::WebACL": ("Name", "wafv2:R:A:regional/webacl/NAME/0"),
}
# CloudFormation itself names these without the stack's name, so they need one of ours.
NEED_NAME = {"AWS::Budgets::Budget", "AWS::CloudWatch::Dashboard", "AWS::WAFv2::WebACL"}


class Short(yaml.SafeLoader):
    """Reads !Sub "text" as the text, and other short forms as what they are given."""


def short(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Short.add_multi_constructor("!", short)


def load(path):
    with open(path) as file:
        return yaml.load(file, Short)


def resources(node):
    """Every resource of a template, also those in an Fn::ForEach."""
    if isinstance(node, dict):
        if str(node.get("Type", "")).startswith("AWS::"):
            yield node
        else:
            for value in node.values():
                yield from resources(value)
    elif isinstance(node, list):
        for value in node:
            yield from resources(value)


def actions(node):
    """Every action that a policy document allows. A statement under !If counts: roles are looked at with all there is."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield from [node["Action"]] if isinstance(node["Action"], str) else node["Action"]
        for value in node.values():
            yield from actions(value)
    elif isinstance(node, list):
        for value in node:
            yield from actions(value)


def plain(text):
    """A text of !Sub with the values of a stack in it; what else is put in stands as its own name."""
    for name, value in {"AWS::Partition": "aws", "AWS::Region": "R", "AWS::AccountId": "A", "Stage": "staging",
                        "AWS::StackName": "broadsheet-staging", "Blog": "broadsheet-staging"}.items():
        text = text.replace("${" + name + "}", value)
    return re.sub(r"\$\{(.*?)\}", r"\1", {"AWS::StackName": "broadsheet-staging", "Blog": "broadsheet-staging"}.get(text, text))


def patterns(node):
    """Every resource that a statement names."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield from [node["Resource"]] if isinstance(node["Resource"], str) else node["Resource"]
        for value in node.values():
            yield from patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns(value)


def main():
    roles = load("infrastructure/github.yaml")["Resources"]
    policies = [policy["Properties"]["PolicyDocument"] for policy in roles.values() if policy["Type"] == "AWS::IAM::ManagedPolicy"]
    allowed = set(actions(policies))
    reach = {plain(pattern) for pattern in patterns(policies)} - {"*"}
    files = ["template.yaml", *glob.glob("functions/*/template.yaml"), *glob.glob("infrastructure/*.yaml")]
    files = [file for file in files if file != "infrastructure/github.yaml"]
    wrong, types, checked, named = [], set(), 0, 0
    for file in files:
        for resource in resources(load(file).get("Resources", {})):
            kind = resource["Type"]
            types.update(SAM.get(kind, [kind]))
            path, arn = NAMES.get(kind, ("", ""))
            name = resource.get("Properties") or {}
            for step in path.split("."):
                name = (name.get(step) or {}) if isinstance(name, dict) else {}
            if kind in NEED_NAME and not name:
                wrong.append(f"{file}: a {kind} without a name, which then is not the stack's")
            elif isinstance(name, str):
                arn = "arn:aws:" + arn.replace("NAME", plain(name))
                named += 1
                if not any(fnmatch.fnmatchcase(arn, pattern) for pattern in reach):
                    wrong.append(f"{file}: a {kind} is {arn}, which the execution role cannot reach")
    for kind in sorted(types):
        if kind.startswith("AWS::Serverless::"):
            wrong.append(f"{kind}: say in SAM what it becomes")
            continue
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
        for handler in ["create", "read", "update", "delete"]:
            for action in handlers.get(handler, {}).get("permissions", []):
                checked += 1
                # A whole service is not excused where the resource is of that service.
                own = f"{kind.split('::')[1].lower()}:*"
                unused = [pattern for pattern in UNUSED if pattern != own and fnmatch.fnmatchcase(action, pattern)]
                if not unused and not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed):
                    wrong.append(f"{kind}: {handler} needs {action}, which the execution role has not")
    for line in sorted(set(wrong)):
        print("FAIL ", line)
    if wrong or not checked:
        sys.exit(1)
    print(f"{len(types)} types of resources in {len(files)} templates, {checked} permissions, {named} names: the execution role has them.")


if __name__ == "__main__":
    main()
