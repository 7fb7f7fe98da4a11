"""The committed models, loaded once for all tests of this floor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from marketplace.world import World
from services.cv_model.model import Backbone, PhotoModel
from services.nlp_model.model import Encoder, TextModel
from services.orchestrator.heads import ConversionModel, PriceModel
from tests.conftest import ROOT

MODELS = ROOT / "models"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """As in the services: two threads on two shared cores are slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    encoder = Encoder()
    encoder.load()  # a hold of the session's own, so that tests may unload their models
    return encoder


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    backbone = Backbone()
    backbone.load()
    return backbone


@pytest.fixture(params=["v1", "v2"])
def text_model(request: pytest.FixtureRequest, encoder: Encoder) -> Iterator[TextModel]:
    model = TextModel(MODELS / "nlp_model" / request.param, request.param, encoder)
    model.load()
    yield model
    model.unload()


@pytest.fixture(params=["v1", "v2"])
def photo_model(request: pytest.FixtureRequest, backbone: Backbone) -> Iterator[PhotoModel]:
    model = PhotoModel(MODELS / "cv_model" / request.param, request.param, backbone)
    model.load()
    yield model
    model.unload()


@pytest.fixture(scope="session")
def price_model() -> PriceModel:
    return PriceModel(MODELS / "price_model" / "v1")


@pytest.fixture(scope="session")
def conversion_model() -> ConversionModel:
    return ConversionModel(MODELS / "conversion_model" / "v1")
