"""Faults of the feature store and of its Redis."""

from __future__ import annotations

from lab.faults.row import Row, ServiceEffect, SharedEffect
from lab.faults.signals import Evidence, Logged, Prom, RedisLog, Traced, highest, mean, rate, ratio

STORE = "feature_store"
REDIS_BYTES = f'client_received_bytes_total{{service_name="{STORE}",peer="redis"}}'
READS = f'http_requests_total{{service_name="{STORE}",route="/v1/features"}}'
TO_STORE = ("orchestrator", STORE)
CONNECTION_STACK = ("chassis/wire.py", "redis/asyncio", "asyncio", "uvloop", "async_timeout")

LONG_WAIT = Evidence(
    "callers wait for a slot before they talk to Redis",
    Prom(mean("pool_wait_seconds", f'service_name="{STORE}",pool="redis"')),
    0.008,
    times=3,
)
MANY_TRIPS = Evidence("dozens of tiny Redis spans in one request", Traced("clients_per_trace", STORE), 10)
MANY_BYTES = Evidence("kilobytes become megabytes", Prom(ratio(REDIS_BYTES, READS)), 15_000)
SLOW_READS = Evidence("the slow log shows the read", RedisLog("slow", "HGETALL"), 3)
SLOW_SCRIPT = Evidence("the slow log names a script", RedisLog("slow", "EVAL"), 5)
MISSES = Evidence(
    "the same aggregate is computed for every request",
    Prom(
        ratio(
            'cache_requests_total{cache="neighbourhood",result="miss"}', 'cache_requests_total{cache="neighbourhood"}'
        )
    ),
    0.9,
)
DENIED = Evidence("NOPERM with its stack in the log", Logged('{service_name="feature_store"} |= "no permissions"'), 0.3)
BREAKER = Evidence(
    "the breaker to Redis is open", Prom(highest(f'circuit_breaker_state{{service_name="{STORE}",peer="redis"}}')), 2
)
LONG_TRIPS = Evidence("each Redis span is long", Traced("client_ms", STORE, attribute="redis"), 60, times=3)
RECONNECTS = Evidence(
    "connections are opened again and again",
    Prom(rate(f'client_connections_opened_total{{service_name="{STORE}",peer="redis"}}')),
    0.2,
    times=3,
)

