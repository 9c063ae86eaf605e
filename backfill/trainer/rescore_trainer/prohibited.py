"""Age, gender, location and what stands for them are no inputs of a model.

Looked for in two ways: by name, and by how well one feature alone tells a group of the profile (a proxy), on customers
that the lookup has not seen. What all features together tell is measured and reported, not refused: some of it is
behaviour, and a person has to judge it.
"""

import re

import numpy as np
import xgboost

from .dataset import Dataset
from .errors import TrainingError
from .fairness import UNKNOWN
from .families.search import share_of
from .metrics import auc, value_of

WORDS = (
    "age ageband agegroup birth birthday birthdate birthyear dob gender sex male female location country region state "
    "city town zip postcode postal address latitude longitude geo urban suburban rural ethnicity race religion "
    "nationality citizenship disability pregnancy marital orientation"
).split()
#: One feature alone that tells a group with more is refused.
MOST_AUC = 0.9
FEWEST_CUSTOMERS = 60
BINS = 32
ALL_FEATURES = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 3, "eta": 0.2, "nthread": 1, "seed": 1}
ROUNDS = 30


class ProhibitedInputError(TrainingError):
    """Names the feature and what it stands for."""


def refuse_prohibited_names(features: list[str]) -> None:
    for name in features:
        words = [word for word in re.split(r"[^a-z]+", name.lower()) if word in WORDS]
        if words:
            raise ProhibitedInputError(
                f"{name} is no input that a model may have ({words[0]}). Take it out of the features; "
                "a group_ column keeps it for fairness reports."
            )


def proxies(dataset: Dataset) -> dict[str, dict]:
    """By attribute: the features that tell its groups best, one by one, and all together (AUC, one group against the
    others, on half of the customers; one row a customer). Raises ProhibitedInputError for a feature above 0.9."""
    vectors, customers, groups = _one_row_a_customer(dataset)
    learn = share_of(customers, "proxies") < 0.5
    report = {}
    for column, (attribute, values) in enumerate(dataset.group_values.items()):
        found = []
        for code, value in enumerate(values):
            known = groups[:, column] != (values.index(UNKNOWN) if UNKNOWN in values else -2)
            member = groups[:, column] == code
            sides = [(member & known & side).sum() for side in (learn, ~learn)]
            others = [(~member & known & side).sum() for side in (learn, ~learn)]
            if value == UNKNOWN or min(sides + others) < FEWEST_CUSTOMERS // 2:
                continue
            found.append(_telling(value, vectors[known], member[known], learn[known], dataset.features))
        if found:
            report[attribute] = _strongest(attribute, found)
    return report


def _strongest(attribute: str, found: list[dict]) -> dict:
    best = max(found, key=lambda each: each["alone"][0][1])
    feature, alone = best["alone"][0]
    if alone > MOST_AUC:
        raise ProhibitedInputError(
            f"{feature} alone tells the {attribute} {best['value']} (AUC {alone:.3f}, at most {MOST_AUC} is allowed): "
            "it stands for what no model may know. Take it out of the features."
        )
    together = max(found, key=lambda each: each["together"])
    return {
        "feature": feature,
        "group": best["value"],
        "auc": round(alone, 4),
        "allFeatures": {"group": together["value"], "auc": round(together["together"], 4)},
    }


def _telling(value: str, vectors: np.ndarray, member: np.ndarray, learn: np.ndarray, features: list[str]) -> dict:
    label = member.astype(float)
    alone = [(name, _lookup_auc(vectors[:, column], label, learn)) for column, name in enumerate(features)]
    rows = xgboost.DMatrix(vectors[learn], label=label[learn], nthread=1)
    answers = xgboost.train(ALL_FEATURES, rows, ROUNDS).predict(xgboost.DMatrix(vectors[~learn], nthread=1))
    return {
        "value": value,
        "alone": sorted(alone, key=lambda each: -each[1]),
        "together": value_of(auc, label[~learn], answers),
    }


def _lookup_auc(values: np.ndarray, label: np.ndarray, learn: np.ndarray) -> float:
    """A table of the group's share by value (or bin of equal count, NaN apart), so any shape is found."""
    known = values[learn & ~np.isnan(values)]
    if not len(known):
        return 0.5
    places = np.unique(known)
    edges = places if len(places) <= BINS else np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
    size = len(edges) + 2
    rows = np.bincount(bins[learn], minlength=size)
    members = np.bincount(bins[learn], weights=label[learn], minlength=size)
    share = (members + label[learn].mean()) / (rows + 1)
    return value_of(auc, label[~learn], share[bins[~learn]])


def _one_row_a_customer(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The last row of each customer; rows are ordered by snapshot."""
    vectors, customers, groups = dataset.everybody()
    last = len(customers) - 1 - np.unique(customers[::-1], return_index=True)[1]
    return vectors[last], customers[last], groups[last]
