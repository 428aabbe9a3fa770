"""What differs from what was carried out, in words for people, and what a pass may do about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apono_operator.state import plan
from apono_operator.state.desired import DESIRED_HASH_ANNOTATION, RESTARTS_ANNOTATION, SETTLED_ANNOTATION
from apono_operator.state.finding import Finding, Next, found
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.resources import TAG_UID, IamRole, Manifest, ObjectKey, Owner, State, key_of
from apono_operator.v1alpha1 import AponoConnectorSpec, ConditionStatus, DriftPolicy, Reason

_OWN_ACCOUNT = (RESTARTS_ANNOTATION, SETTLED_ANNOTATION, DESIRED_HASH_ANNOTATION)
_VERSIONS = ("generation", "managedFields", "resourceVersion")
_NAMED = 2
"""How many statements, actions or resources are named before the rest is counted."""


@dataclass(frozen=True)
class Mandate:
    """What a pass may do about a difference.

    Attributes:
        carried_out: Whether all that is asked for now was there before, so that every difference is drift.
        suspended: Whether nothing may be changed.
        report: Whether drift is told and left alone.
    """

    carried_out: bool
    suspended: bool = False
    report: bool = False

    @classmethod
    def of(cls, spec: AponoConnectorSpec, *, carried_out: bool) -> Mandate:
        """Return what the manifest allows."""
        return cls(carried_out, suspended=spec.suspend, report=spec.drift_policy is DriftPolicy.REPORT)

    @property
    def changes(self) -> bool:
        """Whether a difference may be put right."""
        return not self.suspended and not (self.report and self.carried_out)

    @property
    def corrects(self) -> bool:
        """Whether what is put right is drift."""
        return self.changes and self.carried_out


@dataclass(frozen=True)
class Digest:
    """A fingerprint of what is asked for; the role's for itself, so that another token asks nothing of the role."""

    role: str = ""
    objects: str = ""
    stack: str = ""
    """That of the management-account stack, empty in a mode without one."""

    @classmethod
    def of(cls, desired: State) -> Digest:
        """Return the fingerprint of all that *desired* asks for; a stack's is its own digest.

        Objects are represented by the hash that they bear, which tells nothing of the token.
        """
        marks = {str(key): _mark(manifest) for key, manifest in desired.objects.items()}
        return cls(_hash(_plain(desired.role) if desired.role else None), _hash(marks))

    @classmethod
    def parse(cls, text: object) -> Digest:
        """Return what ``status.lastAppliedHash`` says; one that matches nothing, if it says nothing that we know."""
        role, objects, stack, *_ = [*str(text or "").split("."), "", ""]
        return cls(role, objects, stack)

    def begun(self, *, role: Mandate, objects: Mandate) -> Digest:
        """Return what is left of it when the changes that the mandates ask for are begun."""
        return replace(
            self,
            role=self.role if role.carried_out or not role.changes else "",
            objects=self.objects if objects.carried_out or not objects.changes else "",
        )

    def __str__(self) -> str:
        return f"{self.role}.{self.objects}" + (f".{self.stack}" if self.stack else "")


def role_differences(changes: Iterable[plan.RoleChange], observed: IamRole | None) -> tuple[str, ...]:
    """Return what *changes* would put right on the role, a line for each."""
    if observed is None:
        return tuple(
            f"IAM role {change.role.arn} is missing" for change in changes if isinstance(change, plan.CreateRole)
        )
    return tuple(line for change in changes for line in _lines(change, observed))


def object_differences(changes: Iterable[plan.ApplyObject]) -> tuple[str, ...]:
    """Return what *changes* would put right on Kubernetes objects, a line for each object; never a value."""
    return tuple(_object_line(change) for change in changes)


def is_object_drift(change: plan.ApplyObject) -> bool:
    """Tell whether *change* puts right what others did: more than our own account of restarts is another."""
    return not all(path.endswith(_OWN_ACCOUNT) for path in change.because)


