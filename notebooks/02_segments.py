# %% [markdown]
# # Seller segments: who behaves alike, and where they go
#
# Groups by behaviour alone: no label, enforcement or score. This walk reads what
# `learn.seller_segments`, `learn.assign_segments` and `report.segments` left behind; it fits
# nothing. Run it from the project, with `MARKETPLACE_LAKE_ROOT` naming a lake that has segments.

# %%
import os
from pathlib import Path

import polars as pl

from ml.registry import Registry
from ml.seller_segments.behaviour import columns, month_ends_to
from ml.seller_segments.model import of_files

lake = Path(os.environ.get("MARKETPLACE_LAKE_ROOT", "demo/lake")).absolute()
uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{lake}/models/mlflow.db")
registry = Registry(uri)

# %% [markdown]
# ## The frozen version
#
# Its card shows every k that was tried and which gates it missed. `asked_by` says why it was
# fitted: by hand, or which trigger.

# %%
champion = registry.champion("seller_segments")
assert champion is not None, "nobody has been promoted yet: see learn.promote"
model = of_files(registry.files(champion))
print(champion.tags["known_on"], "gates", champion.tags["gates"], "by", champion.tags["asked_by"])
model.every_name

# %% [markdown]
# ## The newest month-end, segment by segment
#
# The risk rate is measured on labels that no segment has seen.

# %%
segments = pl.read_delta(str(lake / "reports" / "segments"))
newest = segments.filter(pl.col("ds") == pl.col("ds").max()).sort("segment_id")
newest.select("segment_name", "sellers", "share", "risk_rate", "risk_low", "risk_high", "owner")

# %% [markdown]
# ## What sets them apart

# %%
effects = newest.select("segment_name", "effects").explode("effects").unnest("effects")
apart = effects.filter(pl.col("effect").abs() >= 0.5)
apart.group_by("segment_name", maintain_order=True).head(4)

# %% [markdown]
# ## Why they grew or shrank
#
# The parts of a change add up: who entered and left, who moved and by which family of features,
# and what another version of the model did.

# %%
flows = pl.read_delta(str(lake / "reports" / "segment_flows"))
parts = flows.filter(pl.col("ds") == pl.col("ds").max()).group_by("segment_id", "part").agg(
    pl.col("sellers").sum().round(1)
).sort("segment_id", "part")  # fmt: skip
parts

# %% [markdown]
# ## Plain Python assigns what Spark assigned
#
# The version is JSON. Without Spark and jars it gives every seller the segment that is published.

# %%
published = (
    pl.scan_delta(str(lake / "scores" / "seller_segments"))
    .filter(pl.col("ds") == newest["ds"][0]).sort("seller_id").collect()
)  # fmt: skip
looked_at = month_ends_to(newest["ds"][0], model.month_ends)
snapshots = (
    pl.scan_delta(str(lake / "features" / "seller_snapshots"))
    .filter(pl.col("ds").is_in(looked_at))
    .select("ds", "seller_id", *columns(model.features)).collect().to_arrow()
)  # fmt: skip
again = pl.from_arrow(model.assigned(snapshots, newest["ds"][0])).sort("seller_id")
assert (again["segment_id"] == published["segment_id"]).all()
again["segment_name"].value_counts(sort=True)
