"""The Dockerfile agrees with the project that it packs; `tests/e2e` runs what it builds."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from apono_operator.adapters.aws.rate_limits import DEFAULT_RATE_LIMITS
from tests.chart.rendering import ROOT, Chart

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_user_is_a_number_because_the_pod_names_none(chart: Chart) -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["65532:65532"]
    assert chart.render({}).pod["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_entry_point_is_the_console_script() -> None:
    (script,) = PROJECT["project"]["scripts"]

    assert re.findall(r"^(?:ENTRYPOINT|CMD) .*$", DOCKERFILE, re.MULTILINE) == [
        f'ENTRYPOINT ["{script}"]',
        'CMD ["run"]',
    ]


def test_the_label_tells_the_version() -> None:
    assert re.findall(r'image\.version="(.*)"', DOCKERFILE) == [PROJECT["project"]["version"]]


def test_the_build_backend_is_installed_with_all_it_needs() -> None:
    (listed,) = re.findall(r"/\^\(([a-z|-]+)\)==/", DOCKERFILE)

    assert set(listed.split("|")) == needed_by("hatchling")


def test_nothing_of_the_base_image_is_left_but_what_was_gathered() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]

    assert last_stage.startswith("scratch\n")
    assert re.findall(r"^(?:ADD|COPY|RUN) .*$", last_stage, re.MULTILINE) == ["COPY --from=build /root-filesystem /"]


def test_the_descriptions_of_aws_that_are_kept_are_those_of_the_services_that_are_called() -> None:
    kept = re.findall(
        r"! -name ([a-z-]+)", (ROOT / "image" / "slim.sh").read_text(encoding="utf-8").partition("-exec")[0]
    )

    assert set(kept) == DEFAULT_RATE_LIMITS.keys()


@pytest.mark.parametrize("file", ["Dockerfile", "sandbox/node/connector/Dockerfile"])
def test_hadolint_finds_nothing(file: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([str(hadolint), "--no-color", file], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def needed_by(package: str) -> set[str]:
    found = {package}
    for line in requires(package) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"python_version": "3.12", "extra": ""}):
            found |= needed_by(requirement.name)
    return found
