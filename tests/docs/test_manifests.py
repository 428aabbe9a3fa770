"""What a reader copies from a page has to work."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from apono_operator.state.administration import Administration, Grant
from apono_operator.state.admission import Request, refusal
from apono_operator.v1alpha1 import (
    API_VERSION,
    KIND,
    AponoConnectorSpec,
    AponoConnectorStatus,
    ConditionType,
    PermissionSet,
    Reason,
)
from sandbox.controlplane import ControlPlane, helm
from tests.builders import MANAGEMENT_ACCOUNT, a_management_account
from tests.docs.installation import commands, operator_role
from tests.docs.pages import ROOT, all_pages, page

README = page("README.md")
ADMINISTRATION = Administration(
    grants=(Grant(namespaces=("apono",)),),
    permissions_boundaries=dict.fromkeys(PermissionSet, "arn:aws:iam::123456789012:policy/boundary"),
    management_accounts=(a_management_account(),),
)


@dataclass(frozen=True)
class Shown:
    """A manifest that a page or an example shows."""

    place: str
    manifest: dict[str, Any]


def _manifests() -> Iterator[Shown]:
    for one in all_pages():
        for document in one.documents():
            if document.get("kind") == KIND:
                yield Shown(str(one), document)
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        yield Shown(f"examples/{path.name}", yaml.safe_load(path.read_text(encoding="utf-8")))


SHOWN = list(_manifests())


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.place)
def test_a_shown_manifest_is_read_and_granted_by_an_administrator_who_grants_its_namespace(shown: Shown) -> None:
    assert shown.manifest["apiVersion"] == API_VERSION
    request = Request(
        shown.manifest["metadata"]["namespace"],
        AponoConnectorSpec.model_validate(shown.manifest["spec"]),
        own_account_id=MANAGEMENT_ACCOUNT,
    )
    assert refusal(request, ADMINISTRATION) is None


def test_the_shown_manifests_are_admitted_by_the_api_server(control_plane: ControlPlane) -> None:
    placed = [{**one.manifest, "metadata": {"name": f"shown-{number}"}} for number, one in enumerate(SHOWN)]
    answer = control_plane.kubectl(
        "create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name", stdin=yaml.safe_dump_all(placed)
    )
    assert answer.split() == [f"aponoconnector.apono.io/shown-{number}" for number, _ in enumerate(SHOWN)]


def test_the_readme_shows_the_smallest_example() -> None:
    (shown,) = (one.manifest for one in SHOWN if one.place == "README.md")
    example = yaml.safe_load((ROOT / "examples" / "account-read-only.yaml").read_text(encoding="utf-8"))
    assert shown == example


def test_the_status_in_the_readme_holds_only_fields_conditions_and_reasons_that_exist() -> None:
    (status,) = (document["status"] for document in README.documents() if "status" in document)
    times = {"lastTransitionTime": "2026-03-14T09:26:53Z", "observedGeneration": 1}
    dated = [{**condition, **times} for condition in status["conditions"]]
    read = AponoConnectorStatus.model_validate({**status, "conditions": dated})
    assert {condition.type for condition in read.conditions or ()} <= set(ConditionType)
    assert {condition.reason for condition in read.conditions or ()} <= set(Reason)


def test_helm_takes_the_values_of_the_readmes_installation(tmp_path: Path) -> None:
    arguments = _helm_install()
    objects = _templated(tmp_path, *arguments)
    account = next(one for one in objects if one["kind"] == "ServiceAccount")
    assert account["metadata"]["name"] == "apono-operator"
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].endswith(
        f":role/{operator_role('my-cluster')}"
    )


@pytest.mark.parametrize(
    ("key", "chart", "kind"), [("proxy", "apono-operator", "NetworkPolicy"), ("connectors", "apono-connectors", KIND)]
)
def test_helm_takes_the_values_that_the_page_of_installation_shows(
    tmp_path: Path, key: str, chart: str, kind: str
) -> None:
    (values,) = (document for document in page("docs/installation.md").documents() if key in document)
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({**values, **({"allowUnboundedRoles": True} if key == "proxy" else {})}))
    objects = _templated(tmp_path, "release", f"charts/{chart}", f"--values={file}")
    assert kind in {one["kind"] for one in objects}


def test_helm_renders_the_health_for_argo_cd_as_the_page_of_gitops_says(tmp_path: Path) -> None:
    (block,) = (block for block in page("docs/gitops.md").blocks("sh") if "helm template" in block)
    command, _, _ = block.replace("\\\n", " ").partition("|")

    (made,) = _templated(tmp_path, *shlex.split(command)[2:])

    script = (ROOT / "resource_customizations" / "apono.io" / "AponoConnector" / "health.lua").read_text(
        encoding="utf-8"
    )
    assert made["data"] == {"resource.customizations.health.apono.io_AponoConnector": script}


def _templated(scratch: Path, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [str(helm()), "template", *arguments],
        cwd=ROOT,
        env={f"HELM_{kind}_HOME": str(scratch / kind) for kind in ("CACHE", "CONFIG", "DATA")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def _helm_install() -> list[str]:
    lines = commands().replace("\\\n", " ").splitlines()
    (command,) = (line for line in lines if line.startswith("helm install "))
    values = {
        "$REGISTRY": "registry.example.com",
        "$ACCOUNT": "123456789012",
        "$OPERATOR_ROLE": operator_role("my-cluster"),
    }
    for name, value in values.items():
        command = command.replace(name, value)
    return shlex.split(command)[2:]
