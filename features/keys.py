"""`conf.keys.key_of` on columns."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from conf.keys import UNIT_SEPARATOR


def key_of(*parts: Column) -> Column:
    """Hex SHA-256 over the parts, texts that are not null, joined with U+001F."""
    return F.sha2(F.concat_ws(UNIT_SEPARATOR, *parts), 256)


def key_of_list(parts: Column) -> Column:
    """The same over the texts of an array, in its order."""
    return F.sha2(F.array_join(parts, UNIT_SEPARATOR), 256)
