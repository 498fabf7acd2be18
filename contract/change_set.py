#!/usr/bin/env python3
"""What scripts/change-set says of answers of CloudFormation. Their form is checked by botocore against AWS's own model.

No emulator makes change sets of nested stacks, so the answers are written out here, after AWS's documentation.
Needs boto3. Run it with: python contract/change_set.py
"""

import importlib.machinery
import importlib.util
import pathlib
import unittest

import boto3
from botocore.stub import Stubber

PATH = pathlib.Path(__file__).parent.parent / "scripts" / "change-set"
loader = importlib.machinery.SourceFileLoader("change_set", str(PATH))
change_set = importlib.util.module_from_spec(importlib.util.spec_from_loader("change_set", loader))
loader.exec_module(change_set)

ROOT = "broadsheet-staging"
NESTED = "arn:aws:cloudformation:eu-west-1:123456789012:stack/broadsheet-staging-Users-1ABC/0001"
INNER = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/preview-1-Users-2DEF/0002"


def change(action, name, kind, causes=(), **more):
    details = [{"Target": {"Attribute": "Properties", "Name": cause, "RequiresRecreation": "Always"}} for cause in causes]
    return {"Type": "Resource", "ResourceChange": {
        "Action": action, "LogicalResourceId": name, "ResourceType": kind, "Details": details, **more}}


class Summary(unittest.TestCase):
    def told(self, *answers, stack=ROOT):
        """The summary of a change set whose answers CloudFormation gives one after the other."""
        client = boto3.client("cloudformation", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        with Stubber(client) as stubber:
            for request, answer in answers:
                stubber.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": [], **answer}, request)
            text, dangerous = change_set.summary(stack, list(change_set.tree(client, stack, "preview-1")))
            stubber.assert_no_pending_responses()
        return text, dangerous

    def of(self, *changes):
        return self.told(({"StackName": ROOT, "ChangeSetName": "preview-1"}, {"Changes": list(changes)}))

    def test_nothing_changes(self):
        failed = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes. Submit different"}
        text, dangerous = self.told(({"StackName": ROOT, "ChangeSetName": "preview-1"}, failed))
        self.assertIn("nothing changes", text)
        self.assertFalse(dangerous)

    def test_another_failure_is_told(self):
        failed = {"Status": "FAILED", "StatusReason": "Template error: resource X does not exist"}
        with self.assertRaisesRegex(SystemExit, "resource X does not exist"):
            self.told(({"StackName": ROOT, "ChangeSetName": "preview-1"}, failed))

    def test_changes_of_nested_stacks_are_listed_below_them(self):
        first = {"StackName": ROOT, "ChangeSetName": "preview-1"}
        inner = {"StackName": NESTED, "ChangeSetName": INNER}
        text, dangerous = self.told(
            (first, {"NextToken": "2", "Changes": [change("Add", "Topic", "AWS::SNS::Topic")]}),
            ({**first, "NextToken": "2"}, {"Changes": [change(
                "Modify", "Users", "AWS::CloudFormation::Stack", ["TemplateURL"], Replacement="False",
                PhysicalResourceId=NESTED, ChangeSetId=INNER)]}),
            (inner, {"Changes": [change("Modify", "RegisterFunction", "AWS::Lambda::Function", ["Code"], Replacement="False")]}))
        self.assertIn("## broadsheet-staging: 1 added, 2 changed", text)
        self.assertIn("| added | `Topic` | AWS::SNS::Topic |  |", text)
        self.assertIn("| changed | `Users/RegisterFunction` | AWS::Lambda::Function | Code |", text)
        self.assertFalse(dangerous)

    def test_a_nested_stack_without_changes_is_left_out(self):
        text, _ = self.told(
            ({"StackName": ROOT, "ChangeSetName": "preview-1"}, {"Changes": [change(
                "Modify", "Users", "AWS::CloudFormation::Stack", ["TemplateURL"], Replacement="False",
                PhysicalResourceId=NESTED, ChangeSetId=INNER)]}),
            ({"StackName": NESTED, "ChangeSetName": INNER}, {
                "Status": "FAILED", "StatusReason": "No updates are to be performed."}))
        self.assertIn("nothing changes", text)

    def test_what_endangers_data_is_shouted(self):
        table, pool, bucket = "AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::S3::Bucket"
        for wrong in [
            change("Modify", "BlogTable", table, ["KeySchema"], Replacement="True", PolicyAction="ReplaceAndRetain"),
            change("Modify", "UserPool", pool, ["Schema"], Replacement="Conditional"),
            change("Remove", "BlogBucket", bucket, PolicyAction="Retain"),
            change("Remove", "BlogBucket", bucket, PolicyAction="Delete"),
            change("Modify", "BlogTable", table, ["DeletionProtectionEnabled"], Replacement="False"),
            change("Modify", "BlogTable", table, Scope=["DeletionPolicy"], Replacement="False"),
        ]:
            text, dangerous = self.of(wrong)
            self.assertTrue(dangerous, wrong)
            self.assertIn("> [!CAUTION]", text)
            self.assertIn(f"> - `{wrong['ResourceChange']['LogicalResourceId']}`", text)

    def test_what_does_not_is_not(self):
        for fine in [
            change("Modify", "BlogTable", "AWS::DynamoDB::Table", ["TimeToLiveSpecification"], Replacement="False"),
            change("Modify", "BlogTable", "AWS::DynamoDB::Table", Scope=["Tags"], Replacement="False"),
            change("Add", "PageBucket", "AWS::S3::Bucket"),
            change("Modify", "RegisterFunction", "AWS::Lambda::Function", ["FunctionName"], Replacement="True"),
        ]:
            text, dangerous = self.of(fine)
            self.assertFalse(dangerous, fine)
            self.assertNotIn("CAUTION", text)

    def test_what_is_kept_is_said_to_be(self):
        self.assertIn("| **replaced; the old one is kept** |", self.of(change(
            "Modify", "Q", "AWS::SQS::Queue", ["QueueName"], Replacement="True", PolicyAction="ReplaceAndRetain"))[0])
        self.assertIn("| **removed** |", self.of(change("Remove", "Q", "AWS::SQS::Queue", PolicyAction="Delete"))[0])
        self.assertIn("| **removed; the thing itself is kept** |", self.of(change(
            "Remove", "Q", "AWS::SQS::Queue", PolicyAction="Retain"))[0])

    def test_replacements_come_first_and_versions_are_counted(self):
        text, _ = self.of(
            change("Add", "A", "AWS::SNS::Topic"),
            change("Modify", "B", "AWS::SQS::Queue", ["QueueName"], Replacement="True"),
            change("Add", "RegisterFunctionVersion1", "AWS::Lambda::Version"),
            change("Remove", "RegisterFunctionVersion0", "AWS::Lambda::Version", PolicyAction="Retain"))
        self.assertLess(text.index("| **replaced** | `B`"), text.index("| added | `A`"))
        self.assertNotIn("RegisterFunctionVersion", text)
        self.assertIn("2 versions of functions", text)


if __name__ == "__main__":
    unittest.main()
