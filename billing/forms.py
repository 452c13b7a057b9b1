"""The forms of a tenant's billing. They say beside the field what is wrong and keep what was typed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from billing.money import MINOR, SIGNS, text
from saas.core.forms import LongSelect, SeenForm

MOST_SEATS: Final = 10_000
LAST_SECOND: Final = 32_503_680_000  # Unix second of a preview: the year 3000
MOST_CAP: Final = 10_000_000  # of a spend cap, in whole units of the currency
CONSENTS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
TAX_IDS: Final = {
    "": "None",
    "eu_vat": "VAT number, European Union",
    "gb_vat": "VAT number, United Kingdom",
    "ch_vat": "VAT number, Switzerland",
    "no_vat": "VAT number, Norway",
    "us_ein": "EIN, United States",
    "ca_gst_hst": "GST/HST number, Canada",
    "au_abn": "ABN, Australia",
    "nz_gst": "GST number, New Zealand",
    "in_gst": "GST number, India",
    "jp_trn": "Registration number, Japan",
    "sg_gst": "GST number, Singapore",
    "br_cnpj": "CNPJ, Brazil",
    "mx_rfc": "RFC, Mexico",
    "za_vat": "VAT number, South Africa",
}


def on_one_line(text: str) -> str:
    """The text without line breaks and doubled spaces: it stands in the head of invoices."""
    return " ".join(text.split())


class SeatsForm(forms.Form):
    """How many seats from now on, or from the next renewal."""

    seats = forms.IntegerField(
        label="Seats", min_value=1, max_value=MOST_SEATS, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )


class OrderForm(SeatsForm):
    """A plan to be paid for. `least` seats, and no fewer than are held."""

    field_order = ("interval", "seats", "coupon", "trial")

    interval = forms.ChoiceField(label="Paid", widget=forms.RadioSelect)
    coupon = forms.CharField(
        label="Coupon or promotion code",
        required=False,
        max_length=100,
        help_text="Only if you were given one.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    trial = forms.BooleanField(label="Try it for 14 days first. No card is needed.", required=False)

    def __init__(self, *args: Any, intervals: list[tuple[str, str]], least: int, may_try: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interval"].choices = intervals  # type: ignore[attr-defined]
        self.least = least
        self.fields["seats"].help_text = f"At least {least}: one for each owner, admin and agent. Viewers need none."
        if not may_try:
            del self.fields["trial"]

    def clean_seats(self) -> int:
        seats: int = self.cleaned_data["seats"]
        if seats < self.least:
            raise ValidationError(f"{seats} is too few: {self.least} is the least here.")
        return seats

    def clean_coupon(self) -> str:
        return str(self.cleaned_data["coupon"]).strip()


class CouponForm(forms.Form):
    """A coupon for the subscription that there is."""

    coupon = forms.CharField(
        label="Coupon or promotion code",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def clean_coupon(self) -> str:
        return str(self.cleaned_data["coupon"]).strip()


class DetailsForm(SeenForm):
    """What stands in the head of invoices, and in which time zone the pages speak."""

    billing_name = forms.CharField(
        label="Name on invoices",
        required=False,
        max_length=120,
        help_text="Empty: the name of the tenant.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    billing_email = forms.EmailField(
        label="Billing email",
        required=False,
        max_length=254,
        help_text="Invoices and reminders go here. Empty: the owner's address.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    country = forms.CharField(
        label="Country",
        required=False,
        help_text="Two letters, such as DE or US.",
        validators=[RegexValidator(r"^[A-Za-z]{2}$", "Write the country's two letters, such as DE or US.")],
        widget=forms.TextInput(attrs={"autocomplete": "country", "size": 2, "autocapitalize": "characters"}),
    )
    tax_id_type = forms.ChoiceField(label="Kind of tax ID", required=False, choices=list(TAX_IDS.items()))
    tax_id = forms.CharField(
        label="Tax ID",
        required=False,
        max_length=40,
        help_text="With its letters, such as DE123456789.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    time_zone = forms.ChoiceField(
        widget=LongSelect,
        label="Time zone",
        choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones() - {"localtime"})],
        help_text="Of days and hours on these pages. Periods begin and end at the same moment whatever you choose.",
    )

    def clean_billing_name(self) -> str:
        return on_one_line(self.cleaned_data["billing_name"])

    def clean_billing_email(self) -> str:
        return str(self.cleaned_data["billing_email"]).strip().lower()

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean_tax_id(self) -> str:
        return "".join(self.cleaned_data["tax_id"].split()).upper()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("tax_id") and not said.get("tax_id_type"):
            self.add_error("tax_id_type", "Say which kind of tax ID this is.")
        if said.get("tax_id_type") and "tax_id" in said and not said["tax_id"]:
            self.add_error("tax_id", "Write the tax ID, or choose None above.")
        return said


class LimitsForm(SeenForm):
    """What a period may cost at most beyond the seats, and whether alerts come by mail."""

    spend_cap = forms.DecimalField(
        label="Spend cap",
        required=False,
        min_value=Decimal(0),
        max_value=MOST_CAP,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )
    alerts_by_mail = forms.BooleanField(
        label="Mail us at 80 % and 100 % of what is included, and at each further 50 %", required=False
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["spend_cap"].help_text = (
            f"In {currency.upper()} ({SIGNS[currency]}), for what lies beyond the allowances in one period. When it is reached, "
            "your team can read but not write until the next period, or a higher cap; visitors can always write. Empty: no cap."
        )

    def clean_spend_cap(self) -> int | None:
        """In minor units."""
        cap: Decimal | None = self.cleaned_data["spend_cap"]
        return None if cap is None else int(cap * MINOR)

    def words_of(self, name: str, value: object) -> str:
        """A cap is an amount of money."""
        return text(value, self.currency) if name == "spend_cap" and isinstance(value, int) else super().words_of(name, value)


class ContactForm(forms.Form):
    """Somebody more who gets what is written about money."""

    email = forms.EmailField(
        label="Email of one more person", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


class ConsentForm(forms.Form):
    """For how long support may look in."""

    length = forms.ChoiceField(
        label="Let them look in for",
        choices=[("hour", "One hour"), ("day", "One day"), ("week", "Seven days")],
        widget=forms.RadioSelect,
        initial="day",
    )

    def clean_length(self) -> timedelta:
        return CONSENTS[self.cleaned_data["length"]]


class PricedSeatsForm(SeatsForm):
    """A preview of seats as it was shown, on its way back: what is bought is what was read."""

    amount_now = forms.IntegerField(widget=forms.HiddenInput)
    currency = forms.ChoiceField(choices=[(currency, currency) for currency in SIGNS], widget=forms.HiddenInput)
    proration_date = forms.IntegerField(min_value=0, max_value=LAST_SECOND, widget=forms.HiddenInput)
    renewal_amount = forms.IntegerField(widget=forms.HiddenInput)
    renews_at = forms.DateTimeField(widget=forms.HiddenInput)
    seats = forms.IntegerField(min_value=1, max_value=MOST_SEATS, widget=forms.HiddenInput)


class PricedChangeForm(forms.Form):
    """The preview of a change of plan as it was shown, on its way back."""

    interval = forms.ChoiceField(choices=[("month", "month"), ("year", "year")], widget=forms.HiddenInput)
    seats = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    is_now = forms.BooleanField(required=False, widget=forms.HiddenInput)
    amount_now = forms.IntegerField(widget=forms.HiddenInput)
    currency = forms.ChoiceField(choices=[(currency, currency) for currency in SIGNS], widget=forms.HiddenInput)
    proration_date = forms.IntegerField(min_value=0, max_value=LAST_SECOND, widget=forms.HiddenInput)
    renewal_amount = forms.IntegerField(widget=forms.HiddenInput)
    renews_at = forms.DateTimeField(widget=forms.HiddenInput)


class CloseForm(forms.Form):
    """That somebody means it: the tenant's address, typed."""

    slug = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = slug
        self.fields["slug"].label = f"Type {slug} to close it for good"

    def clean_slug(self) -> str:
        typed: str = self.cleaned_data["slug"].strip()
        if typed != self.wanted:
            raise ValidationError(f"{typed} is not {self.wanted}. Nothing was closed.")
        return typed
