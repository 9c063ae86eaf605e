"""Groups that no model may see: how its answers fall on them. For the card and for the gate."""

import numpy as np

from .dataset import Rows

SELECTED_SHARE = 0.2
FEWEST_ROWS = 200
UNKNOWN = "unknown"


def fairness(rows: Rows, score: np.ndarray, group_values: dict[str, list[str]]) -> dict:
    """Per attribute and value: rows, mean score and label, share among the fifth with the highest scores.

    `selectionRatio` is the lowest such share over the highest, of those who are known: the 80 % rule asks for at
    least 0.8. Customers without a profile ("unknown") are shown, and are no group.
    """
    line = np.quantile(score, 1 - SELECTED_SHARE)
    report = {}
    for column, (attribute, values) in enumerate(group_values.items()):
        found = {}
        for code, value in enumerate(values):
            chosen = rows.groups[:, column] == code
            if chosen.sum() >= FEWEST_ROWS:
                found[value] = {
                    "rows": int(chosen.sum()),
                    "meanScore": round(float(score[chosen].mean()), 4),
                    "meanLabel": round(float(rows.label[chosen].mean()), 4),
                    "selected": round(float((score[chosen] >= line).mean()), 4),
                }
        selected = [group["selected"] for value, group in found.items() if value != UNKNOWN]
        if len(selected) > 1 and max(selected) > 0:
            ratio = min(selected) / max(selected)
            report[attribute] = {"selectionRatio": round(ratio, 4), "groups": found}
    return report
