"""Reading a listing's, a user's and a neighbourhood's features from Redis.

Keys: ``listing:ID`` and ``user:ID`` are hashes of features, ``place:NAME`` maps each of a place's listings to its price
per square metre.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

from redis.asyncio import Redis

from chassis import semconv
from chassis.drift import DriftWatch
from chassis.problems import Problem
from chassis.redis import RedisStore, StoreUnavailable
from chassis.telemetry import Telemetry
from services.feature_store.cache import Cache
from services.feature_store.schemas import FeaturesAnswer, FeaturesAsk

Row = dict[str, str]
NOT_FEATURES = frozenset({"place", "segment", "updated_at"})
REFERENCE = ":"  # a field with a colon in its name refers to something else, such as a similar listing
AREA = "area_m2"
SQUARE_FEET = 10.7639  # in a square metre


class FeatureReader:
    """Answers from Redis. What belongs to a whole place is kept for ``neighbourhood_life`` seconds."""

    def __init__(
        self,
        store: RedisStore,
        telemetry: Telemetry,
        watch: DriftWatch | None = None,
        neighbourhood_life: float = 30.0,
    ) -> None:
        self.store, self.telemetry, self.watch = store, telemetry, watch
        self.neighbourhoods: Cache[dict[str, float]] = Cache("neighbourhood", neighbourhood_life, telemetry)
        self._strategy = telemetry.knobs.register(
            "reader.strategy",
            "hashes",
            "Whether features are read as whole hashes or field by field.",
            choices=("hashes", "field"),
        )
        self._version = telemetry.knobs.register(
            "features.version",
            "v1",
            "Definitions of the features served: v2 gives the living area in square feet.",
            choices=("v1", "v2"),
            on_change=lambda version: telemetry.deployed("features", definitions=version),
        )

    async def read(self, ask: FeaturesAsk) -> FeaturesAnswer:
        """Raises Problem 404 for an unknown listing, 503 where Redis cannot be used."""
        try:
            listing, user = await self._lookup(ask)
            place = await self._neighbourhood(listing["place"])
        except StoreUnavailable as error:
            raise Problem(503, "store-unavailable", "Features cannot be read", "The store did not answer.") from error
        return self._answer(listing, user, place)

    async def _lookup(self, ask: FeaturesAsk) -> tuple[Row, Row]:
        with self.telemetry.span("feature_lookup"):
            read = _two_hashes if self._strategy.value == "hashes" else _field_by_field
            listing, user = await self.store.run(lambda redis: read(redis, ask))
            self.telemetry.set(semconv.FEATURE_COUNT, len(listing) + len(user))
            self.telemetry.set(semconv.FEATURE_VERSION, self._version.value)
        if not listing:
            raise Problem(404, "unknown-listing", "Unknown listing", "The marketplace has no listing of this id.")
        return listing, user

    async def _neighbourhood(self, place: str) -> dict[str, float]:
        with self.telemetry.span("neighbourhood_stats"):
            return await self.neighbourhoods.get(place, lambda: self._compute(place))

    async def _compute(self, place: str) -> dict[str, float]:
        prices = await self.store.run(lambda redis: redis.hvals(f"place:{place}"))
        return neighbourhood_features([float(price) for price in prices])

    def _answer(self, listing: Row, user: Row, place: Mapping[str, float]) -> FeaturesAnswer:
        age = self._age(user)
        if not user:
            self.telemetry.count(semconv.FEATURE_DEFAULTS, feature="behaviour")
        values = {**self._in_units(_numbers(listing)), **_numbers(user), **place}
        if self.watch:
            self.watch.see(values)
        return FeaturesAnswer(
            values=values,
            segment=user.get("segment", "unknown"),
            age_s=age,
            defaulted=[] if user else ["behaviour"],
        )

    def _in_units(self, listing: dict[str, float]) -> dict[str, float]:
        """A listing's numbers in the units of the definitions that are served."""
        if self._version.value == "v1" or AREA not in listing:
            return listing
        return {**listing, AREA: listing[AREA] * SQUARE_FEET}

    def _age(self, user: Row) -> float | None:
        if "updated_at" not in user:
            return None
        age = max(0.0, time.time() - float(user["updated_at"]))
        self.telemetry.observe(semconv.FEATURE_AGE, age)
        self.telemetry.set(semconv.FEATURE_AGE_S, round(age, 1))
        return age


def neighbourhood_features(prices: list[float]) -> dict[str, float]:
    """Median price per square metre, number of listings and relative spread (interquartile range over median)."""
    if len(prices) < 2:
        return {}
    lower, median, upper = statistics.quantiles(prices, n=4)
    return {
        "neighbourhood_price_per_m2": median,
        "neighbourhood_listings": float(len(prices)),
        "neighbourhood_spread": (upper - lower) / median,
    }


async def _two_hashes(redis: Redis, ask: FeaturesAsk) -> tuple[Row, Row]:
    """Both hashes in one round trip."""
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.hgetall(f"listing:{ask.listing_id}")
        pipeline.hgetall(f"user:{ask.user_id}")
        listing, user = await pipeline.execute()
    return listing, user


async def _field_by_field(redis: Redis, ask: FeaturesAsk) -> tuple[Row, Row]:
    """One round trip a field: what an object mapper does that loads attributes when they are asked for."""
    return await _fields(redis, f"listing:{ask.listing_id}"), await _fields(redis, f"user:{ask.user_id}")


async def _fields(redis: Redis, key: str) -> Row:
    values = {str(name): await redis.hget(key, str(name)) for name in await redis.hkeys(key)}
    return {name: str(value) for name, value in values.items() if value is not None}


def _numbers(row: Row) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if name not in NOT_FEATURES and REFERENCE not in name}
