"""What `make bench-train` reads in the trainer's lines."""

from rescore_benchmark.train_measure import parts

SAID = """
[   0.9 s] 9000 rows, 61 features
[   9.1 s] engagement: measures the validation rows
[  10.4 s] engagement: 4100 rows, 900 kept back, r2 0.8451
[  33.3 s] churn: 4000 rows, 900 kept back, auc 0.9780, logLoss 0.1930
[  33.9 s] ltv: trees: 12 s, 40 rows, said by a family
[  40.0 s] ltv: 3000 rows, 800 kept back, r2 0.4890
"""


def test_seconds_of_the_models_add_up_to_the_last_line_and_rows_are_those_that_train():
    seconds, rows = parts(SAID.splitlines())
    assert rows == {"engagement": 4100, "churn": 4000, "ltv": 3000}
    assert seconds == {"engagement": 10.4, "churn": 22.9, "ltv": 6.7}
    assert round(sum(seconds.values()), 1) == 40.0
