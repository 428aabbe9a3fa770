"""The boundary of a management role whose connector's manifest is refused.

An author must not be able to keep a role from a stricter boundary by a manifest that is refused. The role is its
stack's, so the stack is updated: to what it is, but for the boundary.
"""

from __future__ import annotations

import structlog

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.template import template_of
from apono_operator.state import stack_plan
from apono_operator.state.finding import Next
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.management_stack import contained_stack, stricter_boundary
from apono_operator.state.resources import Cluster, Manifest, Owner, account_of
from apono_operator.state.stack import ObservedStack, Stack
from apono_operator.state.stack_plan import History, Ownership, Tell

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def contain_stack(environment: Environment, connector: Manifest, owner: Owner, cluster: Cluster) -> bool:
    """Take one step towards a stack whose role has the administrator's boundary; tell whether there is more to do.

    Raises:
        AdapterError: a call failed.
    """
    account = _account_of(environment, connector)
    if account is None:
        return False
    name = cluster.stack_name(owner)
    access = environment.management.enter(Entrance.to(account, name, owner.uid))
    observed = access.stacks.observe(name)
    if observed is None or stack_plan.stack_conflict(observed, Ownership(cluster, owner)):
        return False
    boundary = stricter_boundary(observed, account)
    if boundary is None:
        return False
    template, summary = template_of(environment, account, access)
    desired = contained_stack(observed, boundary, account, template, summary)
    return _step(access, desired, observed, Ownership(cluster, owner))


def _account_of(environment: Environment, connector: Manifest) -> ManagementAccount | None:
    """The account that the stack is in: by the status, because the manifest may name any."""
    known = account_of(connector.get("status", {}).get("managementStackId"))
    accounts = environment.administration.management_accounts
    return next((one for one in accounts if one.account_id == known), None)


def _step(access: ManagementAccess, desired: Stack, observed: ObservedStack, ownership: Ownership) -> bool:
    change_set = access.stacks.change_set(desired.name, desired.change_set_name)
    step = stack_plan.plan_stack(desired, observed, change_set, History(), ownership)
    if isinstance(step, Tell):
        if step.finding.awaits is Next.SOMEBODY:
            log.warning("the management role of a refused manifest has another boundary", why=step.finding.message)
        return step.finding.awaits is Next.TIME
    log.warning("giving the management role of a refused manifest its boundary", stack=desired.name)
    access.stacks.apply(step, desired)
    return True
