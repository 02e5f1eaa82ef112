from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from training.style.checkpoint import load_weights
from training.style.data import NotAPicture, PhotoCrops, split
from training.style.recipes import RECIPES, Recipe
from training.style.trainer import CHECKPOINT, WEIGHTS, Settings, Trainer

RECIPE = Recipe(content_layers=("relu2_2",), style_layers=("relu1_1", "relu2_1"))


@pytest.fixture
def make_trainer(photos, make_picture, encoder, tiny, tmp_path):
    paintings = {name: make_picture(f"{name}.png", seed=seed) for seed, name in enumerate(("dots", "lines"), start=50)}
    crops = PhotoCrops(split(photos)[0], 64, seed=1)

    def make(folder: str, steps: int = 8, **settings: object) -> Trainer:
        (tmp_path / folder).mkdir(exist_ok=True)
        common = {"batch": 3, "crop": 64, "painting_side": 64, "warm_up": 2, "architecture": tiny, "recipe": RECIPE}
        chosen = Settings(steps=steps, **(common | settings))
        return Trainer(chosen, paintings, crops, encoder, tmp_path / folder)

    return make


def tensors(trainer: Trainer) -> list[torch.Tensor]:
    weights = trainer.averaged()
    return [*weights.network.parameters(), *weights.styles.values()]


def test_losses_fall(make_trainer) -> None:
    losses = list(make_trainer("run", steps=40, learning_rate=1e-2).train())
    assert sum(step.total for step in losses[-8:]) < 0.9 * sum(step.total for step in losses[:8])


def test_a_recipe_against_lattices_wears_them_down(make_trainer) -> None:
    weights = {"content": 0.0, "style": 0.0, "variation": 0.0, "identity": 0.0}
    losses = list(
        make_trainer("run", steps=40, learning_rate=1e-2, recipe=replace(RECIPE, lattice=2000, **weights)).train()
    )
    assert sum(step.lattice for step in losses[-8:]) < 0.5 * sum(step.lattice for step in losses[:8])


def test_without_one_nobody_looks_for_lattices(make_trainer) -> None:
    assert [step.lattice for step in make_trainer("run", steps=2).train()] == [None, None]


