"""The import contracts hold, and each of them can be broken."""

from __future__ import annotations

from configparser import ConfigParser
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.architecture.linting import ROOT, Report, copied_project, lint

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Violation:
    """An import that must not be, or a module that no layer names, and the contract that must notice it."""

    contract: str
    module: str
    statement: str
    noticed: str

    @property
    def file(self) -> str:
        return f"{self.module.replace('.', '/')}.py"


VIOLATIONS = (
    Violation(
        "layers",
        "apono_operator.state.plan",
        "import apono_operator.reconciler.report",
        "apono_operator.state is not allowed to import apono_operator.reconciler",
    ),
    Violation("layers", "apono_operator.plugins", "", "apono_operator.plugins"),
    Violation(
        "handlers",
        "apono_operator.handlers.timing",
        "import apono_operator.handlers.work_items",
        "apono_operator.handlers.timing is not allowed to import apono_operator.handlers.work_items",
    ),
    Violation(
        "reconciler",
        "apono_operator.reconciler.removal",
        "import apono_operator.reconciler.upkeep",
        "apono_operator.reconciler.removal is not allowed to import apono_operator.reconciler.upkeep",
    ),
    Violation(
        "adapters",
        "apono_operator.adapters.aws.iam",
        "import apono_operator.adapters.kubernetes",
        "apono_operator.adapters.aws is not allowed to import apono_operator.adapters.kubernetes",
    ),
    Violation(
        "aws",
        "apono_operator.adapters.aws.iam",
        "import apono_operator.adapters.aws.session",
        "apono_operator.adapters.aws.iam is not allowed to import apono_operator.adapters.aws.session",
    ),
    Violation(
        "state",
        "apono_operator.state.resources",
        "import apono_operator.state.plan",
        "apono_operator.state.resources is not allowed to import apono_operator.state.plan",
    ),
    Violation(
        "v1alpha1",
        "apono_operator.v1alpha1.reason",
        "import apono_operator.v1alpha1.connector",
        "apono_operator.v1alpha1.reason is not allowed to import apono_operator.v1alpha1.connector",
    ),
    Violation(
        "pure",
        "apono_operator.state.rollout",
        "import time",
        "apono_operator.state is not allowed to import time",
    ),
    Violation(
        "kopf",
        "apono_operator.reconciler.environment",
        "import kopf",
        "apono_operator.reconciler is not allowed to import kopf",
    ),
    Violation(
        "boto3",
        "apono_operator.reconciler.upkeep",
        "from botocore.exceptions import ClientError",
        "apono_operator.reconciler is not allowed to import botocore",
    ),
    Violation(
        "kubernetes",
        "apono_operator.handlers.connectors",
        "import kubernetes.client",
        "apono_operator.handlers is not allowed to import kubernetes",
    ),
    Violation(
        "settings",
        "apono_operator.preflight",
        "import apono_operator.settings",
        "apono_operator.preflight -> apono_operator.settings",
    ),
    Violation(
        "acyclic",
        "apono_operator.state.finding",
        "import apono_operator.state.conditions",
        "apono_operator.state",
    ),
    Violation(
        "sandbox",
        "sandbox.surroundings",
        "import apono_operator.settings",
        "sandbox is not allowed to import apono_operator",
    ),
    Violation(
        "operator",
        "apono_operator.crds",
        "import sandbox.surroundings",
        "apono_operator is not allowed to import sandbox",
    ),
)


@pytest.fixture(scope="module")
def contracts() -> dict[str, str]:
    """The contracts' names by their ids."""
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    sections = (section for section in parser.sections() if section.startswith("importlinter:contract:"))
    return {section.rpartition(":")[2]: parser[section]["name"] for section in sections}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What the contracts say of a project with every violation at once."""
    project = copied_project(tmp_path_factory.mktemp("project"))
    for violation in VIOLATIONS:
        _commit(project, violation)
    return lint(project)


def _commit(project: Path, violation: Violation) -> None:
    with (project / violation.file).open("a", encoding="utf-8") as file:
        file.write(f"\n{violation.statement}\n")


def test_the_project_keeps_its_contracts() -> None:
    report = lint(ROOT)

    assert report.status == 0, report.output


def test_a_copy_of_the_project_keeps_its_contracts(tmp_path: Path) -> None:
    report = lint(copied_project(tmp_path))

    assert report.status == 0, report.output


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: f"{violation.contract}-{violation.module}")
def test_a_violation_is_noticed_by_the_contract_that_forbids_it(
    violation: Violation, broken: Report, contracts: dict[str, str]
) -> None:
    assert broken.status == 1
    assert violation.noticed in broken.broken(contracts[violation.contract])


def test_every_contract_is_broken_by_a_violation_here(contracts: dict[str, str]) -> None:
    assert {violation.contract for violation in VIOLATIONS} == contracts.keys()
