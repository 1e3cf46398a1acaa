"""Chance and time. A draw is a keyed hash, so it depends on no partition, order or other row.

Every frame carries `luck`, a long that is its rows' own: hashed from the seed and the ids, row
by row down from orders to parcels to lines. A draw hashes a purpose with that luck.

Keys are SQL expressions: an expression as text is one call to the JVM where columns are ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from pyspark.sql import Column
from pyspark.sql import functions as F

HOUR_WEIGHTS = (2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 8, 7, 6, 6, 7, 8, 9, 11, 12, 11, 8, 4)
_HOURS = [hour for hour, weight in enumerate(HOUR_WEIGHTS) for _ in range(weight)]


def luck(purpose: str, *keys: str) -> Column:
    """The luck of a new kind of row, from expressions that name the row (a luck among them)."""
    return F.expr(_hash(purpose, *keys))


def draw(purpose: str, *keys: str) -> Column:
    """A number in [0, 1) from 53 bits of the hash of the purpose and the keys (else `luck`).

    The same purpose with the same keys is the same number, wherever it is asked for: two draws
    that are to be independent need two purposes.
    """
    return F.expr(_draw(purpose, *keys))


def _draw(purpose: str, *keys: str) -> str:
    # 0x1p-53, which a double holds exactly.
    return f"(shiftrightunsigned({_hash(purpose, *keys)}, 11) * {2.0**-53!r}D)"


def _hash(purpose: str, *keys: str) -> str:
    return f"xxhash64({', '.join((repr(purpose), *(keys or ('luck',))))})"


def chance(share: float | Column, purpose: str, *keys: str) -> Column:
    """True for that share of the rows."""
    return draw(purpose, *keys) < share


def between(low: float, high: float, purpose: str) -> Column:
    return F.expr(f"{low}D + {high - low}D * {_draw(purpose)}")


def waiting(mean: float | Column, purpose: str) -> Column:
    """An exponential waiting time."""
    return F.expr(f"-log1p(-{_draw(purpose)})") * mean


def skewed(purpose: str, *keys: str) -> Column:
    """A number in [0, 1), more often small than large."""
    return F.expr(f"{_draw(purpose, *keys)} * {_draw(purpose, *keys)}")


def whole(count: int | Column, number: Column) -> Column:
    """0 to count - 1, from a number in [0, 1)."""
    return F.floor(number * count).cast("int")


def pick(values: Sequence[str], purpose: str, *keys: str) -> Column:
    """One of the values, all alike."""
    listed = ", ".join(map(repr, values))
    return F.expr(f"array({listed})[cast(floor({len(values)} * {_draw(purpose, *keys)}) as int)]")


def pick_of(values: Mapping[str, Sequence[str]], column: str, purpose: str) -> Column:
    """One of the values that belong to the name in a column; null where there are none."""
    pairs = ", ".join(f"{name!r}, array({', '.join(map(repr, v))})" for name, v in values.items())
    own = f"map({pairs})[{column}]"
    return F.expr(f"{own}[cast(floor(size({own}) * {_draw(purpose)}) as int)]")


def weighted(shares: Mapping[str, float], purpose: str) -> Column:
    """One of the names, by shares; the last one takes what is left."""
    *names, rest = shares
    if not names:
        return F.lit(rest)
    bounds = accumulate(shares[name] for name in names)
    cases = " ".join(
        f"when {_draw(purpose)} < {bound!r}D then {name!r}"
        for name, bound in zip(names, bounds, strict=True)
    )
    return F.expr(f"case {cases} else {rest!r} end")


def looked_up(values: Mapping[str, float | str], column: str) -> Column:
    """The value for the text in a column."""
    pairs = ", ".join(
        f"{key!r}, {value!r}" + ("" if isinstance(value, str) else "D")
        for key, value in values.items()
    )
    return F.expr(f"map({pairs})[{column}]")


def token(purpose: str, *keys: str) -> Column:
    """An opaque id of the keys (else of `luck`): what a keyed hash looks like."""
    return F.expr(f"lower(hex({_hash(purpose, *keys)}))")


def at_local(day: Column, seconds: int | Column, zone: str) -> Column:
    """The instant at which a wall clock in the zone shows that many seconds of the day."""
    wall = F.timestamp_seconds(F.unix_date(day).cast("long") * 86_400 + seconds)
    return wall if zone == "UTC" else F.to_utc_timestamp(wall, zone)


def at_habitual_hour(day: Column, purpose: str, zone: str) -> Column:
    """An instant of the day, by the hours that people keep."""
    hours = ", ".join(map(str, _HOURS))
    hour = f"array({hours})[cast(floor({len(_HOURS)} * {_draw(f'{purpose} hour')}) as int)]"
    second = f"cast(floor(3600 * {_draw(f'{purpose} second')}) as int)"
    return at_local(day, F.expr(f"{hour} * 3600 + {second}"), zone)


def after(at: Column, hours: float | Column) -> Column:
    """An instant so many hours later, to the millisecond."""
    return F.timestamp_millis(F.unix_millis(at) + F.round(F.lit(hours) * 3_600_000).cast("long"))


def business_date(at: Column, zone: str) -> Column:
    """The date in the zone (the session's own zone is UTC)."""
    return F.to_date(at if zone == "UTC" else F.from_utc_timestamp(at, zone))


def unfolded(events: Mapping[str, Column]) -> Column:
    """One row an event that has a time: a struct of `event` and `occurred_at`."""
    none = F.array().cast("array<struct<event:string,occurred_at:timestamp>>")
    happened = [
        F.when(at.isNotNull(), F.array(F.struct(F.lit(name).alias("event"),
                                                at.alias("occurred_at")))).otherwise(none)
        for name, at in events.items()
    ]  # fmt: skip
    # Joined up and not filtered: a lambda is not compiled.
    return F.explode(F.concat(*happened)).alias("happening")