def test_the_same_seed_gives_the_same_weights_and_another_does_not(make_trainer) -> None:
    runs = [make_trainer(name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    for run in runs:
        list(run.train())
    first, same, other = map(tensors, runs)
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(make_trainer) -> None:
    whole = make_trainer("whole")
    list(whole.train())
    broken_off = make_trainer("parts")
    list(islice(broken_off.train(), 3))
    broken_off.save()
    resumed = make_trainer("parts")
    resumed.resume()
    assert resumed.step == 3
    list(resumed.train())
    assert all(torch.equal(a, b) for a, b in zip(tensors(whole), tensors(resumed), strict=True))


def test_resuming_where_nothing_was_saved_is_an_error(make_trainer) -> None:
    with pytest.raises(FileNotFoundError):
        make_trainer("empty").resume()


def test_saved_weights_are_the_averaged_ones_under_their_names(make_trainer, tmp_path) -> None:
    trainer = make_trainer("run")
    list(trainer.train())
    trainer.save()
    loaded = load_weights(tmp_path / "run" / WEIGHTS)
    assert list(loaded.styles) == ["identity", "dots", "lines"]
    for ours, theirs in zip(tensors(trainer), [*loaded.network.parameters(), *loaded.styles.values()], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_a_failed_save_leaves_the_last_checkpoint_alone(make_trainer, tmp_path, monkeypatch) -> None:
    trainer = make_trainer("run")
    list(islice(trainer.train(), 2))
    trainer.save()
    kept = (tmp_path / "run" / CHECKPOINT).read_bytes()

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    list(islice(trainer.train(), 2))
    with pytest.raises(OSError, match="No space left"):
        trainer.save()
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == kept
    assert not list((tmp_path / "run").glob("*.partial"))


def test_starting_from_other_weights_keeps_what_they_know(make_trainer, tmp_path) -> None:
    first = make_trainer("first")
    list(first.train())
    first.save()
    second = make_trainer("second")
    second.start_from(tmp_path / "first" / WEIGHTS)
    assert second.step == 0
    assert all(torch.equal(a, b) for a, b in zip(tensors(first), tensors(second), strict=True))


def test_emphasis_weighs_one_style_alone(make_trainer) -> None:
    """Two runs that differ only in the emphasis on ``dots`` part with the first sample of that style."""
    plain, stressed = make_trainer("plain", steps=1), make_trainer("stressed", steps=1, emphasis={"dots": 3.0})
    (before,), (after,) = plain.train(), stressed.train()
    assert (before.content, before.style) == (after.content, after.style)
    dots = sum(style == 1 for style in make_trainer("dealt")._deal())
    assert (after.total > before.total) == (dots > 0)
    assert dots > 0


def test_styles_are_dealt_by_their_turns_and_the_identity_once(make_trainer) -> None:
    trainer = make_trainer("dealt", batch=1, turns={"lines": 5})
    dealt = []
    for trainer._descent.step in range(2 * (1 + 2 + 5)):
        dealt += trainer._deal()
    assert [dealt.count(style) for style in range(3)] == [2, 4, 10]


def test_a_step_tells_no_losses_of_samples_it_does_not_have(make_trainer) -> None:
    steps = list(make_trainer("run", batch=1).train())
    painted, same = [one for one in steps if one.identity is None], [one for one in steps if one.identity is not None]
    assert painted
    assert same
    assert all(one.content > 0 and one.style > 0 and one.variation > 0 for one in painted)
    assert all((one.content, one.style, one.variation, one.imitation) == (None,) * 4 for one in same)
    assert all(one.identity > 0 and one.total > 0 for one in same)


def test_a_copyist_comes_to_paint_like_the_network_it_started_from(make_trainer, tmp_path, tiny) -> None:
    teacher = make_trainer("teacher", learning_rate=1e-2)
    list(teacher.train())
    teacher.save()
    smaller = {"architecture": replace(tiny, coarse=4), "recipe": RECIPES["copy"], "learning_rate": 1e-2}
    pupil = make_trainer("pupil", steps=60, **smaller)
    pupil.start_from(tmp_path / "teacher" / WEIGHTS)
    losses = [step.imitation for step in pupil.train() if step.imitation is not None]
    assert sum(losses[-8:]) < 0.7 * sum(losses[:8])


def test_a_copyist_without_a_model_says_so(make_trainer) -> None:
    with pytest.raises(ValueError, match="another network to start from"):
        list(make_trainer("pupil", recipe=RECIPES["copy"]).train())


def test_every_painting_is_dealt_twice_as_often_as_the_identity(make_trainer) -> None:
    trainer = make_trainer("run", steps=50)
    dealt = []
    for step in range(50):  # ten decks of five cards in batches of three need 16.7 steps; 50 are thirty decks
        trainer._descent.step = step
        dealt += trainer._deal()
    assert [dealt.count(style) for style in range(3)] == [30, 60, 60]


def test_the_learning_rate_warms_up_and_decays(make_trainer) -> None:
    trainer = make_trainer("run", steps=10, learning_rate=1.0)
    rates = []
    for step in range(10):
        trainer._descent.step = step
        rates.append(trainer._learning_rate())
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.1


def test_a_painting_that_is_no_picture_ends_the_run_before_it_starts(photos, encoder, tmp_path) -> None:
    (tmp_path / "words.jpg").write_text("words")
    with pytest.raises(NotAPicture, match=r"words\.jpg"):
        Trainer(Settings(), {"words": tmp_path / "words.jpg"}, PhotoCrops(split(photos)[0], 64, 0), encoder, tmp_path)
