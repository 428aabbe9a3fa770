"""Whether a caller may make a call."""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.aws.state import Call


def authorise(call: Call) -> None:
    """Let a call pass, or refuse it.

    As yet every authenticated caller may do everything within its own account: identity policies,
    permissions boundaries and session policies are stored but not evaluated. Only a session whose role is
    gone is refused.
    Trust policies are evaluated, by the operations of STS themselves.

    Raises:
        AwsError: `InvalidClientTokenId` for a session whose role has been deleted.
    """
    session = call.caller.session if call.caller else None
    if session and call.account.roles.get(session.role_id) is None:
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
