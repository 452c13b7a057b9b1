"""Jobs about money: each may run twice. Procrastinate finds them through this package."""

from billing.jobs import usage

__all__ = ["usage"]
