"""Changes of money and access."""
