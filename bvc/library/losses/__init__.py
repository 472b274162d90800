"""Losses as plain functions, one value per example; objectives and evaluators share them."""
