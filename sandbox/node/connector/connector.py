"""A stand-in for Apono's connector: outwardly it behaves alike, and it tells what it can reach and be.

It wants APONO_TOKEN, APONO_CONNECTOR_ID and APONO_URL, keeps in touch with its API, takes the role that its pod was
given by exchanging the injected token, takes the management account's role with that one, and answers GET /healthz
on port 8080: 200 if all of it works, else 503 and what fails. Its API is `sandbox.node.apono`, over plain HTTP.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

VARIABLES = ("APONO_TOKEN", "APONO_CONNECTOR_ID", "APONO_URL")
SECONDS = 1.0
PORT = 8080
QUICK = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})

Document = dict[str, Any]


class StepError(Exception):
    """A step failed; the message names it and says why."""


class Health:
    """What the last round found: None before it, an empty text if all was well."""

    trouble: str | None = None


def call_api(path: str, body: Document) -> Document:
    """POST to Apono's API with our token."""
    request = urllib.request.Request(
        f"http://{os.environ['APONO_URL']}/connectors/{os.environ['APONO_CONNECTOR_ID']}/{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {os.environ['APONO_TOKEN']}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 -- as above
            told: Document = json.load(answer)
    except urllib.error.HTTPError as error:
        raise StepError(f"Apono's API refuses the token: {error.code}") from error
    except OSError as error:
        raise StepError(f"Apono's API cannot be reached: {error}") from error
    return told


def sts(endpoint: str, credentials: Document | None = None) -> Any:
    """A client for STS; without *credentials* one that has none."""
    keys = credentials or {"AccessKeyId": "", "SecretAccessKey": "", "SessionToken": None}
    return boto3.client(
        "sts",
        endpoint_url=endpoint,
        region_name=os.environ.get("AWS_REGION"),
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=QUICK,
    )


def take_connector_role(endpoint: str) -> Document:
    """Exchange the token that the pod identity webhook gave us."""
    if missing := [name for name in ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE") if name not in os.environ]:
        raise StepError(f"the pod has no role: {', '.join(missing)} missing")
    with open(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"], encoding="utf-8") as file:  # noqa: PTH123 -- quick to import
        token = file.read()
    taken: Document = sts(endpoint).assume_role_with_web_identity(
        RoleArn=os.environ["AWS_ROLE_ARN"], RoleSessionName="connector", WebIdentityToken=token
    )["Credentials"]
    return taken


def identify(endpoint: str, instructions: Document) -> Document:
    """Take the roles and return who we are with them: ARNs as STS tells them."""
    try:
        credentials = take_connector_role(endpoint)
        client = sts(endpoint, credentials)
        identities = {"connector": client.get_caller_identity()["Arn"]}
        if role := instructions["management_role_arn"]:
            taken = client.assume_role(RoleArn=role, RoleSessionName="connector")["Credentials"]
            identities["management"] = sts(endpoint, taken).get_caller_identity()["Arn"]
    except ClientError as error:
        raise StepError(f"AWS refuses {error.operation_name}: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise StepError(f"AWS cannot be reached: {error}") from error
    return identities


def work() -> None:
    """One round: ask what there is to do, be who we should be, and report it."""
    instructions = call_api("instructions", {"pod": os.environ["HOSTNAME"]})
    identities = identify(instructions["aws_endpoint_url"], instructions)
    call_api("report", {"pod": os.environ["HOSTNAME"], "identities": identities})


def keep_working(health: Health) -> None:
    """Work for ever, and log what changes."""
    while True:
        try:
            work()
            trouble = ""
        except StepError as error:
            trouble = str(error)
        if trouble != health.trouble:
            print(trouble or "connected", flush=True)
        health.trouble = trouble
        time.sleep(SECONDS)


def handler(health: Health) -> type[BaseHTTPRequestHandler]:
    """Answer GET /healthz."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/healthz"
            self.send_response(404 if not found else 200 if health.trouble == "" else 503)
            self.end_headers()
            self.wfile.write((health.trouble or "ok").encode() if found else b"")

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keep the log to what changes."""

    return Handler


def main() -> None:
    """Work in a thread and answer probes in this one."""
    if missing := [name for name in VARIABLES if not os.environ.get(name)]:
        sys.exit(f"missing: {', '.join(missing)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the kernel's default is no end for a first process
    health = Health()
    threading.Thread(target=keep_working, args=[health], daemon=True).start()
    ThreadingHTTPServer(("", PORT), handler(health)).serve_forever()


if __name__ == "__main__":
    main()
