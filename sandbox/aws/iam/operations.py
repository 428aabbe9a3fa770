"""The operations of IAM that are modelled, with the parameters they heed: all else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.aws.iam import instance_profiles, managed_policies, oidc_providers, role_policies, roles
from sandbox.aws.iam.pages import PAGE_PARAMETERS
from sandbox.aws.state import Operation, modelled

_ROLES: Final = {
    "CreateRole": modelled(
        roles.create_role,
        "RoleName",
        "AssumeRolePolicyDocument",
        "Path",
        "Description",
        "MaxSessionDuration",
        "PermissionsBoundary",
        "Tags",
    ),
    "DeleteRole": modelled(roles.delete_role, "RoleName"),
    "DeleteRolePermissionsBoundary": modelled(roles.delete_role_permissions_boundary, "RoleName"),
    "GetRole": modelled(roles.get_role, "RoleName"),
    "ListRoles": modelled(roles.list_roles, "PathPrefix", *PAGE_PARAMETERS),
    "ListRoleTags": modelled(roles.list_role_tags, "RoleName", *PAGE_PARAMETERS),
    "PutRolePermissionsBoundary": modelled(roles.put_role_permissions_boundary, "RoleName", "PermissionsBoundary"),
    "TagRole": modelled(roles.tag_role, "RoleName", "Tags"),
    "UntagRole": modelled(roles.untag_role, "RoleName", "TagKeys"),
    "UpdateAssumeRolePolicy": modelled(roles.update_assume_role_policy, "RoleName", "PolicyDocument"),
    "UpdateRole": modelled(roles.update_role, "RoleName", "Description", "MaxSessionDuration"),
}

_ROLE_POLICIES: Final = {
    "AttachRolePolicy": modelled(role_policies.attach_role_policy, "RoleName", "PolicyArn"),
    "DeleteRolePolicy": modelled(role_policies.delete_role_policy, "RoleName", "PolicyName"),
    "DetachRolePolicy": modelled(role_policies.detach_role_policy, "RoleName", "PolicyArn"),
    "GetRolePolicy": modelled(role_policies.get_role_policy, "RoleName", "PolicyName"),
    "ListAttachedRolePolicies": modelled(
        role_policies.list_attached_role_policies, "RoleName", "PathPrefix", *PAGE_PARAMETERS
    ),
    "ListRolePolicies": modelled(role_policies.list_role_policies, "RoleName", *PAGE_PARAMETERS),
    "PutRolePolicy": modelled(role_policies.put_role_policy, "RoleName", "PolicyName", "PolicyDocument"),
}

_MANAGED_POLICIES: Final = {
    "CreatePolicy": modelled(
        managed_policies.create_policy, "PolicyName", "PolicyDocument", "Path", "Description", "Tags"
    ),
    "CreatePolicyVersion": modelled(
        managed_policies.create_policy_version, "PolicyArn", "PolicyDocument", "SetAsDefault"
    ),
    "DeletePolicy": modelled(managed_policies.delete_policy, "PolicyArn"),
    "DeletePolicyVersion": modelled(managed_policies.delete_policy_version, "PolicyArn", "VersionId"),
    "GetPolicy": modelled(managed_policies.get_policy, "PolicyArn"),
    "GetPolicyVersion": modelled(managed_policies.get_policy_version, "PolicyArn", "VersionId"),
    "ListPolicies": modelled(managed_policies.list_policies, "Scope", "PathPrefix", *PAGE_PARAMETERS),
    "ListPolicyVersions": modelled(managed_policies.list_policy_versions, "PolicyArn", *PAGE_PARAMETERS),
    "SetDefaultPolicyVersion": modelled(managed_policies.set_default_policy_version, "PolicyArn", "VersionId"),
}

_PROVIDERS: Final = {
    "AddClientIDToOpenIDConnectProvider": modelled(
        oidc_providers.add_client_id, "OpenIDConnectProviderArn", "ClientID"
    ),
    "CreateOpenIDConnectProvider": modelled(
        oidc_providers.create_open_id_connect_provider, "Url", "ClientIDList", "ThumbprintList", "Tags"
    ),
    "DeleteOpenIDConnectProvider": modelled(oidc_providers.delete_open_id_connect_provider, "OpenIDConnectProviderArn"),
    "GetOpenIDConnectProvider": modelled(oidc_providers.get_open_id_connect_provider, "OpenIDConnectProviderArn"),
    "ListOpenIDConnectProviders": modelled(oidc_providers.list_open_id_connect_providers),
    "RemoveClientIDFromOpenIDConnectProvider": modelled(
        oidc_providers.remove_client_id, "OpenIDConnectProviderArn", "ClientID"
    ),
}

_INSTANCE_PROFILES: Final = {
    "AddRoleToInstanceProfile": modelled(
        instance_profiles.add_role_to_instance_profile, "InstanceProfileName", "RoleName"
    ),
    "CreateInstanceProfile": modelled(instance_profiles.create_instance_profile, "InstanceProfileName", "Path"),
    "DeleteInstanceProfile": modelled(instance_profiles.delete_instance_profile, "InstanceProfileName"),
    "GetInstanceProfile": modelled(instance_profiles.get_instance_profile, "InstanceProfileName"),
    "ListInstanceProfilesForRole": modelled(
        instance_profiles.list_instance_profiles_for_role, "RoleName", *PAGE_PARAMETERS
    ),
    "RemoveRoleFromInstanceProfile": modelled(
        instance_profiles.remove_role_from_instance_profile, "InstanceProfileName", "RoleName"
    ),
}

OPERATIONS: Final[Mapping[str, Operation]] = {
    **_ROLES,
    **_ROLE_POLICIES,
    **_MANAGED_POLICIES,
    **_PROVIDERS,
    **_INSTANCE_PROFILES,
}
