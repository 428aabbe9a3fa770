"""The Deployment that comes of what a manifest says under spec.deployment, and its parts."""

from __future__ import annotations

from typing import Any

from apono_operator.state.desired import deployment
from tests.builders import Json, a_spec, some_inputs


def a_deployment_of(**options: Any) -> Json:
    """The Deployment of a connector with *options* under spec.deployment."""
    return dict(deployment(some_inputs(spec=a_spec(deployment=options))))


def pod_spec_of(**options: Any) -> Json:
    spec: Json = a_deployment_of(**options)["spec"]["template"]["spec"]
    return spec


def container_of(**options: Any) -> Json:
    (container,) = pod_spec_of(**options)["containers"]
    assert isinstance(container, dict)
    return container
