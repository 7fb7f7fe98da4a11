"""The pretrained weights: are they the ones that were measured, and does our encoder read them as transformers does?"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from marketplace.training.artifacts import sha256_of
from services.cv_model.model import base_weights
from services.nlp_model.model import MAX_TOKENS, Encoder, base_directory, load_tokenizer, tokenize

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EFFICIENTNET_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LEAST_COSINE = 0.9999
SENTENCES = ("A bright house with a new kitchen.", "Fire damage throughout, sold as seen.", "Two rooms, no garden.")


def verify_base() -> None:
    """Raises ``ValueError`` where the installed weights are not the measured ones."""
    for path, expected in (
        (base_directory() / "model.safetensors", MINILM_SHA256),
        (base_weights(), EFFICIENTNET_SHA256),
    ):
        found = sha256_of(path)
        if found != expected:
            raise ValueError(f"{path.name} has sha256 {found}, not the measured {expected}")


def agreement_with_transformers() -> float:
    """Least cosine between our encoder's embeddings, before quantization, and those of transformers' ``BertModel``."""
    ours = Encoder(quantized=False)
    ours.load()
    tokenizer = load_tokenizer(ours.directory)
    ids = [tokenize(tokenizer, sentence, MAX_TOKENS).ids for sentence in SENTENCES]
    mine = np.concatenate([ours.encode([tokens], len(tokens), "mean") for tokens in ids])
    theirs = _reference(ours.directory, ids)
    return float((mine * theirs).sum(1).min())


def _reference(directory: Path, ids: list[list[int]]) -> np.ndarray:
    """The same embeddings through transformers."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read at its import: nothing may be fetched
    from transformers import BertModel
    from transformers.utils import logging

    logging.set_verbosity_error()  # it reports the pooler, which embeddings do not use, as a surprise
    logging.disable_progress_bar()
    network = BertModel.from_pretrained(directory, local_files_only=True, add_pooling_layer=False).eval()
    with torch.inference_mode():
        states = [network(torch.tensor([tokens])).last_hidden_state.mean(1) for tokens in ids]
    vectors = torch.cat(states)
    return (vectors / vectors.norm(dim=1, keepdim=True)).numpy()
