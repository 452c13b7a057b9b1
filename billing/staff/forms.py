"""What staff fill in to act on a tenant's money. Each form carries a key of its own: sent twice, it is done once."""

from datetime import UTC, datetime, time
from typing import Any, Final
from uuid import uuid4

from django import forms

from billing.models import Adjustment, BillingAccount, Invoice, MeterReport, PlanVersion
from billing.models.usage import Meter
from billing.money import text
from billing.plans import METER_NAMES
from billing.services.asked import Asked
from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE

Kind = Adjustment.Kind
HUNDRED: Final = 100
FIELD: Final = "staff-field"


def _choose(field: forms.Field, choices: list[tuple[str, str]]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def _of_batch(row: MeterReport) -> str:
    return f"{row.window_start:%Y-%m-%d %H:%M}: {row.quantity:,} {METER_NAMES[Meter(row.meter)]}, {row.status}"


class ReasonForm(forms.Form):
    """Every act has a reason, which the tenant's timeline keeps."""

    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2, "class": FIELD}))

    def __init__(self, account: BillingAccount, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", FIELD)
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])


class RemovalForm(forms.Form):
    """A person's second factors that should go."""

    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    reason = forms.CharField(
        label="Why, and how you know that it is them",
        max_length=500,
        error_messages={"required": "Say why, and how you know that it is them."},
        widget=forms.Textarea(attrs={"rows": 3, "class": FIELD}),
    )

    def refuse(self, error: AppError) -> int:
        """Keep what was typed and say what stood in the way; the page's status. A key that is used up makes room for another."""
        is_of_field = error.field in self.fields
        self.add_error(error.field if is_of_field else None, error.message)
        if error.field == "form_key":
            self.data = {**{name: self.data[name] for name in self.data}, "form_key": str(uuid4())}
        return UNPROCESSABLE if is_of_field else error.status


class DeclineForm(forms.Form):
    """Why it is not done."""

    reason = forms.CharField(
        max_length=300,
        error_messages={"required": "Say why."},
        widget=forms.TextInput(attrs={"placeholder": "Why not", "aria-label": "Why not"}),
    )


class AdjustmentForm(ReasonForm):
    """Asks for one adjustment."""

    kind: str
    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def asked(self) -> Asked:
        """What was filled in. Call it on a valid form."""
        said = self.cleaned_data
        return Asked(kind=self.kind, account_id=self.account.pk, reason=said["reason"], form_key=said["form_key"], **self.parts())

    def parts(self) -> dict[str, Any]:
        """What the kind adds."""
        return {}


class AmountForm(AdjustmentForm):
    """An amount of money, typed with a decimal point."""

    amount = forms.DecimalField(label="Amount", min_value=0, decimal_places=2, max_digits=9)

    def parts(self) -> dict[str, Any]:
        return {"amount": int(self.cleaned_data["amount"] * HUNDRED)}


class CreditForm(AmountForm):
    """Money on the customer's balance: the next invoices use it up."""

    kind = Kind.CREDIT


class CreditNoteForm(AmountForm):
    """Money back on one invoice."""

    kind = Kind.CREDIT_NOTE
    invoice = forms.ChoiceField(label="Invoice")

    def __init__(self, account: BillingAccount, *args: Any, **kwargs: Any) -> None:
        super().__init__(account, *args, **kwargs)
        rows = Invoice.for_tenant(account.pk).filter(status__in=("open", "paid"), total__gt=0).order_by("-created_at")[:24]
        _choose(
            self.fields["invoice"], [(row.stripe_id, f"{row}, {text(row.total, row.currency)}, {row.status}") for row in rows]
        )

    def parts(self) -> dict[str, Any]:
        return {**super().parts(), "subject": self.cleaned_data["invoice"]}


class CompForm(AdjustmentForm):
    """A plan for nothing, until the end of a day."""

    kind = Kind.COMP
    plan = forms.ChoiceField(label="Plan")
    seats = forms.IntegerField(label="Seats", min_value=1, max_value=10_000)
    until = forms.DateField(label="Until the end of", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, account: BillingAccount, *args: Any, **kwargs: Any) -> None:
        super().__init__(account, *args, **kwargs)
        rows = PlanVersion.objects.filter(is_current=True).exclude(key="free")
        _choose(self.fields["plan"], [(row.key, row.terms["name"]) for row in rows])

    def parts(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {"subject": said["plan"], "amount": said["seats"], "until": datetime.combine(said["until"], time.max, UTC)}


class WaiveForm(AdjustmentForm):
    """A batch of usage that is not billed."""

    kind = Kind.WAIVE
    batch = forms.ChoiceField(label="Batch")

    def __init__(self, account: BillingAccount, *args: Any, **kwargs: Any) -> None:
        super().__init__(account, *args, **kwargs)
        unsent = MeterReport.for_tenant(account.pk).filter(status__in=("pending", "held", "verify", "rejected"))
        rows = unsent.order_by("-window_start")[:100]
        _choose(self.fields["batch"], [(row.identifier, _of_batch(row)) for row in rows])

    def parts(self) -> dict[str, Any]:
        return {"subject": self.cleaned_data["batch"]}


class UsageForm(AdjustmentForm):
    """Units that were counted wrongly, taken back in the period that is open now."""

    kind = Kind.USAGE
    meter = forms.ChoiceField(label="Meter", choices=[(str(meter), name.capitalize()) for meter, name in METER_NAMES.items()])
    units = forms.IntegerField(label="Units to take back", min_value=1, max_value=1_000_000_000)

    def parts(self) -> dict[str, Any]:
        return {"meter": self.cleaned_data["meter"], "amount": self.cleaned_data["units"]}


class CountedForm(forms.Form):
    """That Stripe has a batch in doubt, as somebody looked up."""

    reason = forms.CharField(max_length=500)
    form_key = forms.UUIDField()


class UntilForm(ReasonForm):
    """A hold: no step down before the end of that day."""

    until = forms.DateField(label="Until the end of", widget=forms.DateInput(attrs={"type": "date"}))

    def moment(self) -> datetime:
        """The end of the day in UTC."""
        day = self.cleaned_data["until"]
        return datetime.combine(day, time.max, UTC)


class VisitForm(ReasonForm):
    """Looking into a tenant."""

    hours = forms.IntegerField(label="For how many hours", min_value=1, max_value=4, initial=1)
