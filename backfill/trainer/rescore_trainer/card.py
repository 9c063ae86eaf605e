"""The model card, from the report alone: what it is for, what it was fitted on, how good it is, whom it may treat
unlike, where it ends. After M. Mitchell et al., "Model Cards for Model Reporting", 2019."""

ANSWERS = {
    "engagement": "the expected share of the next 30 spans of 24 hours in which the customer does something, 0 to 1",
    "churn": "the probability that the customer does nothing in the next 30 days, 0 to 1",
    "ltv": "the expected revenue of the next 180 days, in major units of the currency of the shop",
}
METRICS = {
    "auc": "area under the ROC curve",
    "aucOfTruth": "the same of the world's own probability (knows the hidden rates, out of reach)",
    "logLoss": "log loss",
    "logLossOfTruth": "the same of the world's own probability",
    "calibrationError": "mean gap over 10 bins of equal count",
    "lift": "lift of the tenth with the highest scores",
    "baseRate": "mean of the label",
    "r2": "R²",
    "r2OfTruth": "R² of the world's own expectation (knows the hidden rates, out of reach)",
    "meanAbsoluteError": "mean absolute error",
    "gini": "normalised Gini",
    "giniOfTruth": "the same of the world's own expectation",
    "sumRatio": "sum predicted / sum actual",
}
BASELINES = {
    "recency": "days since the last activity (ltv: order) alone",
    "rfm": "the score of the RFM rule alone",
    "lastValue": "what was will be: share, silence or revenue of the past",
    "bgNbd": "BG/NBD and Gamma-Gamma on the orders alone",
}
TENURE_DAYS = {"engagement": 30, "churn": 60, "ltv": 60}


