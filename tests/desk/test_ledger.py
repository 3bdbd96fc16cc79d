"""Nothing is lost, doubled, or sent by the wrong owner, in whatever order people and processes act; see `benchmarks.desk_ledger`."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.desk_ledger import clear, run
from benchmarks.desk_two_processes import two_processes
from server.assembly import Service


@settings(max_examples=25)
@given(seed=st.integers(min_value=0, max_value=2**31))
def test_random_interleavings(menu_service: Service, seed: int) -> None:
    run(menu_service, count=1, seed=seed)


def test_the_same_on_either_database(either_service: Service) -> None:
    run(either_service, count=8, seed=311)


def test_two_processes_on_one_database(postgres_url: str) -> None:
    assert two_processes(count=6, seed=311, until=math.inf, clear=clear, url=postgres_url) == 6
