"""The examples that people copy become Ready: as they stand, or with the ids of an organization that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.demo.organization import of_organization
from sandbox.installation import ROOT
from tests.scenarios.conftest import StartScenario
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import Scenario

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def mode_of(example: Path) -> str:
    mode: str = yaml.safe_load(example.read_text(encoding="utf-8"))["spec"]["target"]["mode"]
    return mode


OF_ACCOUNTS = [example for example in EXAMPLES if mode_of(example) == "Account"]
OF_ORGANIZATIONS = [example for example in EXAMPLES if mode_of(example) == "Organization"]


@pytest.mark.parametrize("example", OF_ACCOUNTS, ids=lambda path: path.stem)
def test_an_example_becomes_ready(start: StartScenario, example: Path) -> None:
    document = yaml.safe_load(example.read_text(encoding="utf-8"))
    account_id = document["spec"]["target"].get("accountId")
    become_ready(start(account_id=account_id), document)


@pytest.mark.parametrize("example", OF_ORGANIZATIONS, ids=lambda path: path.stem)
def test_an_example_becomes_ready_with_the_ids_of_an_organization(
    organization: OrganizationScenario, example: Path
) -> None:
    """AWS gives organizations and their units ids of its own: no example can name those of another one."""
    document = yaml.safe_load(example.read_text(encoding="utf-8"))
    become_ready(organization, of_organization(document, organization.managed))


def become_ready(scenario: Scenario, document: dict[str, Any]) -> None:
    scenario.create_token()
    del document["metadata"]["namespace"]

    scenario.cluster.apply(document)

    scenario.ready(document["metadata"]["name"], seconds=40)
