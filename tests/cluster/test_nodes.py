"""Trust stores of three nodes: what one does all have, and what was deleted stays so."""

import pytest
from three_nodes import Cluster


@pytest.fixture
def cluster(imp_template, tmp_path, keys):
    return Cluster(imp_template, tmp_path, keys).begin()


@pytest.fixture
def roots(outside_ca):
    """PEM of three roots, and their file names."""
    return [outside_ca.root(f"Root {letter}").pem for letter in "ABC"]


def test_an_upload_reaches_every_node(cluster, roots):
    cluster.upload("bob", "tomcat-trust", roots[0])
    assert not cluster.held("ann")
    cluster.settle()
    assert cluster.held("ann") == cluster.held("bob") == cluster.held("cay") != set()
    assert "Root_A" in cluster.say("cay", "show cert list trust")
    cluster.say("cay", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle()
    assert not cluster.held("ann") | cluster.held("bob") | cluster.held("cay")
