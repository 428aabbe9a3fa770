"""How the connector's pods are doing, and whether they run with the role.

The EKS pod identity webhook changes pods only when they are created, and lets them through when it is down: a
pod may run without the role, silently. Such pods are started anew, a bounded number of times.

Sources: Amazon EKS User Guide, "Configure Pods to use a Kubernetes service account"; Kubernetes documentation,
"Deployments", "Pod Lifecycle".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apono_operator.state.desired import (
    CONTAINER,
    RESTARTS_ANNOTATION,
    SETTLED_ANNOTATION,
    TEMPLATE_ROLE_ANNOTATION,
)
from apono_operator.state.finding import Finding, found, stuck, waits
from apono_operator.state.resources import Manifest
from apono_operator.v1alpha1 import Reason

ROLE_VARIABLE = "AWS_ROLE_ARN"
RESTART_LIMIT = 3
RESTART_PAUSES = (timedelta(seconds=2), timedelta(seconds=20), timedelta(seconds=60))
"""How old a pod without the role must be before the first, second and third restart."""

_COUNT = re.compile(r"[0-9]{1,9}")
_PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})


@dataclass(frozen=True)
class Injection:
    """The account of restarts for want of the role, kept on the Deployment itself."""

    restarts: int = 0
    settled: int = 0

    @property
    def attempts(self) -> int:
        """Restarts since all pods last ran with the role."""
        return self.restarts - self.settled


def injection_of(deployment: Manifest | None) -> Injection:
    """Return the account that the Deployment's annotations keep; what cannot be read counts as none."""
    if deployment is None:
        return Injection()
    template = deployment["spec"]["template"]["metadata"].get("annotations", {})
    own = deployment["metadata"].get("annotations", {})
    restarts = _count(template.get(RESTARTS_ANNOTATION))
    # A rollout undone brings an older template back: restarts cannot have been fewer when all was well.
    return Injection(restarts, min(restarts, _count(own.get(SETTLED_ANNOTATION))))


def next_injection(current: Injection, pods: Sequence[Manifest], role_arn: str, now: datetime) -> Injection:
    """Return the account after a look at *pods*: one restart more, settled, or as it was.

    Args:
        current: The account so far.
        pods: The connector's pods, of whatever template.
        role_arn: The role that the pods should run with.
        now: The present time, with a time zone.
    """
    newest = [pod for pod in _living(pods) if _is_of(pod, current, role_arn)]
    without = [pod for pod in newest if not _has_role(pod, role_arn)]
    if newest and not without:
        return Injection(current.restarts, settled=current.restarts)
    if without and current.attempts < RESTART_LIMIT and _old_enough(without, RESTART_PAUSES[current.attempts], now):
        return Injection(current.restarts + 1, current.settled)
    return current


def availability(deployment: Manifest | None, pods: Sequence[Manifest], role_arn: str) -> Finding:
    """Return whether the connector runs as asked, or what keeps it from that.

    Args:
        deployment: The Deployment as the API server has it, None if it is missing.
        pods: The connector's pods.
        role_arn: The role that the pods should run with.
    """
    if deployment is None:
        return waits(Reason.ROLLOUT_IN_PROGRESS, "The Deployment is being created.")
    living = list(_living(pods))
    injection = injection_of(deployment)
    without = [pod for pod in living if _is_of(pod, injection, role_arn) and not _has_role(pod, role_arn)]
    if without:
        return _role_not_injected(without, injection)
    if _is_rolled_out(deployment):
        return found(Reason.PODS_AVAILABLE, f"{_available(deployment)} of {_replicas(deployment)} pods are available.")
    return _trouble(deployment, living) or waits(
        Reason.ROLLOUT_IN_PROGRESS, f"{_available(deployment)} of {_replicas(deployment)} pods are available."
    )


def _count(text: Any) -> int:
    return int(text) if isinstance(text, str) and _COUNT.fullmatch(text) else 0


def _living(pods: Iterable[Manifest]) -> Iterator[Manifest]:
    finished = {"Succeeded", "Failed"}
    return (
        pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"] and pod.get("status", {}).get("phase") not in finished
    )


