"""Runs on a real cluster of Ray: several raylets on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("ray")
from ray.cluster_utils import Cluster

from onehop.backends import Backend
from onehop.cluster import RayBackend
from onehop.testing.suites import BackendSuite


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


class TestRayBackend(BackendSuite):
    @pytest.fixture
    def backend(self, cluster: Cluster) -> Backend:
        return RayBackend(address=cluster.address)
