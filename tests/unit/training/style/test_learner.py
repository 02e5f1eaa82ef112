from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.style.data import PhotoCrops, load_picture, split
from training.style.learner import StyleLearner
from training.style.lesson import Lesson
from training.style.losses import lattice
from training.style.network import StyleNetwork, neutral_style
from training.style.recipes import Recipe

RECIPE = Recipe(content_layers=("relu2_2",), style_layers=("relu1_1", "relu2_1"), style=10)
LESSON = Lesson(steps=30, crops=3, crop=64, painting_side=64, recipe=RECIPE)


@pytest.fixture
def network(tiny):
    torch.manual_seed(0)
    return StyleNetwork(tiny)


@pytest.fixture
def known(tiny):
    return {
        "identity": neutral_style(tiny),
        "loud": neutral_style(tiny) * 3,
        "odd": torch.full((tiny.style_size,), 9.0),
    }


@pytest.fixture
def learner(network, known, photos, make_picture, encoder):
    lines = load_picture(make_picture("lines.png", seed=77), 64)
    crops = PhotoCrops(split(photos)[0], 64, seed=1)

    def make(lesson: Lesson = LESSON, known=known, painting=lines) -> StyleLearner:
        return StyleLearner(network, known, painting, crops, encoder, lesson)

    return make


def test_the_style_comes_closer_and_the_network_stays(learner, network) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    steps = list(learner().learn())
    first, last = steps[:6], steps[-6:]
    assert sum(step.style for step in last) < sum(step.style for step in first)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_recipe_against_lattices_counts_them_as_well(learner, network, photos) -> None:
    photo = PhotoCrops(split(photos)[0], 64, seed=1).batch(0, 1)
    found = []
    for weight in (0.0, 1e5):
        one = learner(replace(LESSON, recipe=replace(RECIPE, lattice=weight)))
        list(one.learn())
        with torch.no_grad():
            found.append(lattice(network(photo, one.vector[None])).item())
    without, against = found
    assert against < 0.7 * without


@pytest.mark.parametrize("nearest", ["loud", "odd"])
def test_it_begins_as_the_known_style_that_paints_most_alike(learner, network, photos, known, nearest) -> None:
    """A painting that the network made in a style is most alike to that style."""
    crops = PhotoCrops(split(photos)[0], 64, seed=1)
    with torch.no_grad():
        painting = network(crops.batch(0, 1), known[nearest][None])[0]
    one = learner(painting=painting)
    assert one.began_as == nearest
    assert torch.equal(one.vector, known[nearest])


def test_what_is_learnt_is_calmer_than_the_last_step(learner) -> None:
    """The steps are the same; the vector is their moving average, or where nothing is kept of it the last of them."""
    averaged, last = learner(replace(LESSON, steps=4)), learner(replace(LESSON, steps=4, average=0.0))
    assert [step.style for step in averaged.learn()] == [step.style for step in last.learn()]
    begin = learner().vector
    assert 0 < (averaged.vector - begin).norm() < (last.vector - begin).norm()


def test_without_known_styles_it_begins_neutral(learner, tiny) -> None:
    fresh = learner(known={})
    assert fresh.began_as is None
    assert torch.equal(fresh.vector, neutral_style(tiny))


def test_the_known_styles_are_left_alone(learner, tiny) -> None:
    known = {"loud": neutral_style(tiny) * 3}
    list(learner(known=known).learn())
    assert torch.equal(known["loud"], neutral_style(tiny) * 3)


def test_the_same_lesson_teaches_the_same(learner) -> None:
    vectors = []
    for _ in range(2):
        one = learner(replace(LESSON, steps=4))
        list(one.learn())
        vectors.append(one.vector)
    assert torch.equal(*vectors)
