from __future__ import annotations

import numpy as np
import pytest

from training.evaluation import verification as protocol

SAME = np.repeat([True, False], 100)


def test_pairs_that_are_told_apart_completely_are_all_right() -> None:
    similarity = np.where(SAME, 0.8, 0.1)
    assert protocol.fold_accuracy(similarity, SAME) == 1
    assert protocol.true_accept_rate(similarity, SAME, 0.01) == 1


def test_the_threshold_comes_from_the_other_folds() -> None:
    """One fold's strangers are more alike than anybody else's people: no threshold from outside fits it."""
    similarity = np.where(SAME, 0.8, 0.1)
    similarity[100:110] = 0.9
    assert protocol.fold_accuracy(similarity, SAME) == pytest.approx(0.95)


def test_of_few_pairs_there_are_few_folds() -> None:
    similarity, same = np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, True, False, False])
    assert protocol.fold_accuracy(similarity, same) == 1
    assert protocol.called_by_folds(similarity, same)[1].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("same", [[True, False, False], [True, True, False]])
def test_one_pair_of_a_kind_is_too_few_to_try_a_threshold_out(same: list[bool]) -> None:
    with pytest.raises(ValueError, match="less than two pairs"):
        protocol.fold_accuracy(np.linspace(0, 1, 3), np.array(same))


def test_similarities_that_mean_nothing_are_right_half_the_time() -> None:
    similarity = np.random.default_rng(0).normal(size=200)
    assert protocol.fold_accuracy(similarity, SAME) == pytest.approx(0.5, abs=0.1)


def test_true_accepts_are_counted_above_the_strangers_let_in() -> None:
    similarity = np.concatenate([np.linspace(0, 1, 100), np.linspace(0, 0.5, 100)])
    assert protocol.true_accept_rate(similarity, SAME, 0.0) == 0.5
    assert protocol.true_accept_rate(similarity, SAME, 0.5) == 0.75
