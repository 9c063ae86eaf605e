"""How good the models are where the answer is known: real orders with a hold-out, and a world whose best is known."""
