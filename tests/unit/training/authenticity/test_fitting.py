"""Who learns from which pictures, and who stops by which."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.authenticity.data import FOLDS, Example
from training.authenticity.fitting import _without_fold, _without_source

EXAMPLES = [
    Example(Path("gone.jpg"), "gone.jpg", source, source == "made", unseen=False, fold=fold)
    for source in ("made", "camera")
    for fold in (*range(FOLDS), None)
]
LEARNABLE = {place for place, example in enumerate(EXAMPLES) if example.fold is not None}


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_member_stops_by_pictures_it_does_not_learn_from(fold: int) -> None:
    learn, judge = (set(part.tolist()) for part in _without_fold(EXAMPLES, fold))
    assert not learn & judge
    assert learn | judge == LEARNABLE
    assert {EXAMPLES[place].fold for place in judge} == {fold}


def test_who_is_asked_about_a_source_has_never_met_it() -> None:
    learn, judge = (set(part.tolist()) for part in _without_source(EXAMPLES, "made"))
    assert not learn & judge
    assert learn | judge == {place for place in LEARNABLE if EXAMPLES[place].source == "camera"}
