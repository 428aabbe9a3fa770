"""The conformance table, in parts. No row has been confirmed on a real account as yet."""

from __future__ import annotations

from tests.aws.rows import instance_profiles, policies, providers, roles, sts, trust_policies

ROWS = (*roles.ROWS, *instance_profiles.ROWS, *trust_policies.ROWS, *policies.ROWS, *providers.ROWS, *sts.ROWS)
