"""What somebody types to pay less: the name of a promotion code, or of a coupon."""

from dataclasses import dataclass

from billing.gateway import gateway
from billing.gateway.errors import NoSuch
from saas.core.errors import BadFrame


@dataclass(frozen=True, slots=True)
class Off:
    """One of the two is set, as Stripe's id; none of them where nothing was typed."""

    coupon: str = ""
    promotion_code: str = ""


def off(code: str) -> Off:
    """What a code takes off. Raises BadFrame for one that does not exist or is over."""
    if not code.strip():
        return Off()
    try:
        return Off(promotion_code=gateway().promotion_code(code.strip()).id)
    except NoSuch:
        return Off(coupon=_coupon(code.strip()))


def _coupon(code: str) -> str:
    try:
        found = gateway().coupon(code)
    except NoSuch:
        raise BadFrame(f"There is no coupon {code!r}. Check how it is written.", field="coupon") from None
    if not found.is_valid:
        raise BadFrame(f"The coupon {code!r} is over.", field="coupon")
    return found.id
