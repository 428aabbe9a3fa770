from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pydantic.alias_generators import to_camel

from apono_operator.settings import Settings
from apono_operator.state.permissions import permissions_document
from apono_operator.v1alpha1 import ConditionType, PermissionSet, Reason
from docs import generate
from tests.docs.pages import DOCS, ROOT, code_in, page

REFERENCE = DOCS / "reference"
PAGES = generate.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name], "run: make generate"


def test_the_reference_holds_no_page_that_is_not_generated() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


def test_a_check_of_stale_pages_ends_with_status_1_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "fields.md").write_text("old", encoding="utf-8")
    done = CliRunner().invoke(generate.main, ["--check", "--directory", str(tmp_path)])
    assert done.exit_code == 1
    assert "stale: fields.md" in done.output
    assert "stale: settings.md" in done.output
    assert (tmp_path / "fields.md").read_text(encoding="utf-8") == "old"


def test_a_check_of_pages_that_were_just_written_ends_with_status_0(tmp_path: Path) -> None:
    assert CliRunner().invoke(generate.main, ["--directory", str(tmp_path)]).exit_code == 0
    done = CliRunner().invoke(generate.main, ["--check", "--directory", str(tmp_path)])
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


@pytest.mark.parametrize("setting", [name for name in Settings.model_fields if name != "namespace"])
def test_the_chart_value_beside_a_setting_exists(setting: str) -> None:
    values = yaml.safe_load((ROOT / "charts" / "apono-operator" / "values.yaml").read_text(encoding="utf-8"))
    assert to_camel(setting) in values
    assert f"`{to_camel(setting)}`" in PAGES["settings.md"]


def test_every_value_of_a_grant_is_explained() -> None:
    keys = {name for cell in page("docs/reference/settings.md").first_cells() for name in code_in(cell)}
    assert {"namespaces", "modes", "permissions", "imageRegistries"} <= keys


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_the_page_of_permissions_names_for_each_set_the_actions_of_its_policy_and_no_other(
    permission_set: PermissionSet,
) -> None:
    rows = [
        line.split(" | ") for line in page("docs/reference/permissions.md").text.splitlines() if line.count(" | ") == 5
    ]
    shown = {action for row in rows if f"`{permission_set}`" in row[1] for action in re.findall(r"`([^`]+)`", row[2])}
    statements = permissions_document(permission_set, "aws").document["Statement"]
    assert shown == {action for one in statements for action in one["Action"]}