def model_card(report: dict, source: str, notice: str | None) -> str:
    """Markdown. `source`: where the history came from, in words. `notice`: a sentence on top, such as a warning."""
    parts = [
        f"# {report['model']}",
        f"**{notice}**" if notice else "",
        _intended(report),
        _data(report, source),
        _method(report),
        _metrics(report),
        _baselines(report),
        _pictures(report),
        _fairness(report),
        _limits(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(found: dict | None) -> str:
    return "–" if found is None else f"{_figure(found['value'])} ({_figure(found['low'])} to {_figure(found['high'])})"


def _intended(report: dict) -> str:
    return f"""## Intended use
It answers {ANSWERS[report["model"]]}.

Not for: prices for single persons, credit, employment, or any decision that the law reserves to people."""


def _data(report: dict, source: str) -> str:
    train, validation = report["rows"]["train"], report["rows"]["validation"]
    span = report["trainingRange"]
    return f"""## Data
- Source: {source}.
- Snapshots from {span["from"]} to {span["until"]} for training; the archive ends at {span["archiveEnd"]}.
- Training: {train["rows"]} rows of {train["customers"]} customers, each customer with the same weight. Validation: {validation["rows"]} rows of {validation["customers"]} other customers, at later instants.
- A vector knows only what had arrived by its instant. Age, gender and location are no inputs."""


def _method(report: dict) -> str:
    tried = "; ".join(f"{each['family']} {each['loss']:.5f}" for each in report["families"])
    gain = [[feature, _figure(share)] for feature, share in report["gain"].items()]
    settings = ", ".join(f"{key} {value}" for key, value in sorted(report["parameters"].items()))
    explained = "" if report["explained"] else "\n\nIts answer is no sum of trees: its scores carry no reasons."
    return f"""## Method
{report["family"]}: {report["method"]}. Chosen on a part of the training rows (other customers), by inner loss: {tried}.
Parameters: {settings}. Seed {report["seed"]}.{explained}{f"{chr(10)}{chr(10)}{_table(['feature', 'share of the gain'], gain)}" if gain else ""}"""


def _metrics(report: dict) -> str:
    rows = [[METRICS.get(name, name), _interval(found)] for name, found in report["metrics"].items()]
    text = f"""## Metrics
{_table(["on validation rows", "value (95 % interval)"], rows)}

Intervals: bootstrap over customers. Nothing was chosen on these rows."""
    champion = report["evaluation"]["champion"]
    if champion is None:
        return text
    compared = [
        [METRICS.get(name, name), _interval(champion["metrics"][name]), _interval(found)]
        for name, found in report["championDifferences"].items()
    ]
    head = [f"against {champion['version']}, which scores now", "it", "this model minus it"]
    return f"{text}\n\n{_table(head, compared)}"


def _baselines(report: dict) -> str:
    names = list(report["baselines"])
    metrics = list(report["differences"][names[0]])
    rows = [
        [METRICS.get(metric, metric), *(_interval(report["differences"][name][metric]) for name in names)]
        for metric in metrics
    ]
    legend = "\n".join(f"- {name}: {BASELINES.get(name, name)}" for name in names)
    return f"""## Against what needs no model
{_table(["this model minus the baseline, paired", *names], rows)}

{legend}"""


def _pictures(report: dict) -> str:
    rows = [
        [_figure(point["score"]), _figure(point["label"]), str(point["rows"])] for point in report["curves"]["calibration"]
    ]
    return f"""## Calibration and gain
![Mean label against mean answer](calibration.svg)
![Part of all label among the highest answers](lift.svg)

The pictures lie beside this card, in the registry too. The first one in figures:

{_table(["mean answer", "mean label", "rows"], rows)}"""


def _fairness(report: dict) -> str:
    parts = []
    for attribute, found in report["fairness"].items():
        head = [attribute, "rows", "mean score", "mean label", "selected", "of high labels", "of others", "calibration error"]
        keys = ("meanScore", "meanLabel", "selected", "truePositiveRate", "falsePositiveRate", "calibrationError")
        rows = [
            [value, str(group["rows"]), *(_figure(group[key]) for key in keys)] for value, group in found["groups"].items()
        ]
        rule = "keeps" if found["selectionRatio"] >= 0.8 else "does not keep"
        parts.append(
            f"{_table(head, rows)}\n\nLowest share of selected over highest: {_interval(found['selectionRatioInterval'])}, "
            f"which {rule} the 80 % rule; groups drawn by lot differ as much in {found['selectionRatioChance']:.1%} of draws. "
            f"Equalized odds difference: {_interval(found['equalizedOddsDifference'])}{_by_lot(found['equalizedOddsChance'])}. "
            f"Calibration error of the worst group: {_figure(found['calibrationError'])}"
            f"{_by_lot(found['calibrationErrorChance'])}."
        )
    if not parts:
        return "## Fairness\nThe data holds no two groups of at least 200 rows, so nothing was measured."
    told = [
        [attribute, f"{found['feature']} ({_figure(found['auc'])})", _figure(found["allFeatures"]["auc"])]
        for attribute, found in report["proxies"].items()
    ]
    proxies = f"\n\n{_table(['attribute', 'told best by (AUC)', 'by all features together'], told)}" if told else ""
    intro = (
        "Selected: among the fifth with the highest scores. A small group moves far by chance: look at the interval, and at how "
        "often groups drawn by lot are as far apart. Calibration error: over the ten bins of all rows, each by the group's rows in it."
    )
    return f"## Fairness\n{intro}\n\n" + "\n\n".join(parts) + proxies


def _by_lot(chance: float | None) -> str:
    return "" if chance is None else f", by lot in {chance:.1%} of draws"


def _limits(report: dict) -> str:
    lines = [
        f"Customers first seen less than {TENURE_DAYS[report['model']]} days before were not among the training rows; "
        "they are scored all the same.",
        "What happens after the archive's end (another season, another shop) is not in it: drift is measured against the "
        "quantiles of the training rows.",
    ]
    if report["simulated"]:
        lines += [
            "The world is simulated: its rates, seasons and drop-out are assumptions. Real customers differ.",
            "In this world the groups above are drawn by lot: differences between them are chance, and say nothing of yours.",
        ]
    constant = [name for name, found in report["quantiles"]["features"].items() if len(set(found["values"])) < 2]
    if constant:
        lines.append(f"Constant or undefined in training, so they move nothing: {', '.join(constant)}.")
    return "## Limits\n" + "\n".join(f"- {line}" for line in lines)
