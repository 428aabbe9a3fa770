"""The commands, and what holds for every template that they print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hatchling.builders.wheel import WheelBuilder

from apono_operator.__main__ import main
from apono_operator.bootstrap import member_account
from apono_operator.templates import management_account
from tests.unit.bootstrap.deployment import deployed
from tests.unit.bootstrap.printed import PARAMETERS, TEMPLATES

ROOT = Path(__file__).parents[3]
LARGEST_TEMPLATE_BODY = 51_200
"""Bytes (CloudFormation User Guide, "CloudFormation quotas")."""

NAME_KEYS = ("RoleName", "ManagedPolicyName")


def lint(directory: Path, text: str) -> list[str]:
    """Return what cfn-lint finds, informational findings included."""
    file = directory / "template.yaml"
    file.write_text(text, encoding="utf-8")
    regions = ["--regions", "eu-west-1", "us-gov-west-1"]
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "-c",
        "I",
        *regions,
        "--format",
        "parseable",
        "--",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize("command", TEMPLATES)
def test_a_command_prints_its_template_and_nothing_else(command: str) -> None:
    done = CliRunner().invoke(main, ["bootstrap", *command.split()])

    assert (done.exit_code, done.stdout, done.stderr) == (0, TEMPLATES[command], "")


def test_the_boundary_of_what_connectors_make_is_required_if_nobody_says_otherwise() -> None:
    done = CliRunner().invoke(main, ["bootstrap", "operator-account", "--require-boundary"])

    assert done.stdout == TEMPLATES["operator-account"]


def test_roles_in_member_accounts_only_read_if_nobody_says_otherwise() -> None:
    done = CliRunner().invoke(main, ["bootstrap", "member-template", "--highest-permissions=ReadOnly"])

    assert done.stdout == TEMPLATES["member-template"]


@pytest.mark.parametrize("command", TEMPLATES)
def test_cfn_lint_finds_nothing(command: str, tmp_path: Path) -> None:
    assert lint(tmp_path, TEMPLATES[command]) == []


def test_cfn_lint_would_find_a_property_that_does_not_exist(tmp_path: Path) -> None:
    findings = lint(tmp_path, TEMPLATES["template"].replace("PermissionsBoundary:", "Boundary:"))

    assert any("E3002" in finding for finding in findings)


@pytest.mark.parametrize("command", TEMPLATES)
def test_a_template_can_be_sent_whole(command: str) -> None:
    assert len(TEMPLATES[command].encode()) < LARGEST_TEMPLATE_BODY


@pytest.mark.parametrize("command", TEMPLATES)
def test_a_parameter_says_what_it_is_and_bounds_its_value(command: str) -> None:
    for name, parameter in yaml.safe_load(TEMPLATES[command])["Parameters"].items():
        assert parameter["Description"], name
        assert ("AllowedValues" in parameter) != ("ConstraintDescription" in parameter), name
        assert {"AllowedValues", "AllowedPattern"} & parameter.keys(), name


@pytest.mark.parametrize("command", [command for command in TEMPLATES if command != "template"])
def test_what_draws_limits_has_names_that_neither_connectors_nor_cloudformations_role_reach(command: str) -> None:
    resources = deployed(TEMPLATES[command], PARAMETERS[command]).resources.values()
    names = [resource[key] for resource in resources for key in NAME_KEYS if key in resource]

    assert len(names) == len(list(resources))
    assert [name for name in names if not name.startswith(("connector-operator", "connector-boundary-"))] == (
        [PARAMETERS[command]["MemberRoleName"]] if command.startswith("member-template") else []
    )


@pytest.mark.parametrize("command", [command for command in TEMPLATES if command.startswith("member-template")])
def test_of_what_is_in_member_accounts_connectors_reach_the_role_alone(command: str) -> None:
    resources = deployed(TEMPLATES[command], PARAMETERS[command]).resources
    reached = {
        name for name, one in resources.items() if next(one[key] for key in NAME_KEYS if key in one)[:6] == "apono-"
    }

    assert reached == {"MemberRole"}
    assert len(resources) > 1


@pytest.mark.parametrize("command", TEMPLATES)
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_every_arn_is_of_the_partition_or_of_any(command: str, partition: str) -> None:
    text = str(deployed(TEMPLATES[command], PARAMETERS[command], partition=partition).resources)
    given = str(PARAMETERS[command].values())
    arns = [word for word in text.replace("'", " ").replace('"', " ").split() if word.startswith("arn:")]

    assert arns
    assert {arn.split(":")[1] for arn in arns if arn not in given} - {partition, "*"} == set()


@pytest.mark.parametrize("name", [management_account.FILE_NAME, member_account.FILE_NAME])
def test_the_package_holds_the_templates_that_are_put_into_a_bucket(name: str) -> None:
    packaged = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}

    assert f"apono_operator/templates/{name}" in packaged
