"""Argo CD and Flux: what the page and its examples say is what the operator writes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from apono_operator.v1alpha1 import API_VERSION, FINALIZER, KIND, AponoConnectorStatus, ConditionType, Reason
from tests.docs.pages import ROOT, page
from tests.unit.state.kstatus import CURRENT, FAILED, IN_PROGRESS, TERMINATING

CUSTOMIZATION = ROOT / "resource_customizations" / "apono.io" / "AponoConnector"
SCRIPT = (CUSTOMIZATION / "health.lua").read_text(encoding="utf-8")
TESTDATA = sorted((CUSTOMIZATION / "testdata").glob("*.yaml"))


@pytest.mark.parametrize("file", TESTDATA, ids=lambda file: file.stem)
def test_what_the_health_script_is_tested_with_could_be_written_by_the_operator(file: Any) -> None:
    connector = yaml.safe_load(file.read_text(encoding="utf-8"))
    status = AponoConnectorStatus.model_validate(connector["status"])

    assert (connector["apiVersion"], connector["kind"]) == (API_VERSION, KIND)
    assert {one.type for one in status.conditions or ()} <= set(ConditionType)
    assert {one.reason for one in status.conditions or ()} <= set(Reason)


def test_the_health_script_names_the_finalizer() -> None:
    assert FINALIZER in SCRIPT


def test_the_page_has_each_status_of_kstatus() -> None:
    text = page("docs/gitops.md").text

    assert [status for status in (CURRENT, IN_PROGRESS, FAILED, TERMINATING) if f"| {status} |" not in text] == []


def test_the_flux_example_looks_at_connectors_as_they_are_called() -> None:
    text = (ROOT / "examples" / "flux" / "kustomizations.yaml").read_text(encoding="utf-8")
    documents = list(yaml.safe_load_all(text))
    looked_at = [one for document in documents for one in document["spec"].get("healthChecks", ())]
    expressions = [one for document in documents for one in document["spec"].get("healthCheckExprs", ())]

    assert {(one["apiVersion"], one["kind"]) for one in (*looked_at, *expressions)} == {(API_VERSION, KIND)}
    named = {kind for kind in ConditionType if any(f"'{kind}'" in str(one) for one in expressions)}
    assert named == {ConditionType.READY, ConditionType.STALLED, ConditionType.SUSPENDED}
