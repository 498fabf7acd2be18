#!/usr/bin/env python3
"""Verifies what Broadsheet sends to webhooks with the libraries that receivers use.

usage: contract/webhooks.py --standardwebhooks FOLDER [--broadsheet PATH]
       contract/webhooks.py --emulator URL

It starts the program with nothing in it, receives on this machine, and lets happen what is an event. The libraries of PyPI and of npm verify each
message; FOLDER is where `npm install standardwebhooks` was run. The library for Rust does so in the tests (crates/local/tests/webhooks.rs).
Each message is also altered in every way that a forger would, and has to be refused then.

With --emulator it asks a blog that was deployed to ministack with AdminEmail=admin@example.com and WebhookLoopback=true, and the library of PyPI verifies.
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

    def message(self, kind):
        """The next message of this type; what happened before may come meanwhile."""
        while True:
            message = self.messages.get(timeout=60)
            if json.loads(message["body"])["type"] == kind:
                return message


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.messages.put({"headers": {name: self.headers[name] for name in HEADERS}, "body": body.decode()})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Api:
    def __init__(self, url, code=None):
        self.url, self.code, self.token = url, code, None

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
            self.call("POST", "/users/confirm", {"email": email, "code": self.code or self.code_sent()})
        self.token = self.call("POST", "/sessions", {"login": name, "password": PASSWORD})["access_token"]

    def code_sent(self):
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/_local/emails", timeout=60) as emails:
            return json.load(emails)[0]["code"]


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
    api.sign_in("chief", "admin@example.com")
    receiver = Receiver()
    hook = api.call("POST", "/webhooks", {"url": receiver.url(), "events": ["*"]})
    path, first = f"/webhooks/{hook['id']}", hook["secret"]
    messages = []

    api.call("POST", f"{path}/test")
    messages.append(("a test", receiver.message("webhook.test"), first))
    api.call("POST", "/posts", {"title": "Grüße & <b>😀</b> \u2028", "body": "Text.", "status": "published"})
    messages.append(("an event", receiver.message("post.published"), first))

    second = api.call("POST", f"{path}/secret")["secret"]
    log = api.call("GET", f"{path}/deliveries")["items"]
    sent = next(delivery["id"] for delivery in log if delivery["event"] == "post.published")
    api.call("POST", f"{path}/deliveries/{sent}/resend")
    again = receiver.message("post.published")
    if len(again["headers"]["webhook-signature"].split(" ")) != 2:
        raise SystemExit(f"there are not two signatures: {again}")
    if again["headers"]["webhook-id"] != sent:
        raise SystemExit(f"it has another id: {again}")
    messages.append(("sent again, with the former secret", again, first))
    messages.append(("sent again, with the new secret", again, second))
    return messages


def collect_of_program(broadsheet):
    with tempfile.TemporaryFile("w+") as log:
        program = [broadsheet, "--memory", "--port", "0", "--log-level", "error"]
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
            return collect(Api(found[1]))
        finally:
            process.terminate()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--standardwebhooks", metavar="FOLDER")
    where.add_argument("--emulator", metavar="URL")
    parser.add_argument("--broadsheet", default=ROOT / "target/debug/broadsheet", type=Path)
    options = parser.parse_args()
    # The code that ministack's user pools send is always the same.
    messages = collect(Api(options.emulator, "123456")) if options.emulator else collect_of_program(options.broadsheet)
    found = list(cases(messages))
    answers = {"Python": [by_python(case) for case in found]}
    if options.standardwebhooks:
        answers["JavaScript"] = by_node(found, options.standardwebhooks)
    wrong = 0
    for library, verified in answers.items():
        for case, is_valid in zip(found, verified, strict=True):
            if is_valid != case["valid"]:
                print(f"{library}: {case['name']} is {'taken' if is_valid else 'refused'}: {case['headers']}", file=sys.stderr)
                wrong += 1
    if wrong:
        raise SystemExit(1)
    print(f"{len(found)} messages, true and forged, are what the libraries for {' and '.join(answers)} take and refuse")


if __name__ == "__main__":
    main()
