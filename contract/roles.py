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

# Actions that the schemas name for what our templates do not use, by the property that would use it. A template that gets
# such a property takes the excuse away, so that this list cannot hide an action that is needed. What no property decides is
# by a resource type or a phrase in quotes, and covers no action of NEEDS.
UNUSED = {
    "'resources of other services that the same types serve'": """
        amplify:* apprunner:* appsync:* bedrock-agentcore:* billing:* elasticloadbalancing:* payments:* s3files:* s3tables:*
        cognito-idp:*WebACL* ec2:* codedeploy:RegisterOnPremisesInstance lambda:PassCapacityProvider iam:DescribeOrganization""",
    "VpcConfig|FileSystemConfigs|VpcOriginConfig|VPCRegion|VPCs": "ec2:* elasticfilesystem:*",
    "DestinationConfigs|FirehoseArn|DeliveryStreamType": "firehose:*",
    "KinesisStreamSpecification": "kinesis:* dynamodb:*KinesisStreamingDestination",
    # A key of one's own. The topic of the alarms has one, and its own type says what that takes.
    "KmsKeyId|KmsKeyArn|KMSKeyArn|KMSMasterKeyId|EncryptionKeyArn|CustomSenderConfig|KMSKeyID|KMSMasterKeyID": "kms:* logs:*KmsKey",
    "'a vault stays locked, and the capsule is what is mounted'": "backup:DeleteBackupVaultLockConfiguration backup-storage:Mount",
    "MutualTlsAuthentication|DomainNameAccessAssociation": """
        apigateway:AddCertificateToDomain apigateway:RemoveCertificateFromDomain apigateway:CreateAccessAssociation""",
    "StackPolicyBody|StackPolicyURL|EnableTerminationProtection": "cloudformation:*StackPolicy cloudformation:UpdateTerminationProtection",
    "ConnectionMode|TenantConfig": "cloudfront:*ConnectionGroup",
    "'what lists are for'": """
        cloudfront:List* iam:ListPolicies route53:ListHostedZones s3:ListBucket lambda:GetLayerVersion""",
    "Replicas|ReplicaRegions": """
        dynamodb:*Replica dynamodb:*Item dynamodb:Query dynamodb:Scan secretsmanager:*Region* secretsmanager:*ToRegions""",
    "ImportSourceSpecification": "dynamodb:ImportTable",
    "'policies of groups and of users, of which there are none'": "iam:*GroupPolicy iam:*UserPolicy",
    "PermissionsBoundary": "iam:*RolePermissionsBoundary",
    "AWS::Events::EventBusPolicy": "events:PutPermission events:RemovePermission",
    "CodeSigningConfigArn": "lambda:*CodeSigning*",
    "RuntimeManagementConfig": "lambda:AssociateRuntimeAlias",
    "DataProtectionPolicy": "logs:*DataProtectionPolicy sns:PutDataProtectionPolicy",
    "FieldIndexPolicies": "logs:*IndexPolicy logs:*IndexPolicies",
    "BearerTokenAuthenticationEnabled|DeletionProtectionEnabled_OfLogGroup": """
        logs:PutBearerTokenAuthentication logs:PutLogGroupDeletionProtection""",
    "'log lines, which a role of the pipeline does not write'": "logs:CreateLogStream logs:PutLogEvents logs:DeleteResourcePolicy",
    "AnalyticsConfigurations": "s3:DeleteBucketAnalytics*",
    "MetadataTableConfiguration|MetadataConfiguration": """
        s3:DeleteBucketMetadata* s3:CreateBucketMetadata* s3:UpdateBucketMetadata* s3:GetBucketMetadata*""",
    "MetricsConfigurations": "s3:DeleteBucketMetrics*",
    "ReplicationConfiguration": "s3:DeleteBucketReplication",
    "WebsiteConfiguration": "s3:DeleteBucketWebsite",
    # Taking back what a bucket is never without.
    "'encryption and lifecycle rules of a bucket stay'": "s3:DeleteBucketEncryption s3:DeleteBucketLifecycle",
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html
    "'IAM has no action for it: taking CORS rules back is s3:PutBucketCORS'": "s3:DeleteBucketCors",
    "'what is in a bucket'": "s3:DeleteObject s3:REST.PUT.OBJECT",
    "'sharing of rule groups'": "wafv2:*PermissionPolicy",
}

# What a text in a template takes, whatever the schemas say: some name it only where UNUSED would excuse it, some nowhere.
NEEDS = {
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudformation.html
    "GenerateSecretString:": ["secretsmanager:GetRandomPassword"],
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
    "{{resolve:secretsmanager:": ["secretsmanager:GetSecretValue"],
    # Cognito's role that sends e-mail by SES, for email.cognito-idp.amazonaws.com; it is made for the first pool that does.
    # https://docs.aws.amazon.com/cognito/latest/developerguide/using-service-linked-roles.html
    "EmailSendingAccount: DEVELOPER": ["iam:CreateServiceLinkedRole"],
}
LINKED_ROLES = {"EmailSendingAccount: DEVELOPER": "email.cognito-idp.amazonaws.com", "AWS::WAFv2::WebACL": "wafv2.amazonaws.com"}

