"""The pytest plugin: fixtures that give each test a node, an SSH server, a cluster.

Everybody who has pytest and this package loads it, so it imports nothing that is not used.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cucmos_shell.testing.cluster import LabCluster
from cucmos_shell.testing.node import LabNode, Snapshot
from cucmos_shell.testing.server import ServerFailed
from cucmos_shell.testing.templates import Templates, copy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from cucmos_shell.testing.address import Address
    from cucmos_shell.testing.authority import LabCA

MARKER = "cucmos(profile, preset, speed, hostname): how the nodes of a test are installed"
_PROFILE = "imp-9.1"
_NODES = pytest.StashKey[dict[str, LabNode]]()
_FAILED = pytest.StashKey[bool]()
_SHARED = "cucmos_shared_node"
# Commands that a report shows at most.
_FEW = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which options there are."""
    group = parser.getgroup("cucmos", "nodes of cucmos-shell")
    group.addoption(
        "--cucmos-keep", action="store_true", help="keep the nodes' folders of tests that fail"
    )
    group.addoption(
        "--cucmos-scenario", metavar="FILE", help="what is to be so, and to go wrong, on each node"
    )
    parser.addini("cucmos_profile", "product of the nodes, a name or a file", default=_PROFILE)


def pytest_configure(config: pytest.Config) -> None:
    """Say which markers there are."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failure what the clients of its nodes have run."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
        for name, node in item.stash.get(_NODES, {}).items():
            report.sections.append((f"{name}: what clients ran", _told(node)))
            if faults := _faults(node):
                report.sections.append((f"{name}: faults", faults))
            if item.config.getoption("--cucmos-keep"):
                report.sections.append((f"{name}: kept in", _kept(item, name, node)))
    return report


def _kept(item: pytest.Item, name: str, node: LabNode) -> str:
    """Where the folder of a failed test's node stays; other tests go on with a shared one."""
    if name != _SHARED:
        return str(node.state)
    place = node.state.parent / re.sub(r"[^A-Za-z0-9_.-]+", "-", item.name)
    try:
        shutil.rmtree(place, ignore_errors=True)
        # Its server goes on writing; what is saved stands still.
        copy(node.state / "snapshots" / node.save().name, place)
    except Exception as error:
        return f"(it cannot be kept: {error})"
    return str(place)


def _told(node: LabNode) -> str:
    """The last commands of a node, a line each."""
    try:
        # Whatever else is wrong with the node, the report of the test has to be seen.
        commands = node.commands()
    except Exception as error:
        return f"(its log cannot be read: {error})"
    lines = [
        f"{one.when} {one.account} {one.origin}: {one.line} -> {one.outcome or 'still running'}"
        for one in commands[-_FEW:]
    ]
    return "\n".join(lines) or "(nothing)"


class Nodes:
    """Makes nodes in folders of their own."""

    def __init__(self, templates: Templates, place: Path) -> None:
        self._templates = templates
        self._place = place
        self._count = 0
        self.shared: dict[str, tuple[LabNode, Snapshot]] = {}

    def make(self, options: dict[str, Any]) -> LabNode:
        """A fresh node that is installed so."""
        self._count += 1
        folder = self._place / f"node-{self._count}"
        copy(self._templates.folder(**options), folder)
        return LabNode(folder)

    def make_cluster(self, options: dict[str, Any]) -> LabCluster:
        """A fresh cluster that is installed so."""
        self._count += 1
        folder = self._place / f"cluster-{self._count}"
        given = {key: value for key, value in options.items() if key != "scenario"}
        copy(self._templates.cluster(**given), folder)
        return LabCluster(folder)


def _faults(node: LabNode) -> str:
    """What has gone wrong on a node because it was to, and what did not; a line each."""
    try:
        happened, known = node.faults.happened(), node.faults.list()
    except Exception as error:
        return f"(they cannot be read: {error})"
    lines = [
        f"{one.when} {one.fault}: {one.at} {one.do}"
        f" ({', '.join(f'{key}={value}' for key, value in one.facts.items())})"
        for one in happened[-_FEW:]
    ]
    waiting = [f"{one.name}: {one.at} {one.do} has not happened" for one in known if not one.hits]
    return "\n".join((*lines, *waiting))


