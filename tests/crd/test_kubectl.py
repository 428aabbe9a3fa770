"""How connectors look to people with kubectl."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from apono_operator.v1alpha1 import ConnectorDeployment, Target
from sandbox.controlplane import CommandError
from tests.crd.manifests import CONDITION, minimal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from sandbox.controlplane import ControlPlane
    from tests.crd.connectors import Connectors

ARN = "arn:aws:iam::123456789012:role/apono-connector-production"
MANAGEMENT_ARN = "arn:aws:iam::999988887777:role/apono-management-production"
READY = {
    "observedGeneration": 1,
    "connectorRoleArn": ARN,
    "managementAccountRoleArn": MANAGEMENT_ARN,
    "conditions": [{**CONDITION, "type": "Accepted", "reason": "Accepted", "status": "Unknown"}, CONDITION],
}
COLUMNS = {"NAME": "", "MODE": "Account", "PERMISSIONS": "ReadOnly", "READY": "True", "REASON": "ConnectorReady"}


@pytest.fixture
def kubectl(cluster: ControlPlane, connectors: Connectors) -> Callable[..., str]:
    return lambda *arguments: cluster.kubectl(f"--namespace={connectors.namespace}", *arguments)


def table(text: str) -> dict[str, str]:
    """Return kubectl's table of one object, by column; no column may be empty."""
    heads, cells = (re.split(r"\s{2,}", line.strip()) for line in text.splitlines())
    return dict(zip(heads, cells, strict=True))


@pytest.fixture
def ready(connectors: Connectors, name: str) -> str:
    """The name of a connector that is ready."""
    connectors.create(minimal(name))
    connectors.merge_status(name, {"status": READY})
    return name


def test_a_table_tells_mode_permissions_and_whether_the_connector_is_ready(
    kubectl: Callable[..., str], ready: str
) -> None:
    cells = table(kubectl("get", "aponoconnectors", ready))
    assert re.fullmatch(r"\d+m?s", cells.pop("AGE"))
    assert cells == {**COLUMNS, "NAME": ready}


def test_the_short_name_means_the_same(kubectl: Callable[..., str], ready: str) -> None:
    assert kubectl("get", "apc", ready, "--output=name") == f"aponoconnector.apono.io/{ready}\n"


def test_the_singular_name_means_the_same(kubectl: Callable[..., str], ready: str) -> None:
    assert kubectl("get", "aponoconnector", ready, "--output=name") == f"aponoconnector.apono.io/{ready}\n"


def test_the_category_lists_the_connectors(kubectl: Callable[..., str], ready: str) -> None:
    assert f"aponoconnector.apono.io/{ready}" in kubectl("get", "apono", "--output=name").splitlines()


def test_a_wide_table_tells_the_roles_as_well(kubectl: Callable[..., str], ready: str) -> None:
    cells = table(kubectl("get", "apc", ready, "--output=wide"))
    assert (cells["ROLE ARN"], cells["MANAGEMENT ROLE ARN"]) == (ARN, MANAGEMENT_ARN)
    assert list(cells) == [*COLUMNS, "ROLE ARN", "MANAGEMENT ROLE ARN", "AGE"]


def test_wait_sees_that_a_connector_is_ready(kubectl: Callable[..., str], ready: str) -> None:
    assert "condition met" in kubectl("wait", f"apc/{ready}", "--for=condition=Ready", "--timeout=10s")


def test_wait_does_not_take_a_condition_of_an_earlier_spec(
    kubectl: Callable[..., str], connectors: Connectors, ready: str
) -> None:
    connectors.merge(ready, {"spec": {"permissions": "FullAccess"}})
    with pytest.raises(CommandError, match="timed out waiting for the condition"):
        kubectl("wait", f"apc/{ready}", "--for=condition=Ready", "--timeout=1s")


@pytest.mark.parametrize(("part", "model"), [("deployment", ConnectorDeployment), ("target", Target)])
def test_explain_describes_every_field(kubectl: Callable[..., str], part: str, model: type[BaseModel]) -> None:
    words = " ".join(kubectl("explain", f"aponoconnectors.spec.{part}").split())
    schema = model.model_json_schema(by_alias=True)
    fields = schema.get("properties") or schema["$defs"][model.__name__]["properties"]
    assert [name for name, field in fields.items() if f"{name} <" not in words] == []
    assert [name for name, field in fields.items() if field["description"] not in words] == []
