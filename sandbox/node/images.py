"""The images that the node runs, built by buildah from the repository: no registry, no daemon.

Layers are kept beside the sandbox's programs, so that only what changed is built anew.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from filelock import FileLock

from sandbox.controlplane.binaries import cache_directory
from sandbox.node import base_image
from sandbox.node.errors import NodeError
from sandbox.node.packages import program
from sandbox.node.parts import PAUSE_IMAGE

ROOT: Final = Path(__file__).resolve().parents[2]
OPERATOR_IMAGE: Final = "localhost/apono-operator:e2e"
CONNECTOR_IMAGE: Final = "localhost/apono-connector:e2e"
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")

_BUILD_STAGE: Final = "localhost/apono-operator:build"
"""Has a name so that its layers outlive pruning: the image itself stands on none of them."""
_KEPT_LAYERS: Final = 100
_CONNECTOR: Final = Path(__file__).parent / "connector"
_PAUSE: Final = 'FROM scratch\nADD busybox /busybox\nENTRYPOINT ["/busybox", "sleep", "2147483647"]\n'
"""All that a pod's sandbox does is to wait."""

_PIP: Final = f"[global]\ncert = {CERTIFICATES}\n"


def build_images() -> list[Path]:
    """Build what has changed, and return the images' archives.

    Raises:
        NodeError: A program is missing, or a build failed; the message has the end of what it said.
    """
    directory = cache_directory() / "images"
    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / "lock"):
        store = Store(directory)
        if not store.has(PAUSE_IMAGE):
            _build_pause(store)
        base = _base(store)
        store.build(_BUILD_STAGE, ROOT, {"BASE": base}, target="build")
        store.build(OPERATOR_IMAGE, ROOT, {"BASE": base})
        store.build(CONNECTOR_IMAGE, _CONNECTOR, {"OPERATOR": OPERATOR_IMAGE})
        store.prune()
        return [store.archive(name) for name in (PAUSE_IMAGE, OPERATOR_IMAGE, CONNECTOR_IMAGE)]


class Store:
    """buildah's images in *directory*, apart from those of this machine's user."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._buildah = [program("buildah"), f"--root={directory / 'store'}", f"--runroot={directory / 'run'}"]

    def has(self, image: str) -> bool:
        """Whether there is an image of that name."""
        command = [*self._buildah, "inspect", "--type=image", image]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def build(self, image: str, context: Path, arguments: Mapping[str, str], target: str = "") -> None:
        """Build the Dockerfile in *context*, or one stage of it, the *target*, with build *arguments*.

        Raises:
            NodeError: It failed.
        """
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as pip:
            pip.write(_PIP)
            pip.flush()
            self._run(
                image,
                ["bud", "--layers", "--isolation=chroot", "--network=host", "--pull-never", f"--tag={image}"]
                + [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", f"--secret=id=pip,src={pip.name}"]
                + [f"--build-arg={name}={value}" for name, value in arguments.items()]
                + ([f"--target={target}"] if target else [])
                + [str(context)],
            )

    def prune(self) -> None:
        """Forget the layers of earlier builds, once they are many; the next build makes some of its own anew."""
        if len(self._output("images", "--all", "--quiet").split()) > _KEPT_LAYERS:
            self._output("rmi", "--prune")

    def archive(self, image: str) -> Path:
        """A file with the image, for `ctr images import`."""
        digest = self._output("inspect", "--type=image", "--format={{.FromImageID}}", image)[:16]
        name = image.rpartition("/")[2].partition(":")[0]
        file = self._directory / f"{name}-{digest}.tar"
        if not file.exists():
            for older in self._directory.glob(f"{name}-*.tar"):
                older.unlink()
            self._output("push", image, f"docker-archive:{file}:{image}")
        return file

    def _run(self, image: str, arguments: list[str]) -> None:
        print(f"building {image} ...", end="", file=sys.stderr, flush=True)
        began = time.monotonic()
        self._output(*arguments)
        print(f" {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    def _output(self, *arguments: str) -> str:
        command = [*self._buildah, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NodeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
        return done.stdout.strip()


def _build_pause(store: Store) -> None:
    with tempfile.TemporaryDirectory() as context:
        Path(context, "Dockerfile").write_text(_PAUSE, encoding="utf-8")
        Path(context, "busybox").write_bytes(Path(program("busybox")).read_bytes())
        Path(context, "busybox").chmod(0o755)
        store.build(PAUSE_IMAGE, Path(context), {})


def _base(store: Store) -> str:
    recipe = Path(base_image.__file__).read_bytes()
    name = f"localhost/python:{base_image.VERSION}-{sha256(recipe).hexdigest()[:12]}"
    if not store.has(name):
        with tempfile.TemporaryDirectory() as scratch:
            context = Path(scratch, "context")
            context.mkdir()
            base_image.write_root(context / "root.tar", Path(scratch))
            (context / "Dockerfile").write_text(base_image.CONTAINERFILE, encoding="utf-8")
            store.build(name, context, {})
    return name
