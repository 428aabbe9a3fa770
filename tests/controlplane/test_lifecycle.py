"""A control plane leaves nothing behind, whatever happens to it or to whoever uses it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from sandbox.controlplane import ControlPlane, PartError, shared_control_plane
from sandbox.controlplane.launch import state_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.controlplane.state import State

ROOT = Path(__file__).parents[2]
PARTS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
DEATH = r"kube-apiserver ended with code -9; its log .* ends:\n."
USER = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)  # as from a terminal: a job in the background ignores it
from sandbox.controlplane import ControlPlane
with ControlPlane.start() as control_plane:
    print(control_plane.directory, control_plane.processes()["etcd"], flush=True)
    signal.pause()
"""
eventually = Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.05), reraise=True)


def serve(state_file: Path, owner_pid: int | None = None) -> subprocess.Popen[str]:
    """The service, started as its command line, up to the moment when it is ready."""
    command = [sys.executable, "-m", "sandbox.controlplane", "serve", "--state", str(state_file)]
    process = subprocess.Popen(
        [*command, "--owner-pid", str(owner_pid or os.getpid())], cwd=ROOT, text=True, start_new_session=True
    )
    eventually(read_state, state_file)
    return process


def read_state(state_file: Path) -> State:
    return state_in(state_file.read_text(encoding="utf-8"))


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def assert_nothing_is_left(state: State, processes: list[psutil.Process]) -> None:
    assert [process for process in processes if process.is_running() and process.status() != "zombie"] == []
    assert not state.directory.exists()
    for url in (state.server, state.control_url):
        assert not is_listening(urlsplit(url).port or 0)


def is_listening(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def other() -> Iterator[ControlPlane]:
    """A second control plane beside the shared one."""
    with ControlPlane.start(region="eu-west-1") as plane:
        yield plane


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_service_takes_everything_down(number: signal.Signals, tmp_path: Path) -> None:
    with serve(tmp_path / "state.json") as service:
        state, processes = read_state(tmp_path / "state.json"), family(service.pid)
        assert len(processes) >= len(PARTS) + 1

        service.send_signal(number)
        service.wait(20)

    eventually(assert_nothing_is_left, state, processes)


def test_a_start_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.controlplane", "serve", "--owner-pid", str(os.getpid())]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}) as service:

        def etcd_has_begun() -> None:
            assert list(tmp_path.glob("*/etcd"))

        eventually(etcd_has_begun)
        processes = family(service.pid)
        service.terminate()

    assert service.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert not any(process.is_running() for process in processes)


def test_everything_goes_when_the_owner_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen(["/bin/sleep", "300"])
    with serve(tmp_path / "state.json", owner.pid) as service:
        state, processes = read_state(tmp_path / "state.json"), family(service.pid)

        owner.kill()
        owner.wait()
        service.wait(20)

    eventually(assert_nothing_is_left, state, processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_everything_goes_when_the_user_is_interrupted_in_its_block(number: signal.Signals) -> None:
    command = [sys.executable, "-c", USER]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as user:
        assert user.stdout is not None
        directory, etcd = user.stdout.readline().decode().split()
        service = psutil.Process(int(etcd)).parent()
        assert service is not None
        processes = family(service.pid)

        os.killpg(user.pid, number)

    def nothing_is_left() -> None:
        assert not Path(directory).exists()
        assert not any(process.is_running() for process in processes)

    eventually(nothing_is_left)


def test_several_control_planes_run_side_by_side(control_plane: ControlPlane, other: ControlPlane) -> None:
    assert other.issuer.startswith("https://oidc.eks.eu-west-1.amazonaws.com/id/")
    assert other.issuer != control_plane.issuer
    assert other.server != control_plane.server
    other.kubectl("create", "namespace", "only-here")
    assert "namespace/only-here" not in control_plane.kubectl("get", "namespaces", "--output=name")
    assert other.processes().keys() == control_plane.processes().keys() == PARTS


def test_the_api_server_restarts_at_the_same_address_with_its_content(other: ControlPlane) -> None:
    other.kubectl("create", "configmap", "kept")
    before = other.processes()

    other.restart_api_server()

    assert "kept" in other.kubectl("get", "configmaps", "--output=name")
    after = other.processes()
    assert {name for name in PARTS if before[name] != after[name]} == {"kube-apiserver"}


def test_a_part_that_dies_is_named_with_the_end_of_its_log() -> None:
    control_plane = ControlPlane.start()
    api_server = psutil.Process(control_plane.processes()["kube-apiserver"])

    def is_dead() -> None:
        assert api_server.status() == psutil.STATUS_ZOMBIE

    def break_it() -> None:
        with control_plane:
            api_server.kill()
            eventually(is_dead)
            with pytest.raises(PartError, match=DEATH):
                control_plane.kubectl("get", "namespaces")

    with pytest.raises(PartError, match=DEATH):  # and again at the end, for whoever did not ask
        break_it()
    assert not control_plane.directory.exists()


def test_a_part_that_does_not_come_up_is_named_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etcd = tmp_path / "etcd"
    etcd.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n", encoding="utf-8")
    etcd.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with pytest.raises(PartError, match=r"etcd ended with code 3; its log .* ends:\nthe disk is on fire"):
        ControlPlane.start()


def test_whoever_shares_a_run_directory_gets_the_same_control_plane(tmp_path: Path) -> None:
    owner = subprocess.Popen(["/bin/sleep", "300"])

    with shared_control_plane(tmp_path, owner.pid) as first, shared_control_plane(tmp_path, owner.pid) as second:
        assert first.processes() == second.processes()
        processes = [psutil.Process(pid) for pid in first.processes().values()]
    assert all(process.is_running() for process in processes)
    owner.kill()
    owner.wait()

    def nothing_is_left() -> None:
        assert not first.directory.exists()
        assert not any(process.is_running() for process in processes)

    eventually(nothing_is_left)
