#!/usr/bin/env python3
"""Whether scripts/restore-drill proves what it says, tried on ministack with a table that is set up as template.yaml says.

Who runs it here has the permissions that docs/restore.md gives an operator, and no others. Each case says what it does to
the tables and what the script has to make of that. What an emulator cannot show is in docs/restore.md.

usage: contract/restore.py [--case TEXT]
needs: pip install -r contract/requirements.txt
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import yaml
from identity import DIRECT, ROOT, TemplateLoader, free_port, running, wait_for

REGION, ACCOUNT, STACK = "us-east-1", "000000000000", "broadsheet-drill"
AS_DEPLOYED = ["AttributeDefinitions", "BillingMode", "KeySchema", "StreamSpecification", "TimeToLiveSpecification"]
ITEMS = 300
# ministack takes the table from `TableName` only. Calls that name it otherwise it lets pass only where a policy allows them
# on everything, so here they are allowed on everything besides; on which tables the document allows them is not tried.
NAMED_OTHERWISE = [
    "dynamodb:ListTagsOfResource",
    "dynamodb:RestoreTableFromBackup",
    "dynamodb:RestoreTableToPointInTime",
    "dynamodb:TagResource",
]


class Blog:
    """A stack with the blog's table and some items in it."""

    def __init__(self, url: str, stub: "Backup"):
        self.url, self.stub = url, stub
        # The account's root may do everything.
        self.keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        self.dynamodb = self.client("dynamodb")
        self.operator = self.make_operator()
        cloudformation = self.client("cloudformation")
        resource = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)["Resources"]["BlogTable"]
        self.properties = {name: resource["Properties"][name] for name in AS_DEPLOYED}
        cloudformation.create_stack(StackName=STACK, TemplateBody=self.template({"Ref": "BlogTable"}))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        self.live = next(output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "TableName")
        self.dynamodb.update_continuous_backups(
            TableName=self.live, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        arn = self.table(self.live)["TableArn"]
        self.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "blog", "Value": STACK}])
        self.fill()

    def template(self, table: Any) -> str:
        """A stack whose functions use this table."""
        outputs = {"TableName": table, "RestoreRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{STACK}-RestoreRole"}
        return json.dumps(
            {
                "Resources": {"BlogTable": {"Type": "AWS::DynamoDB::Table", "Properties": self.properties}},
                "Outputs": {name: {"Value": value} for name, value in outputs.items()},
            }
        )

    def client(self, service: str, **keys: str) -> Any:
        return boto3.client(service, endpoint_url=self.url, **(keys or self.keys))

    def make_operator(self) -> dict[str, str]:
        """Somebody with the policy of docs/restore.md."""
        document = re.search(r"```json\n(.*?)```", (ROOT / "docs/restore.md").read_text(), re.DOTALL)[1]
        for name, value in {"REGION": REGION, "ACCOUNT": ACCOUNT, "STACK": STACK}.items():
            document = document.replace(name, value)
        policy = json.loads(document)
        granted = set()
        for statement in policy["Statement"]:
            action = statement["Action"]
            granted |= {action} if isinstance(action, str) else set(action)
        assert granted >= set(NAMED_OTHERWISE), f"not granted: {set(NAMED_OTHERWISE) - granted}"
        policy["Statement"].append({"Effect": "Allow", "Action": NAMED_OTHERWISE, "Resource": "*"})
        iam = self.client("iam")
        iam.create_user(UserName="operator")
        iam.put_user_policy(UserName="operator", PolicyName="restore", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="operator")["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def fill(self) -> None:
        for number in range(ITEMS):
            item = {
                "pk": f"POST#post-{number:03}",
                "sk": "POST",
                "title": f"Post {number}",
                "created_at": "2026-01-01T00:00:00.000Z",
                "updated_at": "2026-01-02T00:00:00.000Z",
            }
            self.put(self.live, item)

    def put(self, table: str, item: dict[str, str]) -> None:
        self.dynamodb.put_item(TableName=table, Item={name: {"S": value} for name, value in item.items()})

    def items(self, table: str) -> list[dict]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return sorted((item for page in pages for item in page["Items"]), key=lambda item: item["pk"]["S"])

    def table(self, name: str) -> dict:
        return self.dynamodb.describe_table(TableName=name)["Table"]

    def tables(self) -> list[str]:
        return self.dynamodb.list_tables()["TableNames"]

    def restored(self) -> list[str]:
        return [name for name in self.tables() if name != self.live]

    def restore(self, name: str) -> str:
        """What a run of the script that was stopped leaves."""
        name = f"{self.live}-restored-{name}"
        self.dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.live, TargetTableName=name, UseLatestRestorableTime=True
        )
        return name

    def drill(self, *arguments: str, answer: str = "", stack: str = STACK) -> tuple[int, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= self.operator | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_BACKUP": self.stub.url,
        }
        command = [sys.executable, str(ROOT / "scripts/restore-drill"), stack, *arguments]
        run = subprocess.run(command, input=answer, env=environment, capture_output=True, text=True, timeout=100)
        return run.returncode, run.stdout + run.stderr

    def clear(self) -> None:
        for name in self.restored():
            self.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            self.dynamodb.delete_table(TableName=name)


