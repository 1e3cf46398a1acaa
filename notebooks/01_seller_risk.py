# %% [markdown]
# # Seller risk: who may need help, and why
#
# The chance that enforcement follows within 60 days of a seller's snapshot. This walk reads what
# `learn.seller_risk` and `learn.score_seller_risk` left behind; it trains nothing. Run it from the
# project, with `MARKETPLACE_LAKE_ROOT` naming a lake that has scores.

# %%
import os
from pathlib import Path

import polars as pl

from ml.registry import Registry

lake = Path(os.environ.get("MARKETPLACE_LAKE_ROOT", "demo/lake")).absolute()
uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{lake}/models/mlflow.db")
registry = Registry(uri)

# %% [markdown]
# ## The model that is champion
#
# Its card, with figures, gates and limits, lies with its run under `card/`. What a reviewer of the
# registry sees first are the tags: as of when it was trained, and which gates it missed.

# %%
champion = registry.champion("seller_risk")
assert champion is not None, "nobody has been promoted yet: see learn.promote"
reached = registry.client.get_run(champion.run_id).data.metrics
print(champion.tags["known_on"], "gates", champion.tags["gates"])
{name: round(reached[name], 4) for name in ("average_precision", "base_rate", "ece")}

# %% [markdown]
# ## The scores of the newest day
#
# Every active seller has a probability, a band and at most three reasons.

# %%
scores = pl.read_delta(str(lake / "scores" / "seller_risk"))
newest = scores.filter(pl.col("ds") == pl.col("ds").max())
by_band = newest.group_by("band").agg(
    pl.len().alias("sellers"), pl.col("probability").mean().round(3)
).sort("probability", descending=True)  # fmt: skip
by_band

# %% [markdown]
# ## Why: the riskiest seller in words
#
# Contributions are exact (TreeSHAP, in log odds). A family of features speaks through the feature
# that raises the risk most; peers are sellers of the same marketplace and tenure.

# %%
riskiest = newest.sort("margin", descending=True).row(0, named=True)
for reason in riskiest["reasons"]:
    print(f"{reason['contribution']:+.2f}  {reason['text']} {reason['action']}")

# %% [markdown]
# ## What raises risk most often
#
# Counted over the sellers of the two highest bands.

# %%
common = (
    newest.filter(pl.col("band").is_in(["critical", "high"]))
    .explode("reasons").unnest("reasons")
    .group_by("feature").agg(pl.len().alias("sellers"))
    .sort("sellers", "feature", descending=[True, False]).head(10)
)  # fmt: skip
common

# %% [markdown]
# ## The same model without Spark
#
# Text, JSON and code, no pickle, no jars. `registry.loaded` holds every file to the digest that it
# was registered with before any is run; `mlflow.pyfunc.load_model("models:/seller_risk@champion")`
# loads the same without that. Here it scores one seller once more, from his snapshot.

# %%
model = registry.loaded(registry.version("seller_risk", riskiest["model_version"]))
snapshot = (
    pl.scan_delta(str(lake / "features" / "seller_snapshots"))
    .filter((pl.col("ds") == riskiest["ds"]) & (pl.col("seller_id") == riskiest["seller_id"]))
    .collect()
)
row = snapshot.select(name for name in model.metadata.get_input_schema().input_names())
numbers = [name for name, kind in row.schema.items() if kind.is_numeric()]
again = model.predict(row.with_columns(pl.col(numbers).cast(pl.Float64)).to_pandas())
assert abs(again["margin"].iloc[0] - riskiest["margin"]) < 1e-12
again
