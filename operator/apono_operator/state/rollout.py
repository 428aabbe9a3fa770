"""How the connector's pods are doing, and whether they run with the role.

The EKS pod identity webhook changes pods only when they are created, and lets them through when it is down: a
pod may run without the role, silently. Such pods are started anew, a bounded number of times.

What keeps pods from running is told in words that stay the same as long as the trouble does: a container in trouble
goes round through several states, its pods are replaced, and every other word would be written and told again.

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
from apono_operator.state.resources import CONNECTOR_LABEL, Manifest
from apono_operator.v1alpha1 import Reason

ROLE_VARIABLE = "AWS_ROLE_ARN"
RESTART_LIMIT = 3
RESTART_PAUSES = (timedelta(seconds=2), timedelta(seconds=20), timedelta(seconds=60))
"""How old a pod without the role must be before the first, second and third restart."""

_COUNT = re.compile(r"[0-9]{1,9}")
_NAMED_POD = re.compile(r'\b([Pp]ods?):? "[^"]*"')
_PULL_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
_DEADLINE_SECONDS = 600
"""What the API server fills in (Kubernetes API reference, DeploymentSpec, ``progressDeadlineSeconds``)."""

_CONFIG_REASON = "CreateContainerConfigError"
_START_REASONS = frozenset(
    {_CONFIG_REASON, "CreateContainerError", "PreCreateHookError", "PreStartHookError", "RunContainerError"}
)
_GRAVEST_FIRST = (
    Reason.IMAGE_PULL_FAILED,
    Reason.CONTAINER_NOT_STARTED,
    Reason.CRASH_LOOPING,
    Reason.UNSCHEDULABLE,
    Reason.PODS_NOT_CREATED,
    Reason.PODS_NOT_READY,
)


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


def availability(deployment: Manifest | None, pods: Sequence[Manifest], role_arn: str, now: datetime) -> Finding:
    """Return whether the connector runs as asked, or what keeps it from that.

    Trouble may pass by itself for as long as Kubernetes gives a rollout; then somebody has to look into it.

    Args:
        deployment: The Deployment as the API server has it, None if it is missing.
        pods: The connector's pods.
        role_arn: The role that the pods should run with.
        now: The present time, with a time zone.
    """
    if deployment is None:
        return waits(Reason.ROLLOUT_IN_PROGRESS, "The Deployment is being created.")
    living = list(_living(pods))
    injection = injection_of(deployment)
    without = [pod for pod in living if _is_of(pod, injection, role_arn) and not _has_role(pod, role_arn)]
    if without:
        return _role_not_injected(deployment, len(without), injection)
    if _is_rolled_out(deployment):
        return found(Reason.PODS_AVAILABLE, f"{_available(deployment)} of {_replicas(deployment)} pods are available.")
    trouble = _trouble(deployment, living)
    seen = f"{_available(deployment)} of {_replicas(deployment)} pods are available"
    if not _is_overdue(deployment, now):
        return trouble or waits(Reason.ROLLOUT_IN_PROGRESS, f"{seen}.")
    if trouble:
        return stuck(trouble.reason, trouble.message)
    return stuck(
        Reason.PODS_NOT_READY, f"{seen}, for longer than a rollout may take. Read why: {_describe(deployment)}"
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


def _role_not_injected(deployment: Manifest, count: int, injection: Injection) -> Finding:
    pods = "1 pod" if count == 1 else f"{count} pods"
    what = f"The pod identity webhook did not give the connector role to {pods}."
    if injection.attempts < RESTART_LIMIT:
        return waits(Reason.ROLE_NOT_INJECTED, f"{what} Pods without it are started anew.")
    metadata = deployment["metadata"]
    return stuck(
        Reason.ROLE_NOT_INJECTED,
        f"{what} Pods were started anew {injection.attempts} times. Check that the webhook "
        "(MutatingWebhookConfiguration pod-identity-webhook) works, then run: "
        f"kubectl rollout restart -n {metadata['namespace']} deployment/{metadata['name']}",
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


def _is_overdue(deployment: Manifest, now: datetime) -> bool:
    """Tell whether the rollout's deadline is over; Kubernetes itself never says so of pods that failed after it."""
    if _condition(deployment, "Progressing").get("reason") == _DEADLINE_EXCEEDED:
        return True
    available = _condition(deployment, "Available")
    if available.get("status") != "False":
        return False
    deadline = timedelta(seconds=deployment["spec"].get("progressDeadlineSeconds", _DEADLINE_SECONDS))
    return now - datetime.fromisoformat(available["lastTransitionTime"]) > deadline