def _is_of(pod: Manifest, injection: Injection, role_arn: str) -> bool:
    """Tell whether the pod was made from the newest template: older ones are being replaced anyway."""
    annotations = pod["metadata"].get("annotations", {})
    return (
        annotations.get(TEMPLATE_ROLE_ANNOTATION) == role_arn
        and _count(annotations.get(RESTARTS_ANNOTATION)) == injection.restarts
    )


def _has_role(pod: Manifest, role_arn: str) -> bool:
    containers = [container for container in pod["spec"]["containers"] if container["name"] == CONTAINER]
    return any(
        variable["name"] == ROLE_VARIABLE and variable.get("value") == role_arn
        for container in containers
        for variable in container.get("env", ())
    )


def _old_enough(pods: Iterable[Manifest], age: timedelta, now: datetime) -> bool:
    return all(now - datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) >= age for pod in pods)


def _role_not_injected(pods: Sequence[Manifest], injection: Injection) -> Finding:
    names = ", ".join(sorted(pod["metadata"]["name"] for pod in pods))
    what = f"Pods run without the connector role, because the pod identity webhook did not change them: {names}."
    if injection.attempts < RESTART_LIMIT:
        return waits(Reason.ROLE_NOT_INJECTED, f"{what} They are started anew.")
    return stuck(
        Reason.ROLE_NOT_INJECTED,
        f"{what} They were started anew {injection.attempts} times. Check that the webhook "
        "(MutatingWebhookConfiguration pod-identity-webhook) works, then run: kubectl rollout restart deployment.",
    )


def _status(deployment: Manifest) -> Mapping[str, Any]:
    status: Mapping[str, Any] = deployment.get("status", {})
    return status


def _replicas(deployment: Manifest) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _available(deployment: Manifest) -> int:
    return int(_status(deployment).get("availableReplicas", 0))


def _is_rolled_out(deployment: Manifest) -> bool:
    """Follow ``kubectl rollout status``: seen, updated, no old pods left, all available."""
    status, replicas = _status(deployment), _replicas(deployment)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) == replicas
        and status.get("replicas", 0) == replicas
        and status.get("availableReplicas", 0) == replicas
    )


def _trouble(deployment: Manifest, pods: Sequence[Manifest]) -> Finding | None:
    for look in (_image_trouble, _crash_trouble, _scheduling_trouble):
        for pod in pods:
            finding = look(pod)
            if finding:
                return finding
    return _deployment_trouble(deployment)


def _waiting(pod: Manifest) -> Iterator[Mapping[str, Any]]:
    for status in pod.get("status", {}).get("containerStatuses", ()):
        waiting = status.get("state", {}).get("waiting")
        if waiting:
            yield waiting


def _image_trouble(pod: Manifest) -> Finding | None:
    for waiting in _waiting(pod):
        if waiting.get("reason") in _PULL_REASONS:
            return waits(
                Reason.IMAGE_PULL_FAILED,
                f"Pod {pod['metadata']['name']}: {waiting['reason']}: {waiting.get('message', '')} "
                "The connector token is the password of Apono's registry: check the token, the image and the way out.",
            )
    return None


def _crash_trouble(pod: Manifest) -> Finding | None:
    for waiting in _waiting(pod):
        if waiting.get("reason") == "CrashLoopBackOff" or waiting.get("reason") in _CONFIG_REASONS:
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            return waits(
                Reason.CRASH_LOOPING,
                f"Pod {name}: {waiting['reason']}: {waiting.get('message', '')} "
                f"See: kubectl logs -n {namespace} {name} --previous",
            )
    return None


def _scheduling_trouble(pod: Manifest) -> Finding | None:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return waits(Reason.UNSCHEDULABLE, f"Pod {pod['metadata']['name']}: {scheduled.get('message', '')}")
    return None


def _deployment_trouble(deployment: Manifest) -> Finding | None:
    failure = _condition(deployment, "ReplicaFailure")
    if failure.get("status") == "True":
        return waits(Reason.PODS_NOT_CREATED, str(failure.get("message", "")))
    progressing = _condition(deployment, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return waits(Reason.PODS_NOT_READY, str(progressing.get("message", "")))
    return None


def _condition(thing: Manifest, kind: str) -> Mapping[str, Any]:
    conditions = thing.get("status", {}).get("conditions", ())
    return next((condition for condition in conditions if condition["type"] == kind), {})
