"""What can go wrong with the sandbox's control plane."""

from __future__ import annotations


class ControlPlaneError(Exception):
    """Base of everything this package raises on purpose; the message is for the person in front of it."""


class BuildError(ControlPlaneError):
    """A tool could not be built or Go could not be had; the message ends with what Go or pip said."""


class PartError(ControlPlaneError):
    """A process of the control plane did not come up or died; the message names it and ends with its log."""


class CommandError(ControlPlaneError):
    """kubectl or the API server refused; the message is what it said."""


class UnsupportedError(ControlPlaneError):
    """This control plane cannot do it, for instance restart the API server of an existing cluster."""
