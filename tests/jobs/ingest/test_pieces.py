"""A long window lands in pieces of whole days, each as large as a machine can hold."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.ingest.files import LandedFile
from jobs.ingest.landing import MOST_BYTES, in_pieces

FIRST = date(2026, 1, 1)
sizes = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["orders", "refunds"]),
                           st.integers(0, MOST_BYTES + 1)), max_size=20)  # fmt: skip


@given(sizes)
def test_every_file_is_in_one_piece_and_every_day_too(landed):
    files = [file(n, *of) for n, of in enumerate(landed)]
    pieces = in_pieces(files)
    assert sorted(f.name for piece in pieces for f in piece) == sorted(f.name for f in files)
    days = [{f.ds for f in piece} for piece in pieces]
    assert all(max(one) < min(other) for one, other in pairwise(days))


@given(sizes)
def test_a_piece_is_one_day_or_fits_and_could_not_take_the_next_day(landed):
    pieces = in_pieces([file(n, *of) for n, of in enumerate(landed)])
    for piece in pieces:
        assert sum(f.bytes for f in piece) <= MOST_BYTES or len({f.ds for f in piece}) == 1
    for piece, following in pairwise(pieces):
        next_day = [f for f in following if f.ds == following[0].ds]
        assert sum(f.bytes for f in piece + next_day) > MOST_BYTES


def file(n: int, day: int, entity: str, size: int) -> LandedFile:
    ds = FIRST + timedelta(days=day)
    name = f"{entity}/ds={ds}/{n}.parquet"
    return LandedFile(entity, ds, f"/landing/{name}", name, size, f"{n:064d}")