class Backup:
    """AWS Backup's part of a restore, which no emulator has: it lists one recovery point, and restores it by DynamoDB's
    own backups. botocore checks what the script sends and reads what this answers by AWS's own description of the API."""

    def __init__(self) -> None:
        self.recovery_points: list[dict] = []
        self.asked: list[dict] = []
        self.outcomes: list[dict] = []
        self.restore: Callable[[str, str], Any] = lambda arn, name: None
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, body: dict) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                if self.path.startswith("/resources/"):
                    self.answer({"RecoveryPoints": stub.recovery_points})
                else:
                    self.answer(stub.outcomes.pop(0))

            def do_PUT(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.asked.append(asked)
                stub.restore(asked["RecoveryPointArn"], asked["Metadata"]["targetTableName"])
                self.answer({"RestoreJobId": "1"})

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


# ---------------------------------------------------------------------------------------------------- the cases

CASES: list[tuple[str, Callable[[Blog], None]]] = []


def case(name: str) -> Callable:
    def add(run: Callable[[Blog], None]) -> Callable:
        CASES.append((name, run))
        return run

    return add


def expect(outcome: tuple[int, str], status: int, *said: str) -> str:
    came, text = outcome
    assert came == status, f"exit {came} instead of {status}:\n{text}"
    for part in said:
        assert part in text, f"it did not say {part!r}:\n{text}"
    return text


@case("a drill leaves nothing and changes nothing")
def _(blog: Blog) -> None:
    before = blog.items(blog.live), blog.table(blog.live)
    text = expect(blog.drill("--yes"), 0, f"{ITEMS} items in the restored table, {ITEMS} in the live one", "(RTO)", "(RPO)")
    assert "of 400 items 400 are the same, 0 were changed since, 0 differ otherwise" in text, text
    assert (blog.items(blog.live), blog.table(blog.live)) == before
    assert blog.restored() == []


@case("it asks before it deletes, and can be run again")
def _(blog: Blog) -> None:
    expect(blog.drill(answer="n\n"), 0, "is left")
    [name] = blog.restored()
    expect(blog.drill("--table", name, "--yes"), 0, f"{name} is deleted")
    assert blog.restored() == []


@case("what is kept is set up as the template says")
def _(blog: Blog) -> None:
    text = expect(blog.drill("--keep"), 0)
    [name] = blog.restored()
    kept, live = blog.table(name), blog.table(blog.live)
    for part in ["KeySchema", "AttributeDefinitions", "BillingModeSummary"]:
        assert kept.get(part) == live.get(part), f"{part}: {kept.get(part)} instead of {live.get(part)}"
    stream, ttl = blog.properties["StreamSpecification"], blog.properties["TimeToLiveSpecification"]
    assert kept["StreamSpecification"] == {"StreamEnabled": True, **stream}, kept["StreamSpecification"]
    seen = blog.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert seen == {"TimeToLiveStatus": "ENABLED", "AttributeName": ttl["AttributeName"]} and ttl["Enabled"], seen
    backups = blog.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert kept["DeletionProtectionEnabled"] is True
    assert blog.dynamodb.list_tags_of_resource(ResourceArn=kept["TableArn"])["Tags"] == [{"Key": "blog", "Value": STACK}]
    assert f"RestoredStream={kept['LatestStreamArn']}\n" in text, text
    expect(blog.drill("--table", name, "--yes"), 2, "is protected")
    assert name in blog.tables()


@case("a blog that uses a restored table is drilled like any other")
def _(blog: Blog) -> None:
    name = blog.restore("in-use")
    cloudformation = blog.client("cloudformation")
    cloudformation.update_stack(StackName=STACK, TemplateBody=blog.template(name))
    blog.dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    expect(blog.drill("--table", name, "--yes"), 2, "is no table that this script restored")
    text = expect(blog.drill("--yes"), 0, f"Restoring {name} as of")
    assert f" into {blog.live}-restored-2" in text, text
    assert blog.restored() == [name]
    cloudformation.update_stack(StackName=STACK, TemplateBody=blog.template({"Ref": "BlogTable"}))


@case("items that did not come back are seen")
def _(blog: Blog) -> None:
    name = blog.restore("half")
    for item in blog.items(name)[: ITEMS // 4]:
        blog.dynamodb.delete_item(TableName=name, Key={key: item[key] for key in ["pk", "sk"]})
    expect(blog.drill("--table", name, "--yes"), 1, "is not in the restored table", "FAILED", "is left as it is")
    assert name in blog.tables()


@case("items that came back otherwise are seen")
def _(blog: Blog) -> None:
    name = blog.restore("changed")
    for number in range(ITEMS // 4):
        key = {"pk": {"S": f"POST#post-{number:03}"}, "sk": {"S": "POST"}}
        blog.dynamodb.update_item(
            TableName=name, Key=key, UpdateExpression="SET title = :it", ExpressionAttributeValues={":it": {"S": "Not it"}}
        )
    expect(blog.drill("--table", name, "--yes"), 1, "POST differs in title")
    assert name in blog.tables()


@case("an empty table is seen")
def _(blog: Blog) -> None:
    name = blog.restore("empty")
    for item in blog.items(name):
        blog.dynamodb.delete_item(TableName=name, Key={key: item[key] for key in ["pk", "sk"]})
    expect(blog.drill("--table", name, "--yes", "--tolerate", "100"), 1, "FAIL  the restored table is not empty")


@case("what was changed since the point in time is no fault")
def _(blog: Blog) -> None:
    name = blog.restore("older")
    time.sleep(1)
    later = datetime.now(timezone.utc).isoformat()
    old = blog.items(blog.live)
    for item in old[: ITEMS // 4]:
        item = {name: value["S"] for name, value in item.items()}
        blog.put(blog.live, item | {"title": "Edited", "updated_at": later})
    blog.put(blog.live, {"pk": "POST#new", "sk": "POST", "created_at": later})
    # Nor what was changed before the table was made, if it was restored to a time before that.
    blog.put(blog.live, {"pk": "POST#earlier", "sk": "POST", "created_at": "2026-06-01T00:00:00.000Z"})
    arguments = ["--table", name, "--samples", "1000", "--tolerate", "0"]
    expect(blog.drill(*arguments), 1, "POST#earlier / POST is not in the restored table")
    expect(blog.drill(*arguments, "--at", "2026-05-01T00:00:00Z", "--yes"), 0, "0 differ otherwise")
    blog.dynamodb.delete_item(TableName=blog.live, Key={"pk": {"S": "POST#earlier"}, "sk": {"S": "POST"}})
    blog.dynamodb.delete_item(TableName=blog.live, Key={"pk": {"S": "POST#new"}, "sk": {"S": "POST"}})
    blog.fill()


@case("a table with other keys is seen")
def _(blog: Blog) -> None:
    name = f"{blog.live}-restored-keys"
    blog.dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    expect(blog.drill("--table", name, "--yes"), 1, "FAIL  the keys")


@case("it takes no table that it did not restore")
def _(blog: Blog) -> None:
    for name in [blog.live, "somebody-elses", f"{blog.live}-restored-never"]:
        expect(blog.drill("--table", name, "--yes"), 2, "is no table that this script restored")
    assert blog.live in blog.tables()


@case("who may run it may not write to the live table, or delete it")
def _(blog: Blog) -> None:
    keys = {name.lower(): value for name, value in blog.operator.items()}
    operator = blog.client("dynamodb", region_name=REGION, **keys)
    key = {"pk": {"S": "POST#post-000"}, "sk": {"S": "POST"}}
    refused = [
        lambda: operator.delete_table(TableName=blog.live),
        lambda: operator.delete_item(TableName=blog.live, Key=key),
        lambda: operator.put_item(TableName=blog.live, Item=key),
        lambda: operator.update_table(TableName=blog.live, DeletionProtectionEnabled=False),
    ]
    for call in refused:
        try:
            call()
            raise AssertionError("allowed")
        except operator.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
    assert operator.get_item(TableName=blog.live, Key=key)["Item"]


@case("what cannot be restored is refused")
def _(blog: Blog) -> None:
    expect(blog.drill("--at", "2001-01-01T00:00:00Z", "--yes"), 2, "can be restored to a time from")
    expect(blog.drill("--from-backup", "--yes"), 2, "there is no backup")
    expect(blog.drill("--at", "2001-01-01", "--from-backup"), 2, "not allowed with")
    expect(blog.drill("--table", blog.live, "--from-backup"), 2, "nothing to do")
    expect(blog.drill("--yes", stack="no-such-stack"), 2, "no-such-stack")
    assert blog.restored() == []


@case("the newest backup of AWS Backup is restored")
def _(blog: Blog) -> None:
    backup = blog.dynamodb.create_backup(TableName=blog.live, BackupName="nightly")["BackupDetails"]
    arn, made = backup["BackupArn"], backup["BackupCreationDateTime"].timestamp()
    blog.stub.recovery_points = [
        {"RecoveryPointArn": arn + "-older", "Status": "COMPLETED", "CreationDate": made - 86400},
        {"RecoveryPointArn": arn, "Status": "COMPLETED", "CreationDate": made},
        {"RecoveryPointArn": arn + "-broken", "Status": "EXPIRED", "CreationDate": made + 60},
    ]
    blog.stub.restore = lambda arn, name: blog.dynamodb.restore_table_from_backup(BackupArn=arn, TargetTableName=name)
    blog.stub.outcomes = [{"Status": "RUNNING"}, {"Status": "COMPLETED"}]
    expect(blog.drill("--from-backup", "--yes"), 0, f"The newest backup: {arn}\n", "400 are the same")
    [asked] = blog.stub.asked
    assert asked["IamRoleArn"].endswith(f"{STACK}-RestoreRole") and asked["ResourceType"] == "DynamoDB", asked
    assert asked["Metadata"]["encryptionType"] == "Default", asked
    assert blog.restored() == []

    blog.stub.outcomes = [{"Status": "FAILED", "StatusMessage": "no permission"}]
    expect(blog.drill("--from-backup", "--yes"), 1, "AWS Backup says FAILED: no permission")
    blog.stub.recovery_points = []


# The last one: it takes the table away.
@case("a table that is gone comes back from what DynamoDB kept of it")
def _(blog: Blog) -> None:
    blog.dynamodb.create_backup(TableName=blog.live, BackupName="when-it-was-deleted")
    blog.dynamodb.delete_table(TableName=blog.live)
    expect(blog.drill("--yes"), 2, "is gone")
    expect(blog.drill("--from-backup", "--keep"), 0, "when the table was deleted", f"{ITEMS} items", "RestoredStream=")
    [name] = blog.restored()
    assert blog.table(name)["DeletionProtectionEnabled"] is True


@contextmanager
def ministack() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # AUTH makes it ask for permissions before it lets a call through.
    settings = {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SFTP_ENABLED": "0"}
    settings |= {"IOT_MTLS_ENABLED": "0", "STATE_DIR": "{folder}/state", "S3_DATA_DIR": "{folder}/s3"}
    with running("ministack", [str(Path(sys.executable).parent / "ministack")], settings) as (process, _log):
        wait_for(process, lambda: DIRECT.open(url + "/_ministack/health", timeout=5))
        yield url


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--case", default="", help="only the cases with this in their names")
    options = options.parse_args()
    failed = 0
    with ministack() as url:
        blog = Blog(url, Backup())
        for name, run in CASES:
            if options.case not in name:
                continue
            try:
                run(blog)
                print(f"ok    {name}", flush=True)
            except Exception as error:
                failed += 1
                shown = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
                print(f"FAIL  {name}\n{shown}", flush=True)
            blog.clear()
    print(f"{failed} failed." if failed else "All of it holds.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
