#!/usr/bin/env python3
"""The two halves of our S3 against those of others: our client (`crates/bucket`) against ministack's S3, and boto3 against our
local S3 (`crates/local_s3`). Were both halves tried against each other only, they could share a mistake.

usage: contract/s3.py [--broadsheet PATH] [--profile NAME]
needs: pip install -r contract/requirements.txt, and cargo
"""

import argparse
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from identity import DIRECT, ROOT, free_port, running, wait_for

BUCKET = "broadsheet-local"
PART = 5 * 1024 * 1024


def client(url: str, key_id: str, secret: str) -> Any:
    # The local S3 refuses checksums, which our client does not send.
    config = Config(
        signature_version="s3v4",  # boto3 makes links of the former version by default
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
        retries={"max_attempts": 1},
    )
    keys = {"aws_access_key_id": key_id, "aws_secret_access_key": secret, "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=url, config=config, **keys)


def refused(code: str, call: Any, **arguments: Any) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"not refused with {code}")


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with DIRECT.open(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def post(form: dict[str, Any], content: bytes) -> int:
    boundary = uuid.uuid4().hex
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    )
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = parts.encode() + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    try:
        return DIRECT.open(urllib.request.Request(form["url"], body, headers), timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def ask_our_s3(url: str) -> None:
    """boto3, which others wrote, against the local S3."""
    s3 = client(url, "local", "local")
    s3.head_bucket(Bucket=BUCKET)
    of = {"Bucket": BUCKET, "Key": "folder/a b+ü.txt"}
    s3.put_object(**of, Body=b"0123456789", ContentType="text/plain", ContentDisposition="attachment")
    answer = s3.get_object(**of)
    assert (answer["Body"].read(), answer["ContentType"]) == (b"0123456789", "text/plain")
    assert s3.get_object(**of, Range="bytes=2-4")["Body"].read() == b"234"
    assert s3.head_object(**of)["ContentLength"] == 10
    link = s3.generate_presigned_url("get_object", Params=of, ExpiresIn=60)
    assert fetch(link) == (200, b"0123456789")
    assert fetch(link.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))[0] == 403
    s3.delete_object(**of)
    refused("AccessDenied", s3.get_object, **of)
    refused("SignatureDoesNotMatch", client(url, "local", "wrong").put_object, **of, Body=b"")
    refused("InvalidAccessKeyId", client(url, "wrong", "local").put_object, **of, Body=b"")

    upload = s3.create_multipart_upload(**of)["UploadId"]
    part = {**of, "UploadId": upload}
    e_tags = [s3.upload_part(**part, PartNumber=1, Body=b"a" * PART)["ETag"], s3.upload_part(**part, PartNumber=2, Body=b"b")["ETag"]]
    named = [{"PartNumber": number, "ETag": e_tag} for number, e_tag in enumerate(e_tags, 1)]
    refused("InvalidPart", s3.complete_multipart_upload, **part, MultipartUpload={"Parts": [{**named[0], "ETag": "x"}]})
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": named})
    assert s3.get_object(**of)["Body"].read() == b"a" * PART + b"b"
    refused("NoSuchUpload", s3.abort_multipart_upload, **part)
    s3.abort_multipart_upload(**of, UploadId=s3.create_multipart_upload(**of)["UploadId"])

    conditions = [["content-length-range", 1, 4], {"Content-Type": "image/png"}]
    form = s3.generate_presigned_post(**of, Fields={"Content-Type": "image/png"}, Conditions=conditions, ExpiresIn=60)
    assert post(form, b"four") == 204
    assert post(form, b"5five") == 400
    form["fields"]["Content-Type"] = "text/html"
    assert post(form, b"four") == 403


def ask_another_s3(url: str, profile: str) -> None:
    """Our client against ministack."""
    s3 = client(url, "local", "local")
    s3.create_bucket(Bucket=BUCKET)
    story = "bucket::another_s3_takes_what_our_client_sends"
    # The whole workspace, although one test is wanted: alone it would be built anew, with fewer features.
    cargo = ["cargo", "test", "--quiet", "--locked", "--workspace", "--test", "stories", "--profile", profile]
    command = [*cargo, "--", "--ignored", "--exact", story]
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, "S3_ENDPOINT": url}, capture_output=True, text=True)
    if ran.returncode or "1 passed" not in ran.stdout:
        sys.exit(ran.stdout[-3000:] + ran.stderr[-3000:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--broadsheet", help="this program instead of the one that `cargo build` makes")
    parser.add_argument("--profile", default="dev", help="the profile that the stories were built with")
    options = parser.parse_args()
    program = [options.broadsheet] if options.broadsheet else ["cargo", "run", "--quiet", "--locked", "--"]
    ports = ["--dynamodb-port", "0", "--cognito-port", "0", "--s3-port", "0"]
    with running("broadsheet", [*program, "backing", "--memory", "--host", "127.0.0.1", *ports]) as (process, log):
        line = re.compile(r"S3 +([0-9.:]+)  bucket")
        found = wait_for(process, lambda: line.search(log.read_text()), 600)
        ask_our_s3("http://" + found[1])
    print("ok       boto3 against the local S3")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "BIND_HOST": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "local",  # whose links it takes
        "AWS_SECRET_ACCESS_KEY": "local",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "STATE_DIR": "{folder}/state",
        "S3_DATA_DIR": "{folder}/s3",
    }
    with running("ministack", [str(Path(sys.executable).parent / "ministack")], settings) as (process, _log):
        wait_for(process, lambda: DIRECT.open(url + "/_ministack/health", timeout=5))
        ask_another_s3(url, options.profile)
    print("ok       our client against ministack's S3")


if __name__ == "__main__":
    main()
