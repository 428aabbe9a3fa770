"""May this manifest ask for that? One function a rule; each names what to ask the administrator for.

A finding stops the pass before anything is observed or made in AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apono_operator.state.administration import Administration, Grant, qualified
from apono_operator.state.finding import Refusal
from apono_operator.state.management_accounts import SETTING, ManagementAccount, management_account_for
from apono_operator.v1alpha1 import AponoConnectorSpec, ConnectorDeployment, Mode, Reason


@dataclass(frozen=True)
class Request:
    """What a manifest asks for, in which namespace."""

    namespace: str
    spec: AponoConnectorSpec
    own_account_id: str | None = None
    """The account of the operator's credentials, None as long as nobody knows it."""

    @property
    def options(self) -> ConnectorDeployment:
        """What the manifest chooses about the pods, with the defaults of all else."""
        return self.spec.deployment or ConnectorDeployment()

    def image(self, administration: Administration) -> str:
        """Return the image that the pods would run."""
        return self.options.image or administration.connector_image


Rule = Callable[[Request, Administration], "Refusal | None"]


def refusal(request: Request, administration: Administration) -> Refusal | None:
    """Return the first rule's refusal of *request*, or None if all rules let it pass."""
    for rule in _RULES:
        refused = rule(request, administration)
        if refused:
            return refused
    return None


def management_account_of(request: Request, administration: Administration) -> ManagementAccount | Refusal | None:
    """Return the account that the stack of *request* belongs in, or why there is none; None in mode Account.

    In mode ManagementAccount it is the operator's own: None as long as nobody knows that.
    """
    target = request.spec.target
    asked = request.own_account_id if target.mode is Mode.MANAGEMENT_ACCOUNT else target.management_account_id
    if target.mode is Mode.ACCOUNT or (target.mode is Mode.MANAGEMENT_ACCOUNT and asked is None):
        return None
    return management_account_for(
        administration.management_accounts, request.namespace, asked, target.organization_unit_id or ""
    )


def _grant_covers(request: Request, administration: Administration) -> Refusal | None:
    grants = [grant for grant in administration.grants if grant.covers_namespace(request.namespace)]
    lacking = [list(_lacks(request, grant)) for grant in grants]
    if any(not missing for missing in lacking):
        return None
    wish = ", ".join(_fewest(lacking)) if lacking else "connectors at all"
    return Refusal(
        Reason.NOT_PERMITTED,
        f"namespace {request.namespace} is not granted {wish}. Correct the manifest, or ask the administrator of the "
        f"operator to add {_wanted_grant(request, administration)} to the grants (setting APONO_OPERATOR_GRANTS, chart "
        "value grants; the first entry replaces the default, which is the operator's own namespace).",
    )


def _fewest(lacking: list[list[str]]) -> list[str]:
    """The grant that comes nearest is the one to widen."""
    return sorted(lacking, key=len)[0]  # noqa: FURB192 -- mypy takes no len as min's key


def _lacks(request: Request, grant: Grant) -> Iterator[str]:
    spec = request.spec
    if spec.target.mode not in grant.modes:
        yield f"mode {spec.target.mode}"
    if spec.permissions not in grant.permissions:
        yield f"permissions {spec.permissions}"
    image = request.options.image  # the administrator's own choice needs no grant
    if image and not grant.covers_image(image):
        yield f"image {image} (granted: {', '.join(grant.image_registries)})"


def _wanted_grant(request: Request, administration: Administration) -> str:
    image = qualified(request.image(administration)).partition("@")[0]
    repository, colon, tag = image.rpartition(":")
    place = repository if colon and "/" not in tag else image
    return (
        f"{{namespaces: [{request.namespace}], modes: [{request.spec.target.mode}], "
        f"permissions: [{request.spec.permissions}], imageRegistries: [{place}]}}"
    )


def _bounded(request: Request, administration: Administration) -> Refusal | None:
    permissions = request.spec.permissions
    if administration.allow_unbounded_roles or permissions in administration.permissions_boundaries:
        return None
    return Refusal(
        Reason.NOT_PERMITTED,
        f"no permissions boundary is configured for permissions {permissions}, and no role is made without one. "
        "Ask the administrator to set it (APONO_OPERATOR_PERMISSIONS_BOUNDARIES, chart value permissionsBoundaries).",
    )


