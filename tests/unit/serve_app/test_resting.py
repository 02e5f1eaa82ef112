"""What may rest is what Serve's configuration says now, whoever wrote it, and is asked for seldom."""

from __future__ import annotations

from serve_app.resting import KEEP_S, Resting


class Serve:
    def __init__(self) -> None:
        self.now = 100.0
        self.asked = 0
        self.says: frozenset[str] | Exception = frozenset({"swap"})

    def read(self) -> frozenset[str]:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def resting(serve: Serve) -> Resting:
    return Resting(serve.read, frozenset({"authenticity"}), lambda: serve.now)


async def test_the_running_configuration_counts_and_not_what_the_code_was_built_with() -> None:
    may_rest = resting(Serve())
    assert (await may_rest("swap"), await may_rest("authenticity")) == (True, False)


async def test_a_change_of_it_is_noticed_and_until_then_nobody_is_asked_again() -> None:
    serve = Serve()
    may_rest = resting(serve)
    assert await may_rest("swap")
    serve.says = frozenset({"faces"})
    assert not await may_rest("faces")
    assert serve.asked == 1
    serve.now += KEEP_S
    assert (await may_rest("faces"), await may_rest("swap")) == (True, False)
    assert serve.asked == 2


async def test_while_serve_does_not_answer_what_was_known_holds() -> None:
    serve = Serve()
    serve.says = RuntimeError("the controller restarts")
    may_rest = resting(serve)
    assert await may_rest("authenticity")
    serve.now, serve.says = serve.now + KEEP_S, frozenset({"swap"})
    assert await may_rest("swap")
    serve.now, serve.says = serve.now + KEEP_S, TimeoutError()
    assert await may_rest("swap")
