"""What a pass remembers for the next one, on a clock that the test drives."""

from __future__ import annotations

import pytest

from apono_operator.reconciler.environment import SETTLING_SECONDS
from apono_operator.state.resources import Owner
from tests.passes.passes import Passes
from tests.scenarios.scenario import NAME

HOUR = 3600.0


def test_a_role_is_made_with_the_fewest_calls(passes: Passes) -> None:
    assert passes.calls() == [
        "GetCallerIdentity",
        "GetOpenIDConnectProvider",
        "GetRole",
        "CreateRole",
        "PutRolePolicy",
        *["AttachRolePolicy"] * 3,
    ]


def test_a_change_is_looked_at_again_when_iam_has_settled(passes: Passes) -> None:
    passes.calls()
    assert passes.outcome is not None
    assert passes.outcome.within == pytest.approx(SETTLING_SECONDS)

    passes.moment = SETTLING_SECONDS
    assert passes.calls() == ["GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"]
    assert passes.outcome is not None
    assert passes.outcome.within is None


def test_attachments_and_provider_are_looked_at_hourly(passes: Passes) -> None:
    passes.calls()
    passes.moment = SETTLING_SECONDS
    passes.calls()
    passes.calls()

    passes.moment = HOUR - 1
    assert passes.calls() == ["GetRole", "GetRolePolicy"]
    passes.moment = HOUR
    assert passes.calls() == ["GetOpenIDConnectProvider", "GetRole", "GetRolePolicy"]
    passes.moment = HOUR + SETTLING_SECONDS
    assert passes.calls() == ["GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"]
    passes.moment = HOUR + SETTLING_SECONDS + 1
    assert passes.calls() == ["GetRole", "GetRolePolicy"]


def test_a_quick_pass_asks_nothing_of_aws_and_says_the_same(passes: Passes) -> None:
    passes.calls()
    before = passes.role_condition()

    assert passes.calls(quick=True) == []
    assert passes.role_condition() == before
    assert before["status"] == "True"


def test_a_connector_without_our_finalizer_gets_nothing(passes: Passes) -> None:
    passes.cluster.patch("AponoConnector", NAME, {"metadata": {"finalizers": None}})

    assert passes.calls() == []
    assert passes.outcome is None


def test_another_connector_of_the_same_name_is_not_touched(passes: Passes) -> None:
    passes.owner = Owner(passes.owner.namespace, passes.owner.name, "the-uid-of-one-that-is-gone")

    assert passes.calls() == []
    assert passes.outcome is None
