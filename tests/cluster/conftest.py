"""Three nodes of one cluster, what a stranger can reach of it, and an authority that all trust."""

import pytest
from three_nodes import Cluster


@pytest.fixture
def cluster(imp_template, tmp_path, keys):
    """ann, bob and cay over one bus in memory."""
    return Cluster(imp_template, tmp_path, keys).begin()


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
