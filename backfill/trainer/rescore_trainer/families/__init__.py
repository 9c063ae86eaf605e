"""Families of models, and how one is chosen for a question. What a family must give stands in family.py."""
