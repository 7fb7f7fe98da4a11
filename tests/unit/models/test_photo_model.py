"""The photo model sees what the renderer drew, and what its knobs do to it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from chassis.model import Model, ModelNotLoadedError, ModelOutputError
from marketplace.world import Shifts, World
from services.cv_model.model import SIDE, Backbone, PhotoModel, PhotoScore, decode_photo
from tests.unit.models.conftest import MODELS


def _look(model: PhotoModel, world: World, count: int) -> list[PhotoScore]:
    photos = (world.photo(listing.id) for listing in world.listings[:count])
    return [model.predict([model.preprocess(decode_photo(photo))])[0] for photo in photos]


def _v2(backbone: Backbone) -> PhotoModel:
    model = PhotoModel(MODELS / "cv_model" / "v2", "v2", backbone)
    model.load()
    return model


def test_it_is_a_model_that_knows_scenes(photo_model: PhotoModel, world: World) -> None:
    assert isinstance(photo_model, Model)
    scores = _look(photo_model, world, 20)
    assert [score.scene for score in scores] == [listing.scene for listing in world.listings[:20]]
    for score in scores:
        assert min(score.score, score.quality, score.condition) >= 0.0
        assert max(score.score, score.quality, score.condition, score.scene_probability) <= 1.0
        assert score.embedding.shape == (1280,)


def test_a_batch_answers_as_one_by_one(photo_model: PhotoModel, world: World) -> None:
    inputs = [photo_model.preprocess(decode_photo(world.photo(one.id))) for one in world.listings[:5]]
    assert all(one.shape == (SIDE, SIDE, 3) for one in inputs)
    together = photo_model.predict(inputs)
    for batched, one in zip(together, inputs, strict=True):
        assert batched.quality == pytest.approx(photo_model.predict([one])[0].quality, abs=1e-3)


def test_any_shape_of_photo_is_taken(photo_model: PhotoModel) -> None:
    for size in ((8, 8), (8, 2_000), (1_999, 2_000)):
        score = photo_model.predict([photo_model.preprocess(Image.new("RGB", size, (90, 90, 90)))])[0]
        assert 0.0 <= score.score <= 1.0


def test_dark_photos_score_lower_in_quality(photo_model: PhotoModel, world: World) -> None:
    light = _look(photo_model, world, 30)
    dark = _look(photo_model, World(shifts=Shifts(dark_photos=1.0)), 30)
    assert np.mean([s.quality for s in dark]) < np.mean([s.quality for s in light]) - 0.25


def test_swapped_channels_shift_the_score(backbone: Backbone, world: World) -> None:
    model = _v2(backbone)
    right = np.array([score.score for score in _look(model, world, 40)])
    model.channel_order = "bgr"
    wrong = np.array([score.score for score in _look(model, world, 40)])
    assert np.abs(right - wrong).mean() > 0.03


def test_half_precision_overflows_on_some_photos_and_not_on_others(backbone: Backbone, world: World) -> None:
    model, failed = _v2(backbone), 0
    model.precision = "float16"
    for listing in world.listings[:60]:
        value = model.preprocess(decode_photo(world.photo(listing.id)))
        try:
            model.predict([value])
        except ModelOutputError:
            failed += 1
    assert 3 <= failed <= 30


def test_versions_share_one_backbone_until_the_last_is_unloaded() -> None:
    shared = Backbone()
    models = [PhotoModel(MODELS / "cv_model" / version, version, shared) for version in ("v1", "v2")]
    for model in models:
        model.load()
    models[0].unload()
    assert shared.loaded
    models[1].unload()
    assert not shared.loaded
    with pytest.raises(ModelNotLoadedError):
        models[1].predict([np.zeros((SIDE, SIDE, 3), dtype=np.float32)])
    models[1].load()
    assert models[1].loaded


def test_an_input_that_is_no_number_is_an_error(photo_model: PhotoModel) -> None:
    with pytest.raises(ModelOutputError, match="not finite"):
        photo_model.predict([np.full((SIDE, SIDE, 3), np.nan, dtype=np.float32)])
