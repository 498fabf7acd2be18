#!/usr/bin/env python3
"""Verifies what Broadsheet sends to webhooks with the libraries that receivers use.

usage: contract/webhooks.py --standardwebhooks FOLDER [--broadsheet PATH]

It starts the program with nothing in it, receives on this machine, and lets happen what is an event. The libraries of PyPI and of npm verify each
message; FOLDER is where `npm install standardwebhooks` was run. The library for Rust does so in the tests (crates/local/tests/webhooks.rs).
Each message is also altered in every way that a forger would, and has to be refused then.
"""

import argparse
import http.server
import json
import queue
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = secrets.token_urlsafe(18)
HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"]


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it gets."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    def message(self):
        return self.messages.get(timeout=30)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.messages.put({"headers": {name: self.headers[name] for name in HEADERS}, "body": body.decode()})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Api:
    def __init__(self, url):
        self.url, self.token = url, None

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = response.read()
                return json.loads(answer) if answer else None
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def sign_in(self, name, email):
        self.call("POST", "/users", {"username": name, "email": email, "password": PASSWORD})
        if email == "admin@example.com":
            with urllib.request.urlopen(self.url.removesuffix("/v1") + "/_local/emails", timeout=60) as emails:
                code = json.load(emails)[0]["code"]
            self.call("POST", "/users/confirm", {"email": email, "code": code})
        self.token = self.call("POST", "/sessions", {"login": name, "password": PASSWORD})["access_token"]


def cases(messages):
    """Messages with the secret to verify them with, and whether that has to succeed."""
    for name, message, good in messages:
        yield {"name": name, "secret": good, "valid": True, **message}
        headers, body = message["headers"], message["body"]
        other = "whsec_" + "A" * 43 + "="
        yield {"name": f"{name}, another secret", "secret": other, "valid": False, **message}
        changed = {
            "another body": {"headers": headers, "body": body.replace("1.0", "1.1", 1)},
            "another id": {"headers": {**headers, "webhook-id": headers["webhook-id"][:-1] + "_"}, "body": body},
            "a second later": {"headers": {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, "body": body},
            "ten minutes old": {"headers": {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 600)}, "body": body},
            "no signature": {"headers": {**headers, "webhook-signature": ""}, "body": body},
        }
        for what, forged in changed.items():
            yield {"name": f"{name}, {what}", "secret": good, "valid": False, **forged}


def by_python(case):
    try:
        Webhook(case["secret"]).verify(case["body"], case["headers"])
        return True
    except WebhookVerificationError:
        return False


def by_node(found, folder):
    script = ROOT / "contract/webhooks.mjs"
    ran = subprocess.run(["node", script, Path(folder).resolve()], input=json.dumps(found), capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def collect(api):
    """Lets things happen. Gives messages, each with a secret that verifies it."""
    receiver = Receiver()
    hook = api.call("POST", "/webhooks", {"url": receiver.url(), "events": ["*"]})
    path, first = f"/webhooks/{hook['id']}", hook["secret"]
    messages = []

    api.call("POST", f"{path}/test")
    messages.append(("a test", receiver.message(), first))
    api.call("POST", "/posts", {"title": "Grüße & <b>😀</b> \u2028", "body": "Text.", "status": "published"})
    message = receiver.message()
    kind = json.loads(message["body"])["type"]
    if kind != "post.published":
        raise SystemExit(f"{kind} came, and not post.published")
    messages.append(("an event", message, first))

    second = api.call("POST", f"{path}/secret")["secret"]
    log = api.call("GET", f"{path}/deliveries")["items"]
    api.call("POST", f"{path}/deliveries/{log[0]['id']}/resend")
    again = receiver.message()
    if len(again["headers"]["webhook-signature"].split(" ")) != 2:
        raise SystemExit(f"there are not two signatures: {again}")
    if log[0]["id"] != again["headers"]["webhook-id"]:
        raise SystemExit(f"it has another id: {again}")
    messages.append(("sent again, with the former secret", again, first))
    messages.append(("sent again, with the new secret", again, second))
    return messages


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--standardwebhooks", required=True, metavar="FOLDER")
    parser.add_argument("--broadsheet", default=ROOT / "target/debug/broadsheet", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryFile("w+") as log:
        program = [options.broadsheet, "--memory", "--port", "0", "--log-level", "error"]
        process = subprocess.Popen(program, stdout=log)
        try:
            found = None
            for _ in range(150):
                log.seek(0)
                found = re.search(r"^  API +(\S+)$", log.read(), re.M)
                if found:
                    break
                time.sleep(0.2)
            if not found:
                raise SystemExit("the program does not start")
            api = Api(found[1])
            api.sign_in("chief", "admin@example.com")
            found = list(cases(collect(api)))
        finally:
            process.terminate()
            process.wait()
    answers = {"Python": [by_python(case) for case in found], "JavaScript": by_node(found, options.standardwebhooks)}
    wrong = 0
    for library, verified in answers.items():
        for case, is_valid in zip(found, verified, strict=True):
            if is_valid != case["valid"]:
                print(f"{library}: {case['name']} is {'taken' if is_valid else 'refused'}: {case['headers']}", file=sys.stderr)
                wrong += 1
    if wrong:
        raise SystemExit(1)
    print(f"{len(found)} messages, true and forged, are what the libraries for Python and JavaScript take and refuse")


if __name__ == "__main__":
    main()
