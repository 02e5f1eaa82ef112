from __future__ import annotations

import pytest
import torch

from deployments.masterpiece.distances import content_distance, gram, relative, style_distance, total_variation
from training.style.losses import PERIOD, REGION, lattice, reconstruction
from training.style.recipes import RECIPES


def test_a_gram_matrix_is_the_mean_product_of_channel_pairs() -> None:
    """Over the positions, of which there are as many as one likes: pictures of any size are then alike."""
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    expected = torch.tensor([[[2.5, 5.5], [5.5, 12.5]]])
    torch.testing.assert_close(gram(features), expected)
    torch.testing.assert_close(gram(features.repeat(1, 1, 3, 2)), expected)


def test_the_gradient_of_a_gram_matrix_is_that_of_its_product_laid_out_as_the_features_are() -> None:
    features = torch.randn(2, 5, 4, 7).to(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(2, 5, 5)
    flat = features.flatten(2)
    (expected,) = torch.autograd.grad((flat @ flat.transpose(1, 2) / 28 * weights).sum(), features)
    (found,) = torch.autograd.grad((gram(features) * weights).sum(), features)
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_a_gram_matrix_does_not_care_where_things_are() -> None:
    features = torch.randn(1, 5, 4, 4)
    shuffled = features.flatten(2)[:, :, torch.randperm(16)].reshape(1, 5, 4, 4)
    torch.testing.assert_close(gram(features), gram(shuffled))


def test_relative_distance_is_zero_for_the_target_and_one_for_nothing() -> None:
    target = torch.randn(3, 4, 5)
    torch.testing.assert_close(relative(target, target), torch.zeros(3))
    torch.testing.assert_close(relative(torch.zeros_like(target), target), torch.ones(3))


def test_relative_distance_does_not_depend_on_the_encoders_scale() -> None:
    value, target = torch.randn(1, 8), torch.randn(1, 8)
    torch.testing.assert_close(relative(value, target), relative(1000 * value, 1000 * target))


def test_distances_are_means_over_the_layers_and_separate_by_sample() -> None:
    photo = {"a": torch.ones(2, 1, 2, 2), "b": torch.ones(2, 1, 2, 2)}
    made = {"a": torch.stack([torch.ones(1, 2, 2), torch.zeros(1, 2, 2)]), "b": torch.ones(2, 1, 2, 2)}
    torch.testing.assert_close(content_distance(made, photo, ("a", "b")), torch.tensor([0.0, 0.5]))
    target = {name: gram(value) for name, value in photo.items()}
    torch.testing.assert_close(style_distance(made, target, ("a", "b")), torch.tensor([0.0, 0.5]))


def test_total_variation_sees_dots_and_nothing_in_plain_colour() -> None:
    dots = torch.zeros(1, 3, 8, 8)
    dots[:, :, ::2, ::2] = 1
    assert total_variation(torch.full((1, 3, 8, 8), 0.4)).item() == 0
    assert total_variation(dots).item() > 0.5


def test_reconstruction_is_zero_only_for_the_photo_itself() -> None:
    photo = torch.rand(2, 3, 8, 8)
    assert reconstruction(photo, photo).sum() == 0
    assert (reconstruction(photo + 0.1, photo) > 0).all()


def woven(height: int, width: int) -> torch.Tensor:
    """A picture whose every fourth column is brighter by 0.4."""
    picture = torch.full((1, 3, height, width), 0.3)
    picture[:, :, :, ::PERIOD] += 0.4
    return picture


def test_a_lattice_is_the_variance_of_what_repeats() -> None:
    torch.testing.assert_close(lattice(woven(128, 192)), torch.tensor([0.4**2 * 0.25 * 0.75]))
    assert lattice(torch.full((1, 3, 128, 128), 0.6)).item() == 0


def test_lattices_of_different_places_do_not_make_up_for_each_other() -> None:
    canvas = woven(REGION, REGION) - 0.5
    torch.testing.assert_close(lattice(torch.cat([canvas, -canvas], dim=3)), lattice(canvas))


def test_of_what_does_not_repeat_hardly_any_is_taken_for_a_lattice() -> None:
    noise = torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(0))
    cells = (REGION // PERIOD) ** 2
    assert lattice(noise).item() == pytest.approx(noise.var().item() / cells, rel=0.1)


@pytest.mark.parametrize("size", [(20, 30), (64, 67), (150, 70)])
def test_a_picture_of_any_size_has_its_lattice(size) -> None:
    """What does not fill a region is left out, where there is a whole one."""
    torch.testing.assert_close(lattice(woven(*size)), torch.tensor([0.03]))


def test_the_reference_recipe_is_the_papers() -> None:
    reference = RECIPES["reference"]
    assert reference.content_layers == ("relu2_2",)
    assert reference.style_layers == ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    assert RECIPES["johnson"].style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_asks_for_each_layer_once(recipe) -> None:
    assert len(set(recipe.layers)) == len(recipe.layers)
    assert {*recipe.content_layers, *recipe.style_layers} == set(recipe.layers)
