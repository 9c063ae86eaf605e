"""Groups that no model may see: how its answers fall on them. For the card and for the gate.

Selected = among the fifth with the highest answers. The 80 % rule: the lowest share of selected over the highest is at
least 0.8. Equalized odds (Hardt, Price, Srebro, "Equality of opportunity in supervised learning", 2016): among those
whose label is high, and among those whose label is not, groups are selected equally often; the difference is the larger
of the two gaps. High = the label itself of two classes, otherwise the label's own highest fifth.
"""

import numpy as np

from .bootstrap import Bootstrap, figure
from .dataset import Rows
from .metrics import calibration_error, value_of

SELECTED_SHARE = 0.2
FEWEST_ROWS = 200
FEWEST_OF_LABEL = 20
UNKNOWN = "unknown"
#: What the manifest holds of a group; the report has more.
IN_MANIFEST = ("rows", "meanScore", "meanLabel", "selected")
PERMUTATIONS = 999


def fairness(rows: Rows, score: np.ndarray, group_values: dict[str, list[str]], bootstrap: Bootstrap) -> dict:
    """By attribute: selectionRatio and equalizedOddsDifference with intervals, and the figures of every group of at
    least 200 rows. Customers without a profile ("unknown") are shown, and are no group."""
    selected = (score >= np.quantile(score, 1 - SELECTED_SHARE)).astype(float)
    high = _high(rows.label)
    report = {}
    for column, (attribute, values) in enumerate(group_values.items()):
        members = {value: rows.groups[:, column] == code for code, value in enumerate(values)}
        members = {value: chosen for value, chosen in members.items() if chosen.sum() >= FEWEST_ROWS}
        known = [chosen for value, chosen in members.items() if value != UNKNOWN]
        ratio = _selection_ratio(known, selected)
        if len(known) < 2 or not np.isfinite(ratio(bootstrap.counts[0])):
            continue
        report[attribute] = {
            "selectionRatio": round(ratio(bootstrap.counts[0]), 4),
            "selectionRatioInterval": _interval(ratio, bootstrap),
            "selectionRatioChance": _chance(known, rows.customers, selected),
            "equalizedOddsDifference": _interval(_odds_difference(known, selected, high), bootstrap),
            "groups": {value: _group(rows, score, selected, high, chosen) for value, chosen in members.items()},
        }
    return report


def for_manifest(report: dict) -> dict:
    """The part that models/registry/manifest.ts takes."""
    return {
        attribute: {
            "selectionRatio": found["selectionRatio"],
            "selectionRatioChance": found["selectionRatioChance"],
            "groups": {
                value: {key: group[key] for key in IN_MANIFEST} for value, group in found["groups"].items()
            },
        }
        for attribute, found in report.items()
    }


def _high(label: np.ndarray) -> np.ndarray:
    if np.isin(label, [0, 1]).all():
        return label > 0.5
    line = np.quantile(label, 1 - SELECTED_SHARE)
    return label >= line if line > label.min() else label > label.min()


def _selection_ratio(groups: list[np.ndarray], selected: np.ndarray):
    def of(counts: np.ndarray) -> float:
        shares = [_share(counts, chosen, selected) for chosen in groups]
        return min(shares) / max(shares) if shares and max(shares) > 0 else float("nan")

    return of


def _chance(groups: list[np.ndarray], customers: np.ndarray, selected: np.ndarray) -> float:
    """How often groups drawn by lot differ as much: the share of permutations of the customers' groups with a ratio as
    low as theirs (Phipson & Smyth, "Permutation p-values should never be zero", 2010). The lowest of several shares over
    the highest is far below 1 without any difference, and more so in small groups: an interval around it does not say so.
    """
    member = np.logical_or.reduce(groups)
    group = np.argmax(np.column_stack([chosen[member] for chosen in groups]), axis=1)
    ids, place = np.unique(customers[member], return_inverse=True)
    of_customer = np.zeros(len(ids), dtype=int)
    of_customer[place] = group
    rows, chosen = np.bincount(place), np.bincount(place, weights=selected[member])
    random = np.random.default_rng(len(ids))

    def ratio(of: np.ndarray) -> float:
        shares = np.bincount(of, chosen, len(groups)) / np.maximum(np.bincount(of, rows, len(groups)), 1)
        return shares.min() / shares.max()

    observed = ratio(of_customer) + 1e-12
    as_low = sum(ratio(random.permutation(of_customer)) <= observed for _ in range(PERMUTATIONS))
    return round((1 + as_low) / (1 + PERMUTATIONS), 4)


def _odds_difference(groups: list[np.ndarray], selected: np.ndarray, high: np.ndarray):
    def of(counts: np.ndarray) -> float:
        gaps = []
        for kind in (high, ~high):
            sides = [chosen & kind for chosen in groups]
            shares = [_share(counts, side, selected) for side in sides if side.sum() >= FEWEST_OF_LABEL]
            gaps.append(max(shares) - min(shares) if len(shares) > 1 else float("nan"))
        return float(np.nanmax(gaps)) if np.isfinite(gaps).any() else float("nan")

    return of


def _share(counts: np.ndarray, chosen: np.ndarray, selected: np.ndarray) -> float:
    rows = counts[chosen]
    return float(rows @ selected[chosen] / rows.sum()) if rows.sum() > 0 else 0.0


def _interval(of, bootstrap: Bootstrap) -> dict[str, float] | None:
    values = np.array([of(counts) for counts in bootstrap.counts])
    return figure(values) if np.isfinite(values[0]) else None


def _group(rows: Rows, score: np.ndarray, selected: np.ndarray, high: np.ndarray, chosen: np.ndarray) -> dict:
    label, answers = rows.label[chosen], score[chosen].astype(float)

    def rate(kind: np.ndarray) -> float | None:
        """Share of the selected among those of one kind; None for too few."""
        side = chosen & kind
        return round(float(selected[side].mean()), 4) if side.sum() >= FEWEST_OF_LABEL else None

    return {
        "rows": int(chosen.sum()),
        "customers": len(np.unique(rows.customers[chosen])),
        "meanScore": round(float(answers.mean()), 4),
        "meanLabel": round(float(label.mean()), 4),
        "selected": round(float(selected[chosen].mean()), 4),
        "truePositiveRate": rate(high),
        "falsePositiveRate": rate(~high),
        "calibrationError": round(value_of(calibration_error, label, answers), 4),
    }
