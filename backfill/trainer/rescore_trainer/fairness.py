"""Groups that no model may see: how its answers fall on them. For the card and for the gate.

Selected = among the fifth with the highest answers. The 80 % rule: the lowest share of selected over the highest is at
least 0.8. Equalized odds (Hardt, Price, Srebro, "Equality of opportunity in supervised learning", 2016): among those
whose label is high, and among those whose label is not, groups are selected equally often; the difference is the larger
of the two gaps. High = the label itself of two classes, otherwise the label's own highest fifth.

Calibration by group (Kleinberg, Mullainathan, Raghavan, "Inherent trade-offs in the fair determination of risk scores",
2017): the same answer means the same label in every group. The bins are those of all rows, ten of equal count, so that
groups are asked at the same answers; the error of a group is the mean absolute gap between its mean label and its mean
answer, each bin by the group's rows in it.
"""

import numpy as np

from .bootstrap import Bootstrap, figure
from .dataset import Rows
from .lot import CALIBRATION, FEWEST_OF_LABEL, ODDS, SELECTION, by_lot, row_weights
from .metrics import bins_of_equal_count

SELECTED_SHARE = 0.2
FEWEST_ROWS = 200
UNKNOWN = "unknown"
#: What the manifest holds of an attribute, besides the equalized odds difference, and of a group.
IN_MANIFEST = ("selectionRatio", "selectionRatioChance", "equalizedOddsChance", "calibrationError", "calibrationErrorChance")
OF_GROUP_IN_MANIFEST = (
    "rows",
    "meanScore",
    "meanLabel",
    "selected",
    "truePositiveRate",
    "falsePositiveRate",
    "calibrationError",
)


def fairness(rows: Rows, score: np.ndarray, group_values: dict[str, list[str]], bootstrap: Bootstrap) -> dict:
    """By attribute: selectionRatio and equalizedOddsDifference with intervals, the calibration error of the worst group,
    how often groups drawn by lot are as far apart (lot.py), and the figures of every group of at least 200 rows.
    Customers without a profile ("unknown") are shown, and are no group."""
    selected = (score >= np.quantile(score, 1 - SELECTED_SHARE)).astype(float)
    high = _high(rows.label)
    bins, gaps = bins_of_equal_count(score), rows.label - score.astype(float)
    weights = row_weights(selected, high, bins, gaps)
    report = {}
    for column, (attribute, values) in enumerate(group_values.items()):
        members = {value: rows.groups[:, column] == code for code, value in enumerate(values)}
        members = {value: chosen for value, chosen in members.items() if chosen.sum() >= FEWEST_ROWS}
        known = [chosen for value, chosen in members.items() if value != UNKNOWN]
        ratio = _selection_ratio(known, selected)
        if len(known) < 2 or not np.isfinite(ratio(bootstrap.counts[0])):
            continue
        chance = by_lot(known, rows.customers, weights)
        report[attribute] = {
            "selectionRatio": round(ratio(bootstrap.counts[0]), 4),
            "selectionRatioInterval": _interval(ratio, bootstrap),
            "selectionRatioChance": chance[SELECTION],
            "equalizedOddsDifference": _interval(_odds_difference(known, selected, high), bootstrap),
            "equalizedOddsChance": chance[ODDS],
            "calibrationError": max(_calibration_error(bins, gaps, chosen) for chosen in known),
            "calibrationErrorChance": chance[CALIBRATION],
            "groups": {
                value: {
                    **_group(rows, score, selected, high, chosen),
                    "calibrationError": _calibration_error(bins, gaps, chosen),
                }
                for value, chosen in members.items()
            },
        }
    return report


def for_manifest(report: dict) -> dict:
    """The part that models/registry/manifest.ts takes: what the gate judges by, without intervals."""
    return {
        attribute: {
            **{key: found[key] for key in IN_MANIFEST},
            "equalizedOddsDifference": _short(found["equalizedOddsDifference"]),
            "groups": {
                value: {key: group[key] for key in OF_GROUP_IN_MANIFEST} for value, group in found["groups"].items()
            },
        }
        for attribute, found in report.items()
    }


def _short(interval: dict[str, float] | None) -> float | None:
    """None where no label has rows enough in two groups."""
    return None if interval is None else round(interval["value"], 4)


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


def _calibration_error(bins: np.ndarray, gaps: np.ndarray, chosen: np.ndarray) -> float:
    return round(float(np.abs(np.bincount(bins[chosen], weights=gaps[chosen])).sum() / chosen.sum()), 4)


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
    }
