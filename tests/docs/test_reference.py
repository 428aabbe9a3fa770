from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pydantic.alias_generators import to_camel

from apono_operator.settings import Settings
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import management_permissions_document, permissions_document
from apono_operator.v1alpha1 import ConditionType, PermissionSet, Reason
from docs import generate
from tests.docs.pages import DOCS, ROOT, code_in, page

REFERENCE = DOCS / "reference"
PAGES = generate.pages()
FILES = generate.files()


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_says_what_the_code_says(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name], "run: make generate"


def test_the_reference_holds_no_page_that_is_not_generated() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


def test_a_check_of_stale_files_ends_with_status_1_and_writes_nothing(tmp_path: Path) -> None:
    page_of_fields = tmp_path / "docs" / "reference" / "fields.md"
    page_of_fields.parent.mkdir(parents=True)
    page_of_fields.write_text("old", encoding="utf-8")
    done = CliRunner().invoke(generate.main, ["--check", "--root", str(tmp_path)])
    assert done.exit_code == 1
    assert "stale: docs/reference/fields.md" in done.output
    assert "stale: docs/iam/operator-policy.json" in done.output
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [page_of_fields]
    assert page_of_fields.read_text(encoding="utf-8") == "old"


def test_a_check_of_files_that_were_just_written_ends_with_status_0(tmp_path: Path) -> None:
    assert CliRunner().invoke(generate.main, ["--root", str(tmp_path)]).exit_code == 0
    done = CliRunner().invoke(generate.main, ["--check", "--root", str(tmp_path)])
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize("reason", [one for one in Reason if one.remedy != "Nothing."])
def test_a_reason_that_asks_for_something_has_a_symptom(reason: Reason) -> None:
    assert str(reason) in page("docs/troubleshooting.md").code_spans


def test_troubleshooting_names_no_reason_that_does_not_exist() -> None:
    names = {name for cell in page("docs/troubleshooting.md").first_cells() for name in code_in(cell)}
    reasons = {name for name in names if name.isalpha() and name[0].isupper()}
    assert reasons - set(Reason) == set()
    assert len(reasons) > 10


@pytest.mark.parametrize("condition", ConditionType)
def test_each_condition_is_explained(condition: ConditionType) -> None:
    assert condition.explanation.partition("`")[0] in (REFERENCE / "conditions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", [name for name in Settings.model_fields if name not in generate.SET_BY_THE_CHART])
def test_the_chart_value_beside_a_setting_exists(setting: str) -> None:
    values = yaml.safe_load((ROOT / "charts" / "apono-operator" / "values.yaml").read_text(encoding="utf-8"))
    assert to_camel(setting) in values
    assert f"`{to_camel(setting)}`" in PAGES["settings.md"]


def test_every_value_of_a_grant_is_explained() -> None:
    keys = {name for cell in page("docs/reference/settings.md").first_cells() for name in code_in(cell)}
    assert {"namespaces", "modes", "permissions", "imageRegistries"} <= keys


@pytest.mark.parametrize("permission_set", PermissionSet)
@pytest.mark.parametrize(
    ("role", "document_of"),
    [("The connector role", permissions_document), ("The management role", management_permissions_document)],
)
def test_the_page_of_permissions_names_for_each_set_the_actions_of_a_roles_policy_and_no_other(
    role: str, document_of: Callable[[PermissionSet, str], PolicyDocument], permission_set: PermissionSet
) -> None:
    (section,) = (part for part in page("docs/reference/permissions.md").text.split("\n## ") if part.startswith(role))
    rows = [line.split(" | ") for line in section.splitlines() if line.count(" | ") == 5]
    shown = {action for row in rows if f"`{permission_set}`" in row[1] for action in re.findall(r"`([^`]+)`", row[2])}
    assert shown == {
        action for one in document_of(permission_set, "aws").document["Statement"] for action in one["Action"]
    }
