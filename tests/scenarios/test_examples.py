"""The examples that people copy become Ready as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sandbox.installation import ROOT
from tests.scenarios.conftest import StartScenario

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def mode_of(example: Path) -> str:
    mode: str = yaml.safe_load(example.read_text(encoding="utf-8"))["spec"]["target"]["mode"]
    return mode


# AWS gives organizations and their units ids of its own: no example can name those of another organization as they
# stand. The pages' tests read and admit that example; tests/scenarios/test_organization.py has its mode Ready.
AS_THEY_STAND = [example for example in EXAMPLES if mode_of(example) == "Account"]


@pytest.mark.parametrize("example", AS_THEY_STAND, ids=lambda path: path.stem)
def test_an_example_becomes_ready(start: StartScenario, example: Path) -> None:
    document = yaml.safe_load(example.read_text(encoding="utf-8"))
    account_id = document["spec"]["target"].get("accountId")
    scenario = start(account_id=account_id)
    scenario.create_token()
    del document["metadata"]["namespace"]

    scenario.cluster.apply(document)

    scenario.ready(document["metadata"]["name"])
