"""Does IAM trust this cluster's ServiceAccount tokens? Verified, never changed: it is the cluster's affair.

Source: Amazon EKS User Guide, "Create an IAM OIDC provider for your cluster".
"""

from __future__ import annotations

from apono_operator.state.desired import AUDIENCE
from apono_operator.state.finding import Finding, found, stuck
from apono_operator.state.resources import Cluster
from apono_operator.v1alpha1 import Reason


def provider_finding(cluster: Cluster, audiences: frozenset[str] | None) -> Finding:
    """Return whether pods of *cluster* can use roles.

    Args:
        cluster: Issuer and account.
        audiences: The provider's client ids, None if there is no provider.
    """
    if audiences is None:
        return stuck(
            Reason.PROVIDER_MISSING,
            f"IAM of account {cluster.account_id} has no OIDC provider for this cluster. Run once: "
            f"aws iam create-open-id-connect-provider --url https://{cluster.issuer} --client-id-list {AUDIENCE}",
        )
    if AUDIENCE not in audiences:
        return stuck(
            Reason.PROVIDER_LACKS_AUDIENCE,
            f"the OIDC provider does not list the audience {AUDIENCE}. Run once: "
            "aws iam add-client-id-to-open-id-connect-provider "
            f"--open-id-connect-provider-arn {cluster.provider_arn} --client-id {AUDIENCE}",
        )
    return found(Reason.PROVIDER_FOUND, "IAM trusts this cluster's ServiceAccount tokens.")