def _trouble(deployment: Manifest, pods: Iterable[Manifest]) -> Finding | None:
    """Return the gravest trouble, in whatever order the pods are listed."""
    of_pods = (finding for pod in pods for finding in _pod_troubles(pod, deployment))
    return min((*of_pods, *_deployment_troubles(deployment)), key=_gravity, default=None)


def _gravity(finding: Finding) -> tuple[int, str]:
    return _GRAVEST_FIRST.index(finding.reason), finding.message


def _pod_troubles(pod: Manifest, deployment: Manifest) -> Iterator[Finding]:
    images = {container["name"]: container.get("image", "") for container in pod["spec"]["containers"]}
    for status in pod.get("status", {}).get("containerStatuses", ()):
        finding = None if status.get("ready") else _container_trouble(status, images, deployment)
        if finding:
            yield finding
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        yield waits(Reason.UNSCHEDULABLE, f"No node takes the pod: {_unnamed(scheduled.get('message', ''))}")


def _container_trouble(status: Mapping[str, Any], images: Mapping[str, str], deployment: Manifest) -> Finding | None:
    """Tell what keeps a container from being ready.

    That it ended before comes first: between two tries to make or pull it anew, the kubelet says CrashLoopBackOff.
    """
    waiting = status.get("state", {}).get("waiting") or {}
    reason = waiting.get("reason")
    if status.get("restartCount") or _last_end(status) or reason == "CrashLoopBackOff":
        return _crash_looping(status, deployment)
    if reason in _PULL_REASONS:
        return _image_pull_failed(images.get(status["name"], ""), deployment)
    return _not_started(status["name"], waiting, deployment) if reason in _START_REASONS else None


def _last_end(status: Mapping[str, Any]) -> Mapping[str, Any]:
    end: Mapping[str, Any] = status.get("lastState", {}).get("terminated") or {}
    return end


def _crash_looping(status: Mapping[str, Any], deployment: Manifest) -> Finding:
    name, metadata = status["name"], deployment["metadata"]
    return waits(
        Reason.CRASH_LOOPING,
        f"Container {name} keeps ending{_how(_last_end(status))}. Read why: "
        f"kubectl logs -n {metadata['namespace']} deployment/{metadata['name']} --previous -c {name}; "
        f"if there is no log: {_describe(deployment)}",
    )


def _how(end: Mapping[str, Any]) -> str:
    details = [f"exit code {end['exitCode']}", end.get("reason")] if end else []
    return f" ({', '.join(filter(None, details))})" if details else ""


def _image_pull_failed(image: str, deployment: Manifest) -> Finding:
    """Say it without the kubelet's words: those of ErrImagePull and ImagePullBackOff take turns."""
    return waits(
        Reason.IMAGE_PULL_FAILED,
        f"Image {image} cannot be pulled. The connector token is the password of Apono's registry: check the token, "
        "the image's name and the way out. The kubelet's own words, such as those of ErrImagePull: "
        f"{_describe(deployment)}",
    )


def _not_started(name: str, waiting: Mapping[str, Any], deployment: Manifest) -> Finding:
    """Quote what the kubelet finds wrong by itself; a container runtime's words are others with each try."""
    reason = waiting["reason"]
    message = _unnamed(waiting.get("message", "")) if reason == _CONFIG_REASON else ""
    what = f"{reason}: {message}" if message else reason
    return waits(
        Reason.CONTAINER_NOT_STARTED, f"Container {name} cannot be started: {what}. More: {_describe(deployment)}"
    )


def _deployment_troubles(deployment: Manifest) -> Iterator[Finding]:
    failure = _condition(deployment, "ReplicaFailure")
    if failure.get("status") == "True":
        yield waits(Reason.PODS_NOT_CREATED, _unnamed(failure.get("message", "")))
    progressing = _condition(deployment, "Progressing")
    if progressing.get("reason") == _DEADLINE_EXCEEDED:
        yield waits(Reason.PODS_NOT_READY, str(progressing.get("message", "")))


def _unnamed(text: str) -> str:
    """Take the names of pods out of Kubernetes' own words."""
    return _NAMED_POD.sub(r"\1", text)


def _describe(deployment: Manifest) -> str:
    label = deployment["spec"]["selector"]["matchLabels"][CONNECTOR_LABEL]
    return f"kubectl describe pods -n {deployment['metadata']['namespace']} -l {CONNECTOR_LABEL}={label}"


def _condition(thing: Manifest, kind: str) -> Mapping[str, Any]:
    conditions = thing.get("status", {}).get("conditions", ())
    return next((condition for condition in conditions if condition["type"] == kind), {})
