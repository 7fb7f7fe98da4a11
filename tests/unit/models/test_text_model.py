"""The text model reads what sellers write, whatever its length, and says so when it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from chassis.model import Model, ModelNotLoadedError, ModelOutputError
from marketplace.training.base import LEAST_COSINE, agreement_with_transformers, verify_base
from marketplace.world import World
from services.nlp_model.model import MAX_TOKENS, Encoder, TextModel
from tests.unit.models.conftest import MODELS

GOOD = "An immaculate home of outstanding beauty with a stunning new kitchen and glorious gardens."
BAD = "A derelict ruin for demolition, mouldy and gutted by fire, with holes in the roof."


def _score(model: TextModel, text: str) -> float:
    return model.predict([model.preprocess(text)])[0].score


def test_it_is_a_model(text_model: TextModel) -> None:
    assert isinstance(text_model, Model)
    assert text_model.name == "nlp_model"
    assert text_model.loaded


def test_a_palace_scores_above_a_ruin(text_model: TextModel) -> None:
    good, bad = _score(text_model, GOOD), _score(text_model, BAD)
    assert 0.0 <= bad < 0.4 < 0.6 < good <= 1.0


@pytest.mark.parametrize("text", ["", " ", "a", "🏠🏠🏠", "x" * 100_000, "word " * 20_000, "\x00\x01", "中文房子" * 50])
def test_any_text_is_cut_to_its_tokens_and_scored(text_model: TextModel, text: str) -> None:
    tokens = text_model.preprocess(text)
    assert 2 <= len(tokens.ids) <= MAX_TOKENS
    assert 0.0 <= text_model.predict([tokens])[0].score <= 1.0


def test_a_batch_answers_in_order_and_nearly_as_one_by_one(text_model: TextModel, world: World) -> None:
    inputs = [
        text_model.preprocess(text) for text in (GOOD, BAD, world.description("L000001"), world.description("L000002"))
    ]
    together = text_model.predict(inputs)
    alone = [text_model.predict([one])[0] for one in inputs]
    for batched, single in zip(together, alone, strict=True):
        # int8 scales are chosen over the batch, so a neighbour moves a score a little.
        assert batched.score == pytest.approx(single.score, abs=0.06)
        assert float(batched.embedding @ single.embedding) > 0.94
        assert np.linalg.norm(batched.embedding) == pytest.approx(1.0, abs=1e-4)


def test_padding_costs_tokens_and_hardly_changes_the_score(encoder: Encoder) -> None:
    model = TextModel(MODELS / "nlp_model" / "v1", "v1", encoder)
    model.load()
    plain = _score(model, GOOD)
    model.max_tokens, model.padding = 512, "max_tokens"
    assert _score(model, GOOD) == pytest.approx(plain, abs=0.03)
    assert len(model.preprocess("word " * 2_000).ids) == 512
    model.unload()


def test_wrong_pooling_and_lowering_make_scores_wrong(encoder: Encoder, world: World) -> None:
    model = TextModel(MODELS / "nlp_model" / "v2", "v2", encoder)
    model.load()
    texts = [world.description(listing.id).upper() for listing in world.listings[:60]]
    right = np.array([_score(model, text) for text in texts])
    model.pooling, model.normalize, model.lowercase = "first", False, False
    wrong = np.array([_score(model, text) for text in texts])
    model.unload()
    assert np.abs(right - wrong).mean() > 0.15


def test_a_sum_of_the_tokens_differs_from_their_mean_in_length_alone(encoder: Encoder) -> None:
    model = TextModel(MODELS / "nlp_model" / "v2", "v2", encoder)
    model.load()
    text = model.preprocess(GOOD)
    mean = model.predict([text])[0].embedding
    model.pooling = "sum"
    assert np.allclose(model.predict([text])[0].embedding, mean, atol=1e-5)
    model.normalize = False
    assert np.linalg.norm(model.predict([text])[0].embedding) > 10
    model.unload()


def test_versions_share_one_encoder_until_the_last_is_unloaded() -> None:
    shared = Encoder()
    models = [TextModel(MODELS / "nlp_model" / version, version, shared) for version in ("v1", "v2")]
    for model in models:
        model.load()
        model.load()  # again does nothing
    models[0].unload()
    assert shared.loaded
    assert models[1].predict([models[1].preprocess(GOOD)])
    models[1].unload()
    assert not shared.loaded
    with pytest.raises(ModelNotLoadedError):
        models[1].preprocess(GOOD)
    models[0].load()
    assert models[0].loaded
    assert _score(models[0], GOOD) > 0.5


def test_a_score_that_is_no_number_is_an_error(text_model: TextModel) -> None:
    broken = np.full((1, 384), np.nan, dtype=np.float32)
    with pytest.raises(ModelOutputError, match="not finite"):
        text_model.score(broken)


def test_a_missing_artifact_is_named(encoder: Encoder) -> None:
    with pytest.raises(FileNotFoundError, match="v9"):
        TextModel(MODELS / "nlp_model" / "v9", "v9", encoder).load()


def test_the_encoder_reads_the_measured_weights_as_transformers_does() -> None:
    verify_base()
    assert agreement_with_transformers() >= LEAST_COSINE