def situation(desired: Manifest, observed: Manifest) -> str:
    """Return a fingerprint of what an object should be and what it is, whatever becomes of its status and versions."""
    metadata = {name: value for name, value in observed["metadata"].items() if name not in _VERSIONS}
    seen = {name: value for name, value in observed.items() if name != "status"}
    return _hash([desired, {**seen, "metadata": metadata}])


def taken_up_from(observed: IamRole | None, owner: Owner) -> str | None:
    """Return the uid of the object that had the role before *owner*; None if there is no role, or it is *owner*'s."""
    uid = observed.tags.get(TAG_UID) if observed else None
    return uid if uid and uid != owner.uid else None


def drift_finding(drifted: Sequence[str], foreign: Sequence[str], role_arn: str) -> Finding | None:
    """Return what the condition Drifted says, None if nothing differs.

    Args:
        drifted: Differences from what was carried out, that are still there.
        foreign: Policies on the role that are not this connector's.
        role_arn: The role's ARN.
    """
    sentences = [f"Changed by others: {'; '.join(drifted)}."] if drifted else []
    if foreign:
        sentences.append(f"On role {role_arn}, and not this connector's: {'; '.join(foreign)}; left alone.")
    if not sentences:
        return None
    return found(Reason.DRIFTED if drifted else Reason.FOREIGN_POLICIES, " ".join(sentences))


def suspension_finding(pending: Sequence[str]) -> Finding:
    """Return what the condition Suspended says; *pending* are the changes that wait."""
    waiting = f" Not as asked: {'; '.join(pending)}." if pending else ""
    return found(Reason.SUSPENDED, f"Nothing is changed while spec.suspend is true.{waiting}")


def untouched_role_finding(mandate: Mandate, role: IamRole, observed: IamRole | None) -> Finding:
    """Return how a role is that is not as asked, and that *mandate* does not let us change."""
    if observed is None:
        return _missing(mandate, Reason.ROLE_MISSING, f"Role {role.arn}")
    if not mandate.carried_out:
        return _pending(f"Role {role.arn}")
    return found(Reason.ROLE_DIFFERS, f"Role {role.arn} is there; the condition Drifted tells what differs.")


def untouched_objects_finding(
    mandate: Mandate, changes: Sequence[plan.ApplyObject], observed: Mapping[ObjectKey, Manifest], pods: Finding
) -> Finding:
    """Return how children are that *mandate* does not let us write.

    Args:
        mandate: What may be done.
        changes: What would be written.
        observed: The objects that are there.
        pods: How the pods are doing.
    """
    keys = [key_of(change.manifest) for change in changes]
    missing = [str(key) for key in keys if key not in observed]
    if missing:
        return _missing(mandate, Reason.OBJECT_MISSING, ", ".join(missing))
    if keys and not mandate.carried_out:
        return _pending(", ".join(map(str, keys)))
    if pods.reason is Reason.ROLE_NOT_INJECTED:
        message = f"Pods run without the connector role, and are not started anew because {_why(mandate)}."
        return Finding(ConditionStatus.FALSE, Reason.ROLE_NOT_INJECTED, message, Next.SOMEBODY)
    return pods


def untouched_stack_finding(mandate: Mandate, name: str, *, missing: bool) -> Finding:
    """Return how the stack called *name* is that is not as asked, and that *mandate* does not let us change."""
    if missing:
        return _missing(mandate, Reason.OBJECT_MISSING, f"Stack {name}")
    if not mandate.carried_out:
        return _pending(f"Stack {name}")
    return found(Reason.STACK_DIFFERS, f"Stack {name} is there; the condition Drifted tells what differs.")


def _missing(mandate: Mandate, reason: Reason, what: str) -> Finding:
    awaits = Next.NOTHING if mandate.suspended else Next.SOMEBODY
    message = f"{what}: missing, and not made because {_why(mandate)}."
    return Finding(ConditionStatus.FALSE, reason, message, awaits)


def _why(mandate: Mandate) -> str:
    return "spec.suspend is true" if mandate.suspended else "spec.driftPolicy is Report"


