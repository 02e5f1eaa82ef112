"""Who people are while a gallery is put together."""

from __future__ import annotations

import numpy as np

from deployments.lookalike.files import Person
from training.gallery.collection import Collection
from training.gallery.roster import join, with_pictures
from training.gallery.sources import Candidate

ADA = Person(name="Ada", role="mathematician", links=("https://example.org/a",), picture="0" * 32 + ".jpg")


def test_what_is_newly_said_counts_and_what_is_not_said_stays() -> None:
    (ada,) = join([ADA], [Candidate("Ada", (), alias="Countess")])
    assert (ada.alias, ada.role, ada.links, ada.known) == ("Countess", "mathematician", ADA.links, ADA)
    (ada,) = join([ADA], [Candidate("Ada", (), role="author", links=("https://example.org/b",))])
    assert (ada.role, ada.links) == ("author", ("https://example.org/b",))


def test_new_people_come_after_those_there_are() -> None:
    assert [draft.name for draft in join([ADA], [Candidate("Aaron", ()), Candidate("Ada", ())])] == ["Ada", "Aaron"]


def test_people_without_pictures_leave_no_gap() -> None:
    drafts = join([], [Candidate(name, ()) for name in ("A", "B", "C", "D")])
    owners = np.array([3, 1, 1], dtype=np.int32)
    pictures = Collection(np.eye(3, dtype=np.float32), np.zeros((3, 256), np.float32), owners)
    people, moved, without = with_pictures(drafts, pictures)
    assert [draft.name for draft in people] == ["B", "D"]
    assert moved.owners.tolist() == [1, 0, 0]
    assert without == ["A", "C"]
