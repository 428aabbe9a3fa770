"""AponoConnectors at a real API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from kubernetes import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.crd.manifests import Json

FieldValidation = Literal["Strict", "Warn", "Ignore"]
MERGE_PATCH = "application/merge-patch+json"


class RefusedError(Exception):
    """The API server refuses; the text is its message."""


class Connectors:
    """The AponoConnectors of one namespace."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._objects = client.CustomObjectsApi(api)
        self._where = {
            "group": "apono.io",
            "version": "v1alpha1",
            "plural": "aponoconnectors",
            "namespace": namespace,
        }

    def create(self, manifest: Json, *, dry_run: bool = False, fields: FieldValidation = "Strict") -> Json:
        """Create and return the object.

        Raises:
            RefusedError: if the API server refuses *manifest*.
        """
        return self._call(
            self._objects.create_namespaced_custom_object,
            body=manifest,
            field_validation=fields,
            **_dry_run(dry_run),
        )

    def read(self, name: str) -> Json:
        """Return the stored object."""
        return self._call(self._objects.get_namespaced_custom_object, name=name)

    def replace(self, manifest: Json, *, dry_run: bool = False) -> Json:
        """Put *manifest* in the place of the object of its name and return the result.

        Raises:
            RefusedError: if the API server refuses *manifest*.
        """
        return self._call(
            self._objects.replace_namespaced_custom_object,
            name=manifest["metadata"]["name"],
            body=manifest,
            field_validation="Strict",
            **_dry_run(dry_run),
        )

    def merge(self, name: str, change: Json) -> Json:
        """Merge *change* into the object, not through the status subresource, and return the result."""
        return self._call(
            self._objects.patch_namespaced_custom_object, name=name, body=change, _content_type=MERGE_PATCH
        )

    def merge_status(self, name: str, change: Json, *, dry_run: bool = False) -> Json:
        """Merge *change* into the object through the status subresource and return the result.

        Raises:
            RefusedError: if the API server refuses *change*.
        """
        return self._call(
            self._objects.patch_namespaced_custom_object_status,
            name=name,
            body=change,
            field_validation="Strict",
            _content_type=MERGE_PATCH,
            **_dry_run(dry_run),
        )

    def _call(self, method: Callable[..., Any], **arguments: Any) -> Json:
        try:
            answer: Json = method(**self._where, **arguments)
        except client.ApiException as error:
            raise RefusedError(json.loads(error.body)["message"]) from error
        return answer


def _dry_run(wanted: bool) -> Json:  # noqa: FBT001 -- the only thing it is about
    return {"dry_run": "All"} if wanted else {}
