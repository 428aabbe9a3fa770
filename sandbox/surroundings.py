"""A cluster and an AWS that know each other: what every demonstration and every scenario stands on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.aws import Account, FrontDoor
from sandbox.aws.account import Partition
from sandbox.aws.identity_center.instance import Instance
from sandbox.bootstrap import ManagedOrganization
from sandbox.controlplane import ControlPlane
from sandbox.installation import create_oidc_provider, install_crd


@dataclass(frozen=True)
class Surroundings:
    """A control plane with the custom resource definition, and an AWS that reaches the cluster's signing keys."""

    control_plane: ControlPlane
    aws: FrontDoor

    def create_account(
        self, partition: Partition = "aws", account_id: str | None = None, *, with_provider: bool = True
    ) -> Account:
        """Make an AWS account, by default with the cluster's OIDC provider in its IAM.

        Raises:
            ValueError: *account_id* is taken, or not of twelve digits.
        """
        account = self.aws.create_account(partition, account_id)
        if with_provider:
            create_oidc_provider(account, self.control_plane.issuer)
        return account

    def create_organization(self, member: Account) -> ManagedOrganization:
        """Make an organization with a management account of its own, and *member*, so far in none, in a unit of it."""
        managed = self.create_organization_of(self.aws.create_account(member.partition))
        managed.organization.join(member, managed.unit)
        return managed

    def create_organization_of(self, management: Account) -> ManagedOrganization:
        """Make an organization with *management*, so far in none, as its management account, and a unit in it."""
        organization = self.aws.create_organization(management)
        organization.stacksets_access = "ENABLED"
        organization.identity_center = Instance(management.region)
        return ManagedOrganization(organization, management, organization.unit("Workloads"))


@contextmanager
def surroundings(control_plane: ControlPlane) -> Iterator[Surroundings]:
    """Put AWS beside *control_plane*, and the custom resource definition into it.

    Raises:
        CommandError: the API server refuses the custom resource definition.
    """
    with FrontDoor() as aws:
        aws.trust_issuer(control_plane.issuer, control_plane.jwks)
        install_crd(control_plane)
        yield Surroundings(control_plane, aws)