def _pending(what: str) -> Finding:
    message = f"{what}: not as asked yet, and not changed while spec.suspend is true."
    return Finding(ConditionStatus.FALSE, Reason.SUSPENDED, message, Next.NOTHING)


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _plain(role: IamRole) -> Mapping[str, Any]:
    return {
        "arn": role.arn,
        "trust": role.trust.meaning,
        "permissions": role.permissions.meaning,
        "managedPolicies": sorted(role.managed_policy_arns or ()),
        "boundary": role.permissions_boundary,
        "maxSessionDuration": role.max_session_duration,
        "description": role.description,
        "tags": dict(role.tags),
    }


def _mark(manifest: Manifest) -> str | None:
    mark: str | None = manifest["metadata"].get("annotations", {}).get(DESIRED_HASH_ANNOTATION)
    return mark


def _object_line(change: plan.ApplyObject) -> str:
    key = key_of(change.manifest)
    return f"{key} is missing" if change.because == plan.MISSING else f"{key}: {', '.join(change.because)}"


def _lines(change: plan.RoleChange, observed: IamRole) -> Iterator[str]:
    match change:
        case plan.PutTrust():
            yield f"the trust policy {_document_difference(change.trust, observed.trust)}"
        case plan.PutInlinePolicy():
            what = _document_difference(change.document, observed.permissions)
            yield f"the inline policy {change.policy_name} {what}"
        case plan.PutBoundary():
            seen = observed.permissions_boundary or "missing"
            yield f"the permissions boundary is {seen} instead of {change.boundary}"
        case plan.DropBoundary():
            yield f"there is a permissions boundary, {observed.permissions_boundary}"
        case plan.AttachPolicy():
            yield f"the managed policy {change.policy_arn} is not attached"
        case plan.DetachPolicy():
            yield f"the managed policy {change.policy_arn} is attached"
        case _:
            yield from _detail_lines(change, observed)


def _detail_lines(change: plan.RoleChange, observed: IamRole) -> Iterator[str]:
    match change:
        case plan.TagRole():
            for key, value in sorted(change.tags.items()):
                yield f"the tag {key} is {observed.tags.get(key, 'missing')} instead of {value}"
        case plan.UntagRole():
            yield from (f"there is a tag {key}" for key in sorted(change.keys))
        case plan.UpdateRole():
            if observed.description != change.description:
                yield "the description is another"
            if observed.max_session_duration != change.max_session_duration:
                seen, asked = observed.max_session_duration, change.max_session_duration
                yield f"the longest session is {seen} s instead of {asked} s"
        case _:  # what makes or deletes a role puts no drift right
            return


def _document_difference(desired: PolicyDocument, observed: PolicyDocument | None) -> str:
    if observed is None:
        return "is missing"
    wanted, seen = frozenset(desired.statements), frozenset(observed.statements)
    parts = [_counted("lacks", wanted - seen), _counted("has", seen - wanted)]
    return " and ".join(filter(None, parts)) or "is another"


def _counted(verb: str, statements: frozenset[str]) -> str:
    return f"{verb} {_some(sorted(_statement(json.loads(text)) for text in statements))}" if statements else ""


def _statement(statement: Mapping[str, Any]) -> str:
    """Return a statement in short: ``Allow iam:passrole, sts:assumerole +3 on *``."""
    parts = [str(statement.get("Effect", "?"))]
    for joint, names in (("", ("Action", "NotAction")), ("on ", ("Resource", "NotResource")), ("for ", ("Principal",))):
        parts += [f"{joint}{_prefix(name)}{_value(statement[name])}" for name in names if name in statement]
    return f"[{' '.join(parts)}{' if …' if 'Condition' in statement else ''}]"


def _prefix(name: str) -> str:
    return "all but " if name.startswith("Not") else ""


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _some([f"{kind} {name}" for kind, names in sorted(value.items()) for name in names])
    return _some([str(one) for one in value])


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" +{more}" if more > 0 else "")
