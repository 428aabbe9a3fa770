"""The operator's image as it runs: what it may do, and what is not in it."""

from __future__ import annotations

import pytest

from sandbox.controlplane import CommandError
from sandbox.installation import RELEASE
from tests.e2e.installed import Installed

PROGRAMS = """
import os
for directory, _, files in os.walk("/"):
    if directory.startswith(("/proc", "/sys", "/dev")):
        continue
    for name in files:
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK) and ".so" not in name:
            print(path)
"""
PACKAGES = """
from importlib.metadata import distributions
print(*sorted(each.name for each in distributions()), sep=chr(10))
"""


def test_the_namespace_admits_no_pod_that_is_less_restricted(installed: Installed) -> None:
    with pytest.raises(CommandError, match='violates PodSecurity "restricted:latest"'):
        installed.control_plane.kubectl(
            "run", "careless", "--image=any", "--namespace", installed.release.namespace, "--dry-run=server"
        )


def test_the_operator_runs_as_nobody_and_with_no_capability(installed: Installed) -> None:
    lines = installed.in_operator("print(open('/proc/1/status').read())").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    assert status["Uid"].split() == ["65532"] * 4
    assert status["Gid"].split() == ["65532"] * 4
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_the_operator_writes_nowhere_but_in_its_temporary_directory(installed: Installed) -> None:
    installed.in_operator("open('/tmp/written', 'w')")

    with pytest.raises(CommandError, match="Read-only file system"):
        installed.in_operator("open('/opt/apono-operator/written', 'w')")


def test_the_image_has_no_program_but_python_and_the_operator(installed: Installed) -> None:
    programs = set(installed.in_operator(PROGRAMS).split())

    assert {path.rpartition("/")[2] for path in programs} == {"apono-operator", "python", "python3", "python3.12"}


def test_the_image_has_no_package_manager_among_its_packages(installed: Installed) -> None:
    packages = set(installed.in_operator(PACKAGES).split())

    assert {"boto3", "kopf", "kubernetes", "apono-operator"} <= packages
    assert packages & {"hatchling", "pip", "setuptools", "uv", "wheel"} == set()


def test_an_operator_that_was_killed_is_started_again_and_goes_on(installed: Installed) -> None:
    before = operators(installed)
    for pod in before:
        installed.cluster.delete("Pod", pod)
    token = installed.create_token("after-death")
    installed.apply("after-death")

    installed.ready("after-death")
    installed.report("after-death", token)

    assert operators(installed) & before == set()


def operators(installed: Installed) -> set[str]:
    """The names of the operator's pods that are not on their way out."""
    pods = installed.cluster.list("Pod", f"app.kubernetes.io/name={RELEASE}")
    return {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}