# --- fixtures -----------------------------------------------------------------------------------


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How the nodes of a test are installed: its markers, the nearest first, and the ini file."""
    known = ("profile", "preset", "speed", "hostname")
    found: dict[str, Any] = {}
    for marker in request.node.iter_markers("cucmos"):
        given = {**dict(zip(known, marker.args, strict=False)), **marker.kwargs}
        for name in given:
            if name not in known:
                pytest.fail(f"cucmos: {name} is none of: {', '.join(known)}", pytrace=False)
        found = {**given, **found}
    found = {**_scenario(request.config), **found}
    profile = found.pop("profile", None) or request.config.getini("cucmos_profile")
    if "/" in profile:
        profile = str(request.config.rootpath / profile)
    return {"profile": profile, **found}


def _scenario(config: pytest.Config) -> dict[str, Any]:
    """How nodes are installed by the scenario that the command line names."""
    file = config.getoption("--cucmos-scenario")
    if not file:
        return {}
    from cucmos_shell.errors import ShellError
    from cucmos_shell.node.tasks.lab.scenario import load

    path = str(config.invocation_params.dir / file)
    try:
        return {**load(path).node, "scenario": path}
    except ShellError as error:
        pytest.fail("\n".join((str(error), *error.details)), pytrace=False)


def _watched(request: pytest.FixtureRequest, name: str, node: LabNode) -> LabNode:
    """The node, which is among those that a failing test's report tells of."""
    request.node.stash.setdefault(_NODES, {})[name] = node
    return node


def _address(node: LabNode) -> Address:
    try:
        return node.ssh
    except ServerFailed as failure:
        pytest.fail(str(failure), pytrace=False)


@pytest.fixture(scope="session")
def cucmos_template(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that gives the folder of an installed node: `cucmos_template("ucm-9.1")`.

    It takes what the marker takes. Each folder is made once a run, whichever worker asks first, and
    is not to be changed: `cucmos_node` works on copies.
    """
    return _templates(tmp_path_factory).folder


def _templates(factory: pytest.TempPathFactory) -> Templates:
    import os

    base = factory.getbasetemp()
    # Each worker of xdist has a folder of its own in that of the run.
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return Templates(root / "cucmos-templates")


@pytest.fixture(scope="session")
def _cucmos_nodes(tmp_path_factory: pytest.TempPathFactory) -> Nodes:
    return Nodes(_templates(tmp_path_factory), tmp_path_factory.mktemp("cucmos"))


@pytest.fixture
def cucmos_node(request: pytest.FixtureRequest, _cucmos_nodes: Nodes) -> Iterator[LabNode]:
    """A fresh node, for this test alone; `@pytest.mark.cucmos(...)` says what kind."""
    node = _watched(request, "cucmos_node", _cucmos_nodes.make(_options(request)))
    yield node
    node.close()
    _remove(request, node.state)


def _remove(request: pytest.FixtureRequest, folder: Path) -> None:
    """Remove a folder that nobody has asked to keep."""
    if not (request.config.getoption("--cucmos-keep") and _FAILED in request.node.stash):
        shutil.rmtree(folder)


@pytest.fixture
def cucmos_cluster(request: pytest.FixtureRequest, _cucmos_nodes: Nodes) -> Iterator[LabCluster]:
    """Three fresh nodes that are joined; the first one's name is the first of the mapping."""
    cluster = _cucmos_nodes.make_cluster(_options(request))
    for name, node in cluster.items():
        _watched(request, name, node)
    yield cluster
    cluster.close()
    _remove(request, cluster.folder)


@pytest.fixture(scope="session")
def cucmos_ca() -> Iterator[LabCA]:
    """A certificate authority with an OCSP responder, for all tests of a worker."""
    import time

    from cucmos_shell.node.lab.authority import Authority
    from cucmos_shell.testing.authority import LabCA

    ca = LabCA(Authority.make("Test", now=time.time()), time.time)
    yield ca
    ca.close()


@pytest.fixture
def cucmos_ssh(cucmos_node: LabNode) -> Address:
    """Where the SSH server of `cucmos_node` listens, which is started for this test."""
    return _address(cucmos_node)


@pytest.fixture(scope="session")
def _cucmos_shared(_cucmos_nodes: Nodes) -> Iterator[Nodes]:
    yield _cucmos_nodes
    for node, _ in _cucmos_nodes.shared.values():
        node.close()
        shutil.rmtree(node.state)


@pytest.fixture
def cucmos_shared_node(request: pytest.FixtureRequest, _cucmos_shared: Nodes) -> LabNode:
    """A node as fresh, for this test and then for others: its server is started once.

    Before each test it is put back to what it was; sessions of earlier tests end by that.
    """
    options = _options(request)
    key = repr(options)
    if key not in _cucmos_shared.shared:
        node = _cucmos_shared.make(options)
        _address(node)
        _cucmos_shared.shared[key] = node, node.save()
    else:
        node, fresh = _cucmos_shared.shared[key]
        node.restore(fresh)
    return _watched(request, _SHARED, node)


@pytest.fixture
def cucmos_shared_ssh(cucmos_shared_node: LabNode) -> Address:
    """Where the SSH server of `cucmos_shared_node` listens: for tests that cost milliseconds."""
    return _address(cucmos_shared_node)
