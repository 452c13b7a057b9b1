"""Jobs about money: each may run twice. Procrastinate finds them through this package."""

from billing.jobs import reporting, staff, stripe, usage

__all__ = ["reporting", "staff", "stripe", "usage"]
