"""What stops a run with a sentence instead of a trace: it names the field, and what to do next."""


class TrainingError(Exception):
    """The dataset, or what is asked of it, cannot be trained with."""
