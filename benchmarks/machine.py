"""On what it is measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.table import Table

from benchmarks.report import table
from sandbox.controlplane.modules import KUBERNETES_VERSION

_GIB = 2**30
_PACKAGES = ("apono-operator", "kopf", "boto3", "kubernetes", "pydantic", "moto")


def described() -> Table:
    """Machine and versions."""
    load, _, _ = os.getloadavg()
    facts = {
        "machine": f"{os.cpu_count()} cores, {_cpu_model()}, {psutil.virtual_memory().total / _GIB:.0f} GiB",
        "load": f"{load:.2f} at the beginning; all but nothing, or else the times below are too long",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "Kubernetes": f"{KUBERNETES_VERSION}, etcd without fsync, pods played by KWOK",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }
    return table("Measured on", ("", ""), facts.items())


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
