"""How many calls a second the sandbox's AWS answers at all: a loop of the operator's own calls, without an operator.

The loop is a process of its own, as the operator is: ``python -m benchmarks.ceiling`` reads a script of calls from
standard input and prints the rate.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.aws import Account, CallRecord, FrontDoor

THREADS: Final = 16
"""As many as the operator has workers by default."""

Script = list[tuple[str, dict[str, Any]]]


def ceiling(aws: FrontDoor, account: Account, calls: Sequence[CallRecord], roles: int) -> float:
    """Repeat *calls*, which made one role, for so many other *roles*; return the calls a second."""
    script = [(call.operation, dict(call.parameters)) for call in calls]
    environment = {**os.environ, **aws.environment(account)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ceiling"],
        input=json.dumps({"script": script, "roles": roles}),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    """Read the script, play it for each role from many threads, and print the rate."""
    asked = json.load(sys.stdin)
    script: Script = asked["script"]
    client = boto3.client("iam", config=Config(max_pool_connections=THREADS, retries={"total_max_attempts": 1}))
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        answered = sum(pool.map(lambda number: _play(client, script, f"apono-ceiling-{number}"), range(asked["roles"])))
    sys.stdout.write(f"{answered / (time.monotonic() - began)}\n")


def _play(client: Any, script: Script, role: str) -> int:
    for operation, parameters in script:
        try:
            getattr(client, xform_name(operation))(**{**parameters, "RoleName": role})
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":  # the first look finds no role
                raise
    return len(script)


if __name__ == "__main__":
    main()
