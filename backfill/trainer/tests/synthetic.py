"""A dataset of known truth, in the form of dataset.parquet: what it costs to train, and what must be found.

    python tests/synthetic.py ROWS FILE
"""

import json
import sys

import numpy as np
import pyarrow
import pyarrow.parquet as parquet

DAY = 86_400_000
START, END = 1_735_689_600_000, 1_735_689_600_000 + 450 * DAY
STEP = 14 * DAY + 7 * 3_600_000
ROWS_A_CUSTOMER = 20
NAMED = [
    "last_login_days_ago",
    "active_days_last_30_days",
    "sessions_last_30_days",
    "orders_lifetime",
    "days_since_last_order",
    "revenue_lifetime",
    "transaction_revenue_last_90_days",
]
#: What openings read, made from the named ones without a draw: trees, not luck, are what costs.
DERIVED = [
    "sessions_last_7_days",
    "active_days_last_90_days",
    "active_days_last_26_weeks",
    "active_days_last_52_weeks",
    "tenure_months",
    "order_days_lifetime",
    "order_gap_mean_days",
    "days_since_first_order",
]
FEATURES = [*NAMED, *DERIVED, *(f"other_{number}" for number in range(61 - len(NAMED) - len(DERIVED)))]
GROUPS = {"gender": ["female", "male", "other", "unknown"], "ageBand": ["18-34", "35-54", "55+"]}
MODELS = ("engagement", "churn", "ltv")


def columns(rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Rows by snapshot, then customer; three in ten customers validate, in the last third of the time."""
    random = np.random.default_rng(seed)
    customers = max(1, rows // ROWS_A_CUSTOMER)
    phase = random.integers(STEP, size=customers)
    who = np.repeat(np.arange(customers), ROWS_A_CUSTOMER)
    when = START + phase[who] + np.tile(np.arange(ROWS_A_CUSTOMER), customers) * STEP
    order = np.lexsort([who, when])
    who, when = who[order], when[order]
    habit = random.normal(size=customers)
    feature = features(random, habit[who])
    validates = random.random(customers) < 0.3
    later = when > np.quantile(when, 0.65)
    side = np.where(validates[who] & later, "validation", np.where(~validates[who] & ~later, "training", None))
    table = {"customer": np.array([f"{one:016x}" for one in who]), "snapshot": when, "arrival_cut": when}
    for model, (label, truth) in labels(random, feature).items():
        used = side != None  # noqa: E711
        counts = np.bincount(who[used], minlength=customers)[who]
        table |= {
            f"split_{model}": side,
            f"label_{model}": np.where(used, label, np.nan),
            f"weight_{model}": np.where(used, 1 / np.maximum(counts, 1), np.nan),
            f"truth_{model}": np.where(used, truth, np.nan),
        }
    for attribute, values in GROUPS.items():
        table[f"group_{attribute}"] = np.array(values)[random.integers(len(values), size=customers)][who]
    return table | feature


def features(random: np.random.Generator, habit: np.ndarray) -> dict[str, np.ndarray]:
    rows = len(habit)
    active = random.binomial(30, 1 / (1 + np.exp(1.5 - habit)))
    orders = random.poisson(np.exp(habit / 2))
    revenue = orders * random.gamma(2, 20, size=rows)
    found = {
        "last_login_days_ago": np.floor(random.exponential(30 / (1 + active))),
        "active_days_last_30_days": active,
        "sessions_last_30_days": active + random.poisson(active / 2),
        "orders_lifetime": orders,
        "days_since_last_order": np.where(orders > 0, np.floor(random.exponential(40, size=rows)), np.nan),
        "revenue_lifetime": revenue,
        "transaction_revenue_last_90_days": revenue * random.random(rows),
    }
    found |= derived(found)
    for name in FEATURES[len(found) :]:
        values = random.normal(size=rows)
        found[name] = np.where(random.random(rows) < 0.1, np.nan, values)
    return {name: values.astype(np.float32) for name, values in found.items()}


def derived(known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    active, sessions, orders = (known[name] for name in ("active_days_last_30_days", "sessions_last_30_days", "orders_lifetime"))
    months = (sessions * 7 + orders * 3) % 24
    last, age = known["days_since_last_order"], 30 * months + 20
    first = np.where(orders > 1, np.maximum(last, age * 0.8), last)
    return {
        "sessions_last_7_days": sessions // 4,
        "active_days_last_90_days": active * np.minimum(months + 1, 3),
        "active_days_last_26_weeks": active * np.minimum(months + 1, 6),
        "active_days_last_52_weeks": active * np.minimum(months + 1, 12),
        "tenure_months": months,
        "order_days_lifetime": orders,
        "order_gap_mean_days": np.where(orders > 1, (first - last) / np.maximum(orders - 1, 1), np.nan),
        "days_since_first_order": first,
    }


def labels(random: np.random.Generator, feature: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Label and its expectation given the features: a model can reach it."""
    active, away = feature["active_days_last_30_days"].astype(float), feature["last_login_days_ago"].astype(float)
    churn = 1 / (1 + np.exp(0.25 * active - 0.15 * away - 0.5))
    share = 1 / (1 + np.exp(2 - 0.12 * active + 0.05 * away))
    buys = 1 / (1 + np.exp(2 - 0.15 * active))
    mean = 20 + 0.5 * feature["revenue_lifetime"].astype(float)
    rows = len(active)
    return {
        "engagement": (random.binomial(30, share) / 30, share),
        "churn": ((random.random(rows) < churn).astype(float), churn),
        "ltv": ((random.random(rows) < buys) * random.gamma(2, mean / 2), buys * mean),
    }


def table(found: dict[str, np.ndarray]) -> pyarrow.Table:
    def column(name: str, values: np.ndarray) -> pyarrow.Array:
        if name in ("snapshot", "arrival_cut"):
            return pyarrow.array(values, pyarrow.timestamp("ms", tz="UTC"))
        if name.startswith(("label_", "weight_", "truth_")):
            return pyarrow.array(values, pyarrow.float64(), from_pandas=True)
        return pyarrow.array(values)

    iso = ["2025-01-01T00:00:00.000Z", "2026-03-27T00:00:00.000Z"]
    metadata = {"rescore.range": json.dumps(dict(zip(("start", "end"), iso))), "rescore.layout": "ab" * 32}
    return pyarrow.table({name: column(name, values) for name, values in found.items()}, metadata=metadata)


if __name__ == "__main__":
    parquet.write_table(table(columns(int(sys.argv[1]))), sys.argv[2])
