"""Reads about money and usage."""
