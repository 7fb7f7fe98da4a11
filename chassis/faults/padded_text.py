"""Texts are padded to many tokens."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class PaddedText:
    """Texts are padded to many tokens."""

    max_tokens: int = dial(64, 512, "Tokens of every text.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"tokenizer.max_tokens": self.max_tokens, "tokenizer.padding": "max_tokens"})
