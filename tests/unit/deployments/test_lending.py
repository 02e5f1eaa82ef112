from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from deployments.lending import Lending


def test_each_thing_is_lent_to_one_borrower_at_a_time() -> None:
    lending, both = Lending("ab"), Barrier(2, timeout=10)

    def borrow(_: int) -> str:
        with lending.one() as thing:
            both.wait()
            return thing

    with ThreadPoolExecutor(2) as threads:
        assert {*threads.map(borrow, range(2))} == {"a", "b"}


def test_who_finds_nothing_waits_until_it_is_back() -> None:
    lending, waiting = Lending("a"), Event()

    def borrow() -> str:
        waiting.set()
        with lending.one() as thing:
            return thing

    with ThreadPoolExecutor(1) as threads:
        with lending.one():
            later = threads.submit(borrow)
            assert waiting.wait(10)
            assert not later.done()
        assert later.result(10) == "a"


def test_it_comes_back_from_whoever_fails() -> None:
    lending = Lending("a")
    with pytest.raises(RuntimeError), lending.one():
        raise RuntimeError
    with lending.one() as thing:
        assert thing == "a"
