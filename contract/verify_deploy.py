#!/usr/bin/env python3
"""Tries scripts/verify-deploy on stand-ins of the AWS CLI and of the API, right and wrong in each thing that it looks at.

usage: contract/verify_deploy.py
"""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts/verify-deploy"

# The stand-in of `aws`: answers come from a file, by the two words of the command; {NAME} is what follows --function-name.
CLI = """#!{python}
import base64, json, os, sys, zlib
words = sys.argv[1:]
given = dict(zip(words[2::2], words[3::2]))
with open(os.environ["ANSWERS"]) as file:
    answers = json.load(file)
name = given.get("--function-name", "")
key = " ".join(words[:2])
answer = answers.get(key + " " + name, answers.get(key))
if key == "s3api upload-part":
    with open(given["--body"], "rb") as file:
        checksum = zlib.crc32(file.read()).to_bytes(4, "big")
    answer = answer or {{"ETag": "e", "ChecksumCRC32": base64.b64encode(checksum).decode()}}
if answer == "refused":
    sys.exit(print("An error occurred (AccessDenied)", file=sys.stderr) or 254)
print(json.dumps(answer))
"""

FUNCTION = "arn:aws:lambda:us-east-1:1:function:blog-"
ALARM = {"Metrics": [{"MetricStat": {"Metric": {"Dimensions": [
    {"Name": "FunctionName", "Value": "blog-GetPost"}, {"Name": "ExecutedVersion", "Value": "7"}]}}}]}
READER = {"FunctionArn": FUNCTION + "CopyCounts:live", "State": "Enabled"}
ENVIRONMENT = {"Environment": {"Variables": {"SETTINGS": "{}"}}, "CodeSha256": "c"}
RIGHT = {
    "cloudformation describe-stacks": {"Stacks": [{
        "Outputs": [{"OutputKey": key, "OutputValue": key} for key in ["TableName", "BucketName", "UserPoolId"]],
        "Parameters": [{"ParameterKey": "Canary", "ParameterValue": "true"}]}]},
    "lambda list-functions": {"Functions": [{"FunctionName": "blog-GetPost", **ENVIRONMENT}, {"FunctionName": "other"}]},
    "lambda get-alias": {"FunctionVersion": "7"},
    "lambda get-function-configuration": ENVIRONMENT,
    "lambda get-policy": {"Policy": '{"Principal":{"Service":"cognito-idp.amazonaws.com"}}'},
    "lambda get-account-settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
    "lambda list-event-source-mappings": {"EventSourceMappings": [READER, READER]},
    "logs describe-log-groups": {"logGroups": [{"logGroupName": "/aws/lambda/blog-GetPost", "retentionInDays": 30}]},
    "cloudwatch describe-alarms": {"MetricAlarms": [ALARM]},
    "cognito-idp describe-user-pool": {"UserPool": {
        "LambdaConfig": {"PreSignUp": FUNCTION + "PreSignUp:live"}, "EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}}},
    "sesv2 get-account": {"ProductionAccessEnabled": True, "SendingEnabled": True},
    "dynamodb describe-table": {"Table": {"LatestStreamArn": "stream"}},
    "s3api create-multipart-upload": {"UploadId": "u"},
}
# What is wrong, and which line then says so.
WRONG = {
    "loops have made": {"logs describe-log-groups": {"logGroups": []}},
    "loops with dotted": {"cloudwatch describe-alarms": {"MetricAlarms": []}},
    "a changed parameter": {"lambda get-function-configuration": {"Environment": {"Variables": {}}, "CodeSha256": "c"}},
    "the pool may": {"lambda get-policy": "refused"},
    "two functions": {"lambda list-event-source-mappings": {"EventSourceMappings": [READER] * 3}},
    "the account runs": {"lambda get-account-settings": {"AccountLimit": {"ConcurrentExecutions": 10}}},
    "s3 takes": {"s3api complete-multipart-upload": "refused"},
    "mail leaves": {"sesv2 get-account": {"ProductionAccessEnabled": False}},
}
ANSWERED_WRONG = {
    "a trailing slash": {"GET /posts/": (404, {})},
    "who is refused": {"GET /posts Bearer x": (401, {})},
    "head is get": {"HEAD /posts": (405, {})},
    "an export is": {"POST /me/export": (503, {})},
    "writers of one": {"PATCH /me": (500, {})},
}
CHALLENGE = {"WWW-Authenticate": "Bearer"}
ANSWERS = {
    "GET /posts/": (308, {"Location": "/v1/posts"}), "GET /me/": (308, {"Location": "/v1/me"}),
    "GET /me": (401, CHALLENGE), "GET /me Bearer x": (401, {"x-amzn-Remapped-WWW-Authenticate": "Bearer"}),
    "GET /posts Bearer x": (401, CHALLENGE), "GET /posts": (200, {"ETag": '"1"'}), "HEAD /posts": (200, {"ETag": '"1"'}),
    "POST /me/export": (202, {}), "GET /me/exports/1": (200, {}), "GET /file": (200, {}), "PATCH /me": (200, {}),
    "POST /password/forgot": (202, {}), "GET /health": (200, {}),
}
answers = {}


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call, token = f"{self.command} {self.path}", self.headers.get("Authorization", "")
        status, headers = answers.get(f"{call} {token}", answers.get(call, (404, {})))
        url = f"http://127.0.0.1:{self.server.server_port}/file"
        body = b"" if self.command == "HEAD" else json.dumps({"export_id": "1", "url": url}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PATCH = answer

    def log_message(self, *_):
        pass


def main():
    http.server.ThreadingHTTPServer.request_queue_size = 64
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        cli = Path(folder, "aws")
        cli.write_text(CLI.format(python=sys.executable))
        cli.chmod(0o755)

        def run(changed, answered):
            answers.clear()
            answers.update(ANSWERS | answered)
            Path(folder, "answers.json").write_text(json.dumps(RIGHT | changed))
            environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "ANSWERS": f"{folder}/answers.json"}
            command = [sys.executable, SCRIPT, "--token", "t", "--mail", "ada@example.com", "blog", f"http://127.0.0.1:{server.server_port}"]
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            return ran.returncode, ran.stdout.splitlines(), ran.stderr

        code, lines, said = run({}, {})
        assert code == 0 and len(lines) == 13, (code, lines, said)
        assert [line[:5] for line in lines] == ["ok   "] * 12 + ["look "], lines
        for line, changed, answered in [
            *((line, changed, {}) for line, changed in WRONG.items()),
            *((line, {}, answered) for line, answered in ANSWERED_WRONG.items()),
        ]:
            code, lines, said = run(changed, answered)
            failed = [each for each in lines if each.startswith("FAIL")]
            assert code == 1 and len(failed) == 1 and failed[0][6:].startswith(line), (line, code, lines, said)
        assert run({"cloudformation describe-stacks": "refused"}, {})[0] == 2
    print(f"ok    {len(WRONG) + len(ANSWERED_WRONG)} faults of a deployment are each seen by their line, and none where there is none")


if __name__ == "__main__":
    main()
