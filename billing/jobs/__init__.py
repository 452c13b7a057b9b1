"""Jobs about money: each may run twice. Procrastinate finds them through this package."""

from billing.jobs import access, reporting, staff, stripe, usage

__all__ = ["access", "reporting", "staff", "stripe", "usage"]
