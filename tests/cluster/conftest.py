"""Three nodes of one cluster, what a stranger can reach of it, and an authority that all trust."""

import pytest
from three_nodes import Cluster
from two_clusters import Peers


@pytest.fixture(scope="session")
def begun(imp_template, tmp_path_factory, keys):
    """A cluster to be copied."""
    return Cluster(imp_template, tmp_path_factory.mktemp("begun"), keys).begin()


@pytest.fixture
def cluster(begun, tmp_path, keys):
    """ann, bob and cay over one bus in memory."""
    return begun.copy(tmp_path, keys)


@pytest.fixture(scope="session")
def begun_peers(imp_template, tmp_path_factory, keys):
    """Two clusters to be copied."""
    return Peers(imp_template, tmp_path_factory.mktemp("peers"), keys).begin()


@pytest.fixture
def peers(begun_peers, tmp_path, keys):
    """ann and bob in the east, eve and fay in the west, which follow each other."""
    return begun_peers.copy(tmp_path, keys)


@pytest.fixture
def stranger(cluster):
    """The bus as a stranger has it."""
    return cluster.bus.open(cluster.clock)


@pytest.fixture
def root(cluster, outside_ca):
    """A root that ann has uploaded, and all trust for tomcat."""
    made = outside_ca.root("Root A")
    cluster.upload("ann", "tomcat-trust", made.pem)
    cluster.settle()
    return made
