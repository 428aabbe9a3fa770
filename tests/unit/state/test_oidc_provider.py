from __future__ import annotations

from apono_operator.state.finding import Next
from apono_operator.state.oidc_provider import provider_finding
from apono_operator.v1alpha1 import Reason
from tests.builders import ISSUER, a_cluster


def test_a_provider_that_lists_the_audience_is_as_asked() -> None:
    finding = provider_finding(a_cluster(), frozenset({"sts.amazonaws.com", "other"}))

    assert (finding.good, finding.reason) == (True, Reason.PROVIDER_FOUND)


def test_a_missing_provider_waits_for_somebody_and_the_message_is_the_command_to_run() -> None:
    finding = provider_finding(a_cluster(), None)

    assert (finding.reason, finding.awaits) == (Reason.PROVIDER_MISSING, Next.SOMEBODY)
    assert "account 123456789012" in finding.message
    assert finding.message.endswith(
        f"aws iam create-open-id-connect-provider --url https://{ISSUER} --client-id-list sts.amazonaws.com"
    )


def test_a_provider_for_other_audiences_waits_for_somebody_and_the_message_is_the_command_to_run() -> None:
    finding = provider_finding(a_cluster("aws-cn"), frozenset({"other"}))

    assert (finding.reason, finding.awaits) == (Reason.PROVIDER_LACKS_AUDIENCE, Next.SOMEBODY)
    assert finding.message.endswith(
        "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "
        f"arn:aws-cn:iam::123456789012:oidc-provider/{ISSUER} --client-id sts.amazonaws.com"
    )