# Statements of the execution role that reach more of the account than this stage, by their first action: what AWS names at
# random and what has no resource. They are why a stage has an account of its own (docs/releases.md). A new one fails here.
WHOLE_ACCOUNT = """
    apigateway:DELETE backup-storage:MountCapsule backup:CreateBackupPlan cloudformation:CreateChangeSet
    cloudfront:Create* cloudfront:CreateOriginAccessControl secretsmanager:CreateSecret cloudwatch:DescribeAlarms codedeploy:Create* codedeploy:StopDeployment
    cognito-idp:CreateUserPool cognito-idp:DescribeUserPoolDomain iam:CreateServiceLinkedRole
    kms:CreateGrant kms:CreateKey kms:DescribeKey kms:ScheduleKeyDeletion lambda:CreateEventSourceMapping lambda:ListTags
    logs:CreateLogDelivery route53:ChangeResourceRecordSets secretsmanager:GetRandomPassword wafv2:AssociateWebACL
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


def keys(node):
    """Every key in a template."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)


def statements(node):
    """Every statement that allows something."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield node
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def listed(value):
    return [value] if isinstance(value, str) else value


def too_wide(policies):
    """The statements that reach more than this stage, by their first action."""
    for statement in statements(policies):
        of_the_stage = [text for text in listed(statement["Resource"]) if re.search(r"\$\{(Stage|Artefacts\.Arn|HostedZoneId)\}", text)]
        tagged = "aws:ResourceTag/environment" in str(statement.get("Condition"))
        if len(of_the_stage) < len(listed(statement["Resource"])) and not tagged:
            yield listed(statement["Action"])[0]


def main():
    roles = load("infrastructure/github.yaml")["Resources"]
    policies = [policy["Properties"]["PolicyDocument"] for policy in roles.values() if policy["Type"] == "AWS::IAM::ManagedPolicy"]
    allowed = set(actions(policies))
    reach = {plain(pattern) for pattern in patterns(policies)} - {"*"}
    files = ["template.yaml", *glob.glob("functions/*/template.yaml"), *glob.glob("infrastructure/*.yaml")]
    files = [file for file in files if file != "infrastructure/github.yaml"]
    wrong, types, checked, named = [], set(), 0, 0
    texts = {file: open(file).read() for file in files}
    used = set(keys([resource.get("Properties") for file in files for resource in resources(load(file).get("Resources", {}))]))
    excused = set()
    for feature, patterns_of_it in UNUSED.items():
        using = [key for key in used if not feature.startswith("'") and re.fullmatch(feature, key)]
        if not using:
            excused.update(patterns_of_it.split())
        else:
            wrong.append(f"{', '.join(using)} is in a template: take {' '.join(patterns_of_it.split())} off UNUSED")
    needed = {action: text for text, actions_of_it in NEEDS.items() for action in actions_of_it
              if any(text in template for template in texts.values())}
    for action, text in needed.items():
        hidden = [pattern for pattern in excused if fnmatch.fnmatchcase(action, pattern)]
        if hidden:
            wrong.append(f"UNUSED excuses {action} by {hidden}, which {text!r} takes")
        if not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed):
            wrong.append(f"{text!r} needs {action}, which the execution role has not")
    with open("infrastructure/github.yaml") as file:
        github = file.read()
    for text, service in LINKED_ROLES.items():
        if any(text in template for template in texts.values()) and f"- {service}" not in github:
            wrong.append(f"{text!r} needs a role of {service}, which the execution role may not make")
    wide = set(too_wide(policies))
    for action in wide ^ set(WHOLE_ACCOUNT):
        wrong.append(f"the statement of {action} reaches the whole account: {'say why' if action in wide else 'no longer'}")
    if "ManagedPolicyName: broadsheet-github-execution" not in github:
        wrong.append("nothing keeps a second stage out of the account (docs/releases.md)")
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
                unused = [pattern for pattern in excused if pattern != own and fnmatch.fnmatchcase(action, pattern)]
                if not unused and not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed):
                    wrong.append(f"{kind}: {handler} needs {action}, which the execution role has not")
    for line in sorted(set(wrong)):
        print("FAIL ", line)
    if wrong or not checked:
        sys.exit(1)
    print(f"{len(types)} types of resources in {len(files)} templates, {checked} permissions, {named} names: the execution role has them.")


if __name__ == "__main__":
    main()
