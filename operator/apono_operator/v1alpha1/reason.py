"""Every Reason that a condition or an Event can carry: the closed set that people and scripts match on."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition has its status; the text beside each becomes the generated reference."""

    explanation: str
    remedy: str

    def __new__(cls, value: str, explanation: str, remedy: str) -> Reason:  # noqa: PYI034 -- enums make their own members
        """Make a member that knows what it means and what to do about it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = explanation
        member.remedy = remedy
        return member

    # --- everything is as asked -------------------------------------------------------------------------------
    CONNECTOR_READY = (
        "ConnectorReady",
        "The role, its identity and the pods are all as the manifest asks.",
        "Nothing.",
    )
    ACCEPTED = "Accepted", "The manifest is valid, and the administrator's grants allow it.", "Nothing."
    CREDENTIALS_ACCEPTED = "CredentialsAccepted", "AWS accepts the operator's own credentials.", "Nothing."
    PROVIDER_FOUND = "ProviderFound", "IAM knows the cluster's OIDC issuer and its audience.", "Nothing."
    ORGANIZATION_FOUND = (
        "OrganizationFound",
        "The organization is the one that the manifest names, and has all that is needed.",
        "Nothing.",
    )
    TOKEN_FOUND = "TokenFound", "The connector token was read from its Secret.", "Nothing."
    ROLE_IN_SYNC = "RoleInSync", "The connector role is in IAM as the manifest asks.", "Nothing."
    PODS_AVAILABLE = "PodsAvailable", "Every replica is ready and runs with the connector role.", "Nothing."

    # --- what the user wrote ----------------------------------------------------------------------------------
    INVALID_SPEC = (
        "InvalidSpec",
        "The spec passed the API server but not the operator's own, stricter reading.",
        "Correct the field that the message names.",
    )
    NOT_PERMITTED = (
        "NotPermitted",
        "The administrator's grants do not allow this namespace what the manifest asks for.",
        "Ask the administrator for the grant that the message spells out, or ask for less.",
    )
    ACCOUNT_MISMATCH = (
        "AccountMismatch",
        "spec.target.accountId is another account than that of the operator's credentials.",
        "Correct the id, or apply the manifest to the cluster of that account.",
    )
    TOKEN_SECRET_MISSING = (
        "TokenSecretMissing",
        "The Secret that spec.tokenSecretRef names does not exist.",
        "Create the Secret; it is seen within a minute.",
    )
    TOKEN_KEY_MISSING = (
        "TokenKeyMissing",
        "The Secret exists, but the key is missing or empty.",
        "Put the connector token under the key that the message names.",
    )

    TOKEN_INVALID = (
        "TokenInvalid",
        "The value under the key is no token: there is white space in it.",
        "Store the token alone, without a line break behind it.",
    )

    # --- what the administrator set up ------------------------------------------------------------------------
    NO_CREDENTIALS = (
        "NoCredentials",
        "The operator has no AWS credentials, or AWS does not accept them.",
        "Check the operator's own role (IRSA annotation on its ServiceAccount) and restart it.",
    )
    PROVIDER_MISSING = (
        "ProviderMissing",
        "IAM has no OIDC provider for this cluster's issuer, so no pod can use a role.",
        "Run the command in the message once for this cluster.",
    )
    PROVIDER_LACKS_AUDIENCE = (
        "ProviderLacksAudience",
        "The OIDC provider does not list the audience sts.amazonaws.com.",
        "Run the command in the message once for this cluster.",
    )
    ACCESS_DENIED = (
        "AccessDenied",
        "AWS denies the operator an action.",
        "Allow the operator's role the action that the message names.",
    )
    FORBIDDEN = (
        "Forbidden",
        "Kubernetes denies the operator an action.",
        "Grant the operator's ServiceAccount the right that the message names (chart value grants).",
    )

    # --- what stands in the way -------------------------------------------------------------------------------
    NAME_CONFLICT = (
        "NameConflict",
        "An object or a role of the name we need exists and is not this connector's; it is left alone.",
        "Rename or delete that object, or name the connector differently.",
    )
    CLAIMED_ELSEWHERE = (
        "ClaimedElsewhere",
        "Another installation of the operator serves the connector; this one leaves it alone.",
        "Take the namespace out of one of them, or uninstall one; which, the message tells.",
    )
    REJECTED = (
        "Rejected",
        "AWS or Kubernetes refuses what we ask as invalid.",
        "Correct what the message names.",
    )
    LIMIT_EXCEEDED = (
        "LimitExceeded",
        "An AWS quota is reached.",
        "Raise the quota that the message names, or free some of it.",
    )

    # --- changed by others -----------------------------------------------------------------------------------
    DRIFTED = (
        "Drifted",
        "Others changed what was made for the connector, and it was not put right.",
        "Undo the change that the message names, or set spec.driftPolicy to Correct.",
    )
    FOREIGN_POLICIES = (
        "ForeignPolicies",
        "There are policies on the connector's role that are not the connector's.",
        "Take them off if they should not be there. The operator leaves them alone.",
    )
    DRIFT_CORRECTED = (
        "DriftCorrected",
        "Others changed what was made for the connector, and it was put right.",
        "Find out who it was; AWS CloudTrail and the Kubernetes audit log tell.",
    )
    ROLE_DIFFERS = (
        "RoleDiffers",
        "The role is there, but not all as asked, and is left so.",
        "See the conditions Drifted and Suspended.",
    )
    ROLE_MISSING = (
        "RoleMissing",
        "The role is not there, and is not made because of spec.driftPolicy or spec.suspend.",
        "Set spec.driftPolicy to Correct, or spec.suspend to false.",
    )
    OBJECT_MISSING = (
        "ObjectMissing",
        "A child is not there, and is not made because of spec.driftPolicy or spec.suspend.",
        "Set spec.driftPolicy to Correct, or spec.suspend to false.",
    )
    ROLE_TAKEN_UP = (
        "RoleTakenUp",
        "A role that was made for an earlier connector of this namespace and name serves this one now.",
        "Nothing.",
    )
    ROLE_REPLACED = (
        "RoleReplaced",
        "The role was deleted and made again, and has another unique id now.",
        "Save again the policies elsewhere that name the role's ARN as a principal: they hold the old id.",
    )
    SUSPENDED = "Suspended", "spec.suspend is true.", "Set spec.suspend to false to go on."

    # --- the organization ------------------------------------------------------------------------------------
    ORGANIZATION_MISMATCH = (
        "OrganizationMismatch",
        "The operator's account is in another organization than spec.target.organizationId names, or in none.",
        "Delete the connector and make it anew with the right id, which the message names: it is immutable.",
    )
    MANAGEMENT_ACCOUNT_MISMATCH = (
        "ManagementAccountMismatch",
        "The account that the operator is configured to enter is not the organization's management account.",
        "Ask the administrator to correct the entry of the account (chart value managementAccounts).",
    )
    FEATURES_NOT_ENABLED = (
        "FeaturesNotEnabled",
        "The organization is for consolidated billing alone; StackSets need all of its features.",
        "Run the command in the message in the management account; every member has to agree.",
    )
    UNIT_MISSING = (
        "UnitMissing",
        "The organization has no such root or organizational unit.",
        "Correct spec.target.organizationUnitId; the message has the commands that list what there is.",
    )
    UNSUPPORTED_PARTITION = (
        "UnsupportedPartition",
        "Organizations of that AWS partition are not served, or cluster and management account are in different ones.",
        "Use a cluster and a management account of one partition that the message names.",
    )
    TRUSTED_ACCESS_ENABLED = (
        "TrustedAccessEnabled",
        "CloudFormation StackSets have trusted access to the organization.",
        "Nothing.",
    )
    TRUSTED_ACCESS_DISABLED = (
        "TrustedAccessDisabled",
        "CloudFormation StackSets have no trusted access to the organization, so the stack is not made or changed.",
        "Run the command in the message in the management account.",
    )
    IDENTITY_CENTER_FOUND = (
        "IdentityCenterFound",
        "The organization has IAM Identity Center.",
        "Nothing.",
    )
    IDENTITY_CENTER_MISSING = (
        "IdentityCenterMissing",
        "The organization has no IAM Identity Center that is active, so the connector cannot grant access by it.",
        "Enable it in the console, as the message says, if access is to be granted by it.",
    )

    # --- the management account ------------------------------------------------------------------------------
    STACK_IN_SYNC = "StackInSync", "The management-account stack is as the manifest asks.", "Nothing."
    STACK_IN_PROGRESS = "StackInProgress", "CloudFormation is working on the management-account stack.", "Wait."
    STACK_FAILED = (
        "StackFailed",
        "CloudFormation could not make, change or delete the management-account stack.",
        "Mend what the message names; the operator tries again by itself, or at once when it is asked to.",
    )
    STACK_DIFFERS = (
        "StackDiffers",
        "The management-account stack is there, but not all as asked, and is left so.",
        "See the condition Drifted.",
    )
    STACK_PROTECTED = (
        "StackProtected",
        "Somebody protected the management-account stack against its deletion.",
        "Take the protection off, or set spec.deletionPolicy to Retain.",
    )
    PARAMETERS_MISSING = (
        "ParametersMissing",
        "The template of the management account asks for parameters that the operator cannot fill in.",
        "Give the parameters that the message names defaults, or use the operator's template.",
    )
    MANAGEMENT_ROLE_UNUSABLE = (
        "ManagementRoleUnusable",
        "The role that the stack tells of is not there, lacks its boundary, or is one that no connector may assume.",
        "Do what the message says: use another template, or mend the role.",
    )
    TRUST_BROKEN = (
        "TrustBroken",
        "The trust policy of the management role does not let the connector role in.",
        "Save the trust policy again, or delete the stack, which is then made anew.",
    )
    ROLE_WOULD_BE_REPLACED = (
        "RoleWouldBeReplaced",
        "The change of the stack would replace or remove the management role.",
        "Undo what asks for it, or allow it by the annotation that the message names.",
    )

    # --- member accounts -------------------------------------------------------------------------------------
    MEMBER_ROLES_CURRENT = (
        "MemberRolesCurrent",
        "Every account below the unit that is not suspended has the role of the connector.",
        "Nothing.",
    )
    MEMBER_ROLES_IN_PROGRESS = (
        "MemberRolesInProgress",
        "The StackSet is laying the role, or a change of it, in member accounts.",
        "Wait.",
    )
    MEMBER_ACCOUNTS_FAILED = (
        "MemberAccountsFailed",
        "In some member accounts the StackSet could not lay or change the role; the connector works in all others.",
        "Mend what the message says of the first of them, and run the command in it.",
    )
    MEMBER_ROLES_NOT_MADE = (
        "MemberRolesNotMade",
        "The management-account stack has no StackSet: the connector reaches the management account alone.",
        "Ask the administrator for memberTemplateUrl in the entry of the account (chart value managementAccounts).",
    )
    UNIT_CHANGES = (
        "UnitChanges",
        "An Event: the unit is about to become another; accounts outside of it lose their role.",
        "Nothing, if that is what was meant; else put spec.target.organizationUnitId back.",
    )

    # --- waits ------------------------------------------------------------------------------------------------
    THROTTLED = "Throttled", "AWS asks for fewer calls; the operator backs off.", "Wait."
    AWS_UNAVAILABLE = "AWSUnavailable", "AWS does not answer, or answers with a server error.", "Wait."
    KUBERNETES_UNAVAILABLE = "KubernetesUnavailable", "The API server does not answer as it should.", "Wait."
    PROPAGATING = "Propagating", "AWS has accepted a change that is not visible everywhere yet.", "Wait."
    WAITING = "Waiting", "An earlier step has to succeed first.", "See the condition that the message names."
    RECONCILING = "Reconciling", "Changes are being made.", "Wait."
    DELETING = "Deleting", "The connector is being taken away.", "Wait."
    OPERATOR_ERROR = (
        "OperatorError",
        "The operator met a case it does not know; details are in its log.",
        "Report it with the operator's log; it tries again by itself.",
    )

    # --- the pods ---------------------------------------------------------------------------------------------
    ROLLOUT_IN_PROGRESS = "RolloutInProgress", "Pods are being started or replaced.", "Wait."
    IMAGE_PULL_FAILED = (
        "ImagePullFailed",
        "The node cannot pull the connector's image.",
        "Check the token (it is the registry's password), the image's name, and the way out to the registry.",
    )
    CONTAINER_NOT_STARTED = (
        "ContainerNotStarted",
        "The node cannot make or start the container.",
        "Mend what the message names, such as a Secret or a key in it that is missing.",
    )
    CRASH_LOOPING = (
        "CrashLooping",
        "The connector's container ended, was started again, and is not ready.",
        "Read its log with the command in the message.",
    )
    PODS_NOT_CREATED = (
        "PodsNotCreated",
        "Kubernetes refuses to create the pods.",
        "Mend what the message names: a quota, a pod security level, an admission webhook.",
    )
    UNSCHEDULABLE = "Unschedulable", "No node takes the pods.", "Mend what the scheduler's message names."
    PODS_NOT_READY = (
        "PodsNotReady",
        "Pods run but do not become ready within the rollout's deadline.",
        "Read the pods' log and events.",
    )
    ROLE_NOT_INJECTED = (
        "RoleNotInjected",
        "Pods run without the role: the pod identity webhook did not change them.",
        "Check the EKS pod identity webhook and that the namespace is not excluded from it.",
    )

    # --- the end ----------------------------------------------------------------------------------------------
    ROLE_RETAINED = (
        "RoleRetained",
        "The connector is gone; its role stays, as deletionPolicy asks.",
        "Nothing.",
    )
    ROLE_ORPHANED = (
        "RoleOrphaned",
        "The connector is gone, its role is still there, and nobody looks after it.",
        "Apply the connector again, delete the role, or tag it as retained, each as the message says.",
    )
    DELETED = "Deleted", "Everything that was made for the connector is gone.", "Nothing."
