"""How likely an enforcement action within 60 days is, given everything there is to know.

The ceiling of any model: nothing that is observed tells more than the whole state. Reckoned by
many futures of each seller with draws of their own; what happens to him later is not looked at.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jobs.simulate.health import State
from jobs.simulate.keyed import Chances, Doubles, Ids
from jobs.simulate.kinds import KINDS, NEVER
from jobs.simulate.lives import CHUNK, Bools, Lives, lives, passed, picked

HORIZON = 60
FUTURES = 12  # of each seller; a future counts by its hazard, so that few are enough


def at_risk(world: Lives, day: int) -> Bools:
    """[sellers]: who has joined, is not gone and is not suspended as the day ends."""
    who, state = world.traits, _state(world, day)[1]
    here = (who.entry <= day) & (day + 1 < who.leaves) & (day + 1 < state.closed)
    result: Bools = here & (state.suspended_until <= day + 1)
    return result


def risk_60d(world: Lives, day: int, futures: int = FUTURES) -> Doubles:
    """[sellers]: chance of an action within the 60 days after the day; 0 for who is not at risk.

    Until the first action nothing depends on actions, so each future runs without any and adds up
    the chance of a first one; leaving has no memory and enters by its mean. Quick where `lives`
    has kept the day's state, otherwise the world is run up to it again.
    """
    world, state = _state(world, day)
    rows = np.flatnonzero(at_risk(world, day))
    result = np.zeros(len(world.traits.seller_no))
    at_once = max(1, CHUNK // max(len(rows), 1))
    for start in range(0, futures, at_once):
        worlds = tuple(f"future {n} after {day} " for n in range(futures)[start : start + at_once])
        struck = _struck(world, picked(state, np.tile(rows, len(worlds))), rows, day, worlds)
        result[rows] += struck.reshape(len(worlds), len(rows)).sum(axis=0)
    return result / futures


def _struck(world: Lives, then: State, rows: Ids, day: int, worlds: tuple[str, ...]) -> Doubles:
    """[futures x sellers]: chance of a first action in each of these futures of the sellers."""
    own = picked(world.traits, rows)
    chances = Chances(world.seed, own.seller_no, worlds)
    rings = Chances(world.seed, own.ring, tuple(f"{name}ring " for name in worlds))
    who = picked(world.traits, np.tile(rows, len(worlds)))
    who = replace(who, leaves=np.full_like(who.leaves, NEVER))
    stays = np.array([kind.stays for kind in KINDS.values()])[who.kind]
    total, spared = np.zeros(len(stays)), np.ones(len(stays))
    for ahead in range(day + 1, day + 1 + HORIZON):
        hazard = passed(then, who, chances, rings, ahead, world.first.toordinal() + ahead)[-1]
        struck = -np.expm1(-hazard.sum(axis=0).astype(np.float64))
        total += spared * np.exp(-(ahead - day) / stays) * struck
        spared *= 1 - struck
    return total


def _state(world: Lives, day: int) -> tuple[Lives, State]:
    if day in world.kept:
        return world, world.kept[day]
    again = lives(world.seed, world.traits.seller_no, world.first, day + 1, keep=(day,))
    return again, again.kept[day]
