"""The forms of signing up. They say beside the field what is wrong and keep what was typed."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tenants.models import User
from tenants.selectors import email_is_known, slug_is_taken
from tenants.slugs import LONGEST, SHORTEST, BadSlug, check_slug

TAKEN = "This address is taken; choose another."
KNOWN = "Somebody signs in with this email already. If it is you, sign in first."


def on_one_line(name: str) -> str:
    """The name without line breaks and doubled spaces: it stands in subjects and titles."""
    return " ".join(name.split())


class TenantForm(forms.Form):
    """A new tenant of somebody who has signed in."""

    tenant_name = forms.CharField(
        label="Name of your team or company",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "data-suggests": "id_slug"}),
    )
    slug = forms.CharField(
        label="Address of your inbox",
        max_length=200,  # far above the limit: a text that is too long is answered beside the field, not cut
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "minlength": SHORTEST,
                "maxlength": LONGEST,
            }
        ),
    )

    def clean_tenant_name(self) -> str:
        return on_one_line(self.cleaned_data["tenant_name"])

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].strip()
        try:
            check_slug(slug)
        except BadSlug as refusal:
            raise ValidationError(refusal.message) from None
        if slug_is_taken(slug):
            raise ValidationError(TAKEN)
        return slug


class SignUpForm(TenantForm):
    """A new user with a new tenant."""

    field_order = ("name", "email", "password", "tenant_name", "slug")

    name = forms.CharField(label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label="Password",
        max_length=256,  # what hashing is allowed to cost
        strip=False,
        help_text="At least 10 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
    )

    def clean_name(self) -> str:
        return on_one_line(self.cleaned_data["name"])

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        if email_is_known(email):
            raise ValidationError(KNOWN)
        return email

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if password := said.get("password"):
            try:
                validate_password(password, User(email=said.get("email", ""), name=said.get("name", "")))
            except ValidationError as refusal:
                self.add_error("password", refusal)
        return said