def management_account_granted(request: Request, administration: Administration) -> Refusal | None:
    """Return why there is no management account for *request*, None if there is, or if the mode needs none.

    In mode ManagementAccount, ask again once the operator's own account is known.
    """
    found = management_account_of(request, administration)
    if isinstance(found, ManagementAccount):
        return _bounded_there(request, found)
    return found


def _bounded_there(request: Request, account: ManagementAccount) -> Refusal | None:
    """No setting lets a role in the management account be without a boundary."""
    permissions = request.spec.permissions
    if permissions in account.permissions_boundaries:
        return None
    return Refusal(
        Reason.NOT_PERMITTED,
        f"the management account has no permissions boundary for permissions {permissions}, and no role is made there "
        f"without one. Ask the administrator of the operator to add permissionsBoundaries.{permissions} to the entry "
        f"of the account ({SETTING}), or ask for other permissions.",
    )


def _managed_policies_allowed(request: Request, administration: Administration) -> Refusal | None:
    asked = (request.spec.role.managed_policy_arns if request.spec.role else None) or ()
    return _outside_list(
        "spec.role.managedPolicyArns",
        [arn for arn in asked if not administration.allows_managed_policy(arn)],
        "APONO_OPERATOR_ALLOWED_MANAGED_POLICY_ARNS, chart value allowedManagedPolicyArns",
    )


def _role_tags_allowed(request: Request, administration: Administration) -> Refusal | None:
    """IAM takes keys that differ in case alone for the same: the administrator's tags must not be overwritten so."""
    asked = (request.spec.role.tags if request.spec.role else None) or {}
    taken = {key.lower() for key in administration.role_tags}
    return _outside_list(
        "spec.role.tags",
        [key for key in asked if key.lower() in taken or not administration.allows_role_tag(key)],
        "APONO_OPERATOR_ALLOWED_ROLE_TAG_KEYS, chart value allowedRoleTagKeys",
    )


def _env_allowed(request: Request, administration: Administration) -> Refusal | None:
    """A variable such as NODE_OPTIONS or LD_PRELOAD runs code of the author's choice under the connector's role."""
    names = [variable.name for variable in request.options.env or ()]
    return _outside_list(
        "spec.deployment.env",
        [name for name in names if not administration.allows_env(name)],
        "APONO_OPERATOR_ALLOWED_ENV_NAMES, chart value allowedEnvNames",
    )


def _pod_labels_allowed(request: Request, administration: Administration) -> Refusal | None:
    """Services and network policies of others select pods by label."""
    return _outside_list(
        "spec.deployment.podLabels",
        [key for key in request.options.pod_labels or () if not administration.allows_pod_label(key)],
        "APONO_OPERATOR_ALLOWED_POD_LABEL_KEYS, chart value allowedPodLabelKeys",
    )


def _pod_annotations_allowed(request: Request, administration: Administration) -> Refusal | None:
    """Annotations turn AppArmor off, and bid injectors add containers."""
    return _outside_list(
        "spec.deployment.podAnnotations",
        [key for key in request.options.pod_annotations or () if not administration.allows_pod_annotation(key)],
        "APONO_OPERATOR_ALLOWED_POD_ANNOTATION_KEYS, chart value allowedPodAnnotationKeys",
    )


def _outside_list(field: str, refused: list[str], setting: str) -> Refusal | None:
    if not refused:
        return None
    return Refusal(
        Reason.NOT_PERMITTED,
        f"{field}: {', '.join(sorted(refused))} is not on the administrator's list. "
        f"Remove it, or ask the administrator to allow it ({setting}).",
    )


_RULES: tuple[Rule, ...] = (
    _grant_covers,
    _bounded,
    management_account_granted,
    _managed_policies_allowed,
    _role_tags_allowed,
    _env_allowed,
    _pod_labels_allowed,
    _pod_annotations_allowed,
)
