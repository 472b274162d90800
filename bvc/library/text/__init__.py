"""Tokenizers and what they share."""
