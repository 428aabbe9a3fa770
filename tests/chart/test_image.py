"""The Dockerfile agrees with the project that it packs; building it is for machines with containers."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires

from packaging.requirements import Requirement

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


def needed_by(package: str) -> set[str]:
    found = {package}
    for line in requires(package) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"python_version": "3.12", "extra": ""}):
            found |= needed_by(requirement.name)
    return found
