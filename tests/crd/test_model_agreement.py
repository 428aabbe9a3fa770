"""The API server and the operator's model read the same specs in the same way."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from pydantic import ValidationError

from apono_operator.v1alpha1 import AponoConnectorSpec
from tests.crd.connectors import Connectors, RefusedError
from tests.crd.manifests import Json, minimal
from tests.crd.strategies import specs

EXAMPLES = 300


def as_parsed(spec: Any) -> Json | None:
    """Return what the model makes of *spec*, as it would be written; none if it refuses."""
    try:
        parsed = AponoConnectorSpec.model_validate(spec)
    except ValidationError:
        return None
    return parsed.model_dump(mode="json", by_alias=True, exclude_none=True)


def as_stored(connectors: Connectors, spec: Any) -> Json | None:
    """Return what the API server makes of *spec*; none if it refuses."""
    try:
        stored: Json = connectors.create({**minimal("any"), "spec": spec}, dry_run=True)["spec"]
    except RefusedError:
        return None
    return stored


def test_model_and_api_server_agree_on_what_is_valid_and_on_its_defaults(connectors: Connectors) -> None:
    verdicts: list[bool] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # to shrink an example takes hundreds of requests and minutes
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(spec=specs())
    def agree(spec: Any) -> None:
        stored = as_stored(connectors, spec)
        verdicts.append(stored is not None)
        assert as_parsed(spec if stored is None else stored) == stored

    agree()

    assert verdicts.count(True) >= 100
    assert verdicts.count(False) >= 50
