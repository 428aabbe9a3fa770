"""The demonstration is the newcomer's first run, and the one that watches all namespaces."""

from __future__ import annotations

import subprocess
import sys

from sandbox.installation import ROOT


def test_the_demonstration_sees_every_step() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for step in (
        "apono-operator bootstrap: roles and boundaries made as CloudFormation stacks",
        "apono-operator serves",
        "Ready after",
        "IAM has the role",
        "ServiceAccount with the role, pull Secret, Deployment",
        "runs, with AWS_ROLE_ARN injected",
        "The pod's token opens the role",
        "kubectl delete: role, Deployment, pods, ServiceAccount and Secret gone",
        "managementStackStatus CREATE_IN_PROGRESS",
        "CloudFormation made the stack in the management account",
        "IAM of the management account has the role",
        "The connector role becomes the management role",
        "Nobody else does, not even the administrators of both accounts",
        "The connector role becomes the member role",
        "kubectl delete: stack, all roles and children gone",
        "apono-operator bootstrap: all of it in the management account",
        "The connector role is the role in the management account",
        "kubectl delete: all roles and children gone",
        "All of it was seen",
    ):
        assert step in done.stdout