ROWS = (
    Row(
        "pool-of-one",
        "feature_lookup",
        "the pool of Redis connections lends one slot, which rests after each use",
        "queueing",
        (ServiceEffect("PLACE", "narrow_pool"),),
        (LONG_WAIT, Evidence("somebody waits for a slot", Prom(highest('pool_waiting{pool="redis"}')), 1)),
        (STORE, "orchestrator"),  # who keeps a pool of Redis connections
        also=("pool exhaustion", "saturation"),
        look_alikes=("redis-far", "n-plus-one", "redis-busy", "redis-down"),
    ),
    Row(
        "n-plus-one",
        "feature_lookup",
        "features are read one field a round trip",
        "inefficient query",
        (ServiceEffect(STORE, "field_by_field"),),
        (MANY_TRIPS,),
        (STORE,),
        also=("n+1 queries", "chatty reads"),
        look_alikes=("redis-far", "big-hash", "pool-of-one"),
        dialled=False,
        shared_out=True,
    ),
    Row(
        "big-hash",
        "feature_lookup",
        "listings' hashes have grown to tens of thousands of fields, and are read whole",
        "inefficient query",
        (SharedEffect("hot_hashes"),),
        (MANY_BYTES, SLOW_READS),
        (STORE,),
        also=("large value", "big key"),
        look_alikes=("redis-busy", "redis-far", "n-plus-one"),
    ),
    Row(
        "redis-busy",
        "Redis",
        "a script keeps the single-threaded server busy",
        "blocked dependency",
        (SharedEffect("busy_script"),),
        (SLOW_SCRIPT,),
        (STORE,),
        also=("slow dependency", "slow script"),
        look_alikes=("big-hash", "n-plus-one", "redis-down"),
    ),
    Row(
        "stampede",
        "neighbourhood_stats",
        "the cache keeps nothing and nobody shares a computation",
        "cache failure",
        (ServiceEffect(STORE, "no_cache"),),
        (MISSES,),
        (STORE,),
        also=("cache stampede", "cold cache"),
        look_alikes=("n-plus-one", "big-hash", "redis-far"),
        dialled=False,
        shared_out=True,
    ),
    Row(
        "stale-features",
        "event consumer",
        "accepted events are no longer counted",
        "stale data",
        (ServiceEffect(STORE, "halted_consumer"),),
        (
            Evidence("events wait to be counted", Prom(highest("events_waiting")), 40),
            Evidence("none is counted", Prom(rate('events_counted_total{result="counted"}')), 0.1, "down"),
        ),
        (STORE,),
        also=("stale features", "consumer stopped"),
        look_alikes=("missing-features", "unit-change"),
        silent=True,
        back="w",
        dialled=False,
    ),
    Row(
        "missing-features",
        "behaviour features",
        "users' features expire early; defaults fill in",
        "missing data",
        (SharedEffect("early_expiry"),),
        (Evidence("reads are answered by defaults", Prom(ratio("feature_defaults_total", READS)), 0.15),),
        (STORE,),
        also=("missing features", "defaults served"),
        look_alikes=("stale-features", "unit-change"),
        silent=True,
        back="w",
    ),
    Row(
        "unit-change",
        "feature_lookup",
        "other feature definitions are released: the living area in square feet",
        "training-serving skew",
        (ServiceEffect(STORE, "other_units"),),
        (
            Evidence(
                "another version of the definitions is served",
                Traced("share_with_value", STORE, "feature_lookup", "feature.definitions=v2"),
                0.9,
            ),
        ),
        (STORE,),
        also=("unit mismatch", "skew"),
        look_alikes=("stale-features", "missing-features"),
        silent=True,
        back="w",
        dialled=False,
        expected=("kind", "version", "definitions"),  # a release says that it is one
    ),
    Row(
        "redis-denied",
        "Redis",
        "the rights of the Redis user are withdrawn",
        "access denied",
        (SharedEffect("redis_rights"),),
        (DENIED, Evidence("the ACL log has entries", RedisLog("acl"), 1)),
        (STORE,),
        also=("permission denied", "authorization"),
        look_alikes=("redis-flaky", "redis-far"),
        edge=TO_STORE,
        expected=("NoPermissionError", "StoreUnavailable", *CONNECTION_STACK),
    ),
    Row(
        "redis-down",
        "Redis",
        "Redis's port refuses connections",
        "dependency down",
        (ServiceEffect("PLACE", "closed_port", {"peer": "redis"}),),
        (BREAKER,),
        (STORE, "orchestrator"),
        also=("connection refused", "dependency outage"),
        look_alikes=("redis-denied", "redis-far", "redis-busy"),
        edge=TO_STORE,
        dialled=False,
        expected=("StoreUnavailable", "BreakerOpen", "ConnectionError", *CONNECTION_STACK),
    ),
    Row(
        "redis-far",
        "Redis",
        "Redis's answers travel long",
        "network latency",
        (ServiceEffect("PLACE", "far_peer", {"peer": "redis"}),),
        (LONG_TRIPS,),
        (STORE, "orchestrator"),
        also=("slow network", "latency"),
        look_alikes=("redis-busy", "big-hash", "n-plus-one", "redis-down"),
        shared_out=True,
    ),
    Row(
        "redis-flaky",
        "Redis",
        "connections are reset half-way through an answer",
        "network loss",
        (ServiceEffect("PLACE", "broken_answers", {"peer": "redis"}),),
        (RECONNECTS, Evidence("attempts are repeated", Prom(rate('client_retries_total{peer="redis"}')), 0.05)),
        (STORE, "orchestrator"),
        also=("connection reset", "packet loss"),
        look_alikes=("redis-far", "redis-denied", "redis-busy"),
        shared_out=True,
        expected=("ConnectionError", "ConnectionResetError", "StoreUnavailable", *CONNECTION_STACK),
    ),
)
