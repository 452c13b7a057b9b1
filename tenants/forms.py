"""The forms of signing up and of people. They say beside the field what is wrong and keep what was typed."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from allauth.account.forms import ChangePasswordForm, ResetPasswordKeyForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from saas.core.forms import SeenForm
from tenants.access import ROLE_SAYS
from tenants.models import Role, User
from tenants.selectors import email_is_known, slug_is_taken
from tenants.services import use_code
from tenants.slugs import LONGEST, SHORTEST, BadSlug, check_slug
from tenants.token_keys import Unreadable

TAKEN = "{} is taken; choose another address."
LENGTH = "At least 10 characters."
KNOWN = "Somebody signs in with {} already. If it is you, sign in first."


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
            raise ValidationError(TAKEN.format(slug))
        return slug


class PersonForm(forms.Form):
    """The name and the password of a new user."""

    name = forms.CharField(label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        max_length=256,  # what hashing is allowed to cost
        strip=False,
        help_text=LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
    )

    def clean_name(self) -> str:
        return on_one_line(self.cleaned_data["name"])

    def email_of(self, said: dict[str, Any]) -> str:
        """The address that the password must not resemble."""
        return str(said.get("email", ""))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if password := said.get("password"):
            try:
                validate_password(password, User(email=self.email_of(said), name=said.get("name", "")))
            except ValidationError as refusal:
                self.add_error("password", refusal)
        return said


class SignUpForm(PersonForm, TenantForm):
    """A new user with a new tenant."""

    field_order = ("name", "email", "password", "tenant_name", "slug")

    email = forms.EmailField(label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        if email_is_known(email):
            raise ValidationError(KNOWN.format(email))
        return email


class JoinForm(PersonForm):
    """A new user with the address that was invited."""

    def __init__(self, *args: Any, invited: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invited = invited

    def email_of(self, said: dict[str, Any]) -> str:
        return self.invited


def role_choices(*, may_make_owner: bool) -> list[tuple[str, str]]:
    """The roles that somebody may give, each with what it means."""
    given = [role for role in Role if may_make_owner or role != Role.OWNER]
    return [(role.value, f"{role.label}: {ROLE_SAYS[role]}") for role in given]


class RoleChoice(forms.ChoiceField):
    """A role, each with what it means. Only an owner may choose the owner's."""

    def __init__(self, *, label: str = "Role", **kwargs: Any) -> None:
        wrong = {"invalid_choice": "%(value)s is no role that you can give. Choose one of these."}
        super().__init__(
            label=label, choices=role_choices(may_make_owner=True), widget=forms.RadioSelect, error_messages=wrong, **kwargs
        )


class InviteForm(forms.Form):
    """An address and a role."""

    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "%(value)s is no email address. One looks like name@example.com."},
    )
    role = RoleChoice(initial=Role.AGENT)

    def __init__(self, *args: Any, may_make_owner: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(may_make_owner=may_make_owner)  # type: ignore[attr-defined]


class RoleForm(SeenForm):
    """The role of a member, beside what was shown of them."""

    role = RoleChoice(label="Their role")

    def __init__(self, *args: Any, may_make_owner: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(may_make_owner=may_make_owner)  # type: ignore[attr-defined]


class LeaveForm(SeenForm):
    """Who gets the rooms of a member who goes."""

    heir = forms.TypedChoiceField(
        label="Who gets their open rooms",
        required=False,
        coerce=UUID,
        empty_value=None,
        error_messages={"invalid_choice": "Whom you chose is no longer among the members who answer. Choose one of these."},
    )

    def __init__(self, *args: Any, heirs: Iterable[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nobody = ("", "Nobody: they wait for whoever answers first")
        self.fields["heir"].choices = [nobody, *heirs]  # type: ignore[attr-defined]


class NameForm(SeenForm):
    """The name of a tenant."""

    name = forms.CharField(label="Name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "organization"}))

    def clean_name(self) -> str:
        return on_one_line(self.cleaned_data["name"])


class SecurityForm(SeenForm):
    """How people sign in to a tenant."""

    needs_two_factor = forms.BooleanField(
        label="Everybody needs two-factor",
        required=False,
        help_text="Whoever has no authenticator app and no passkey is led to set one up before anything opens for them, at once.",
    )


class TransferForm(forms.Form):
    """Who becomes the owner; the tenant's address, typed, shows that it is meant."""

    heir = forms.TypedChoiceField(
        label="New owner",
        coerce=UUID,
        error_messages={"invalid_choice": "Whom you chose is no longer among the members. Choose one of these."},
    )
    slug = forms.CharField(label="Address", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, heirs: Iterable[tuple[UUID, str]], slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = slug
        self.fields["heir"].choices = [("", "Choose somebody"), *heirs]  # type: ignore[attr-defined]
        self.fields["slug"].help_text = f"Type {slug} to show that you mean it."

    def clean_slug(self) -> str:
        said: str = self.cleaned_data["slug"].strip().lower()
        if said != self.wanted:
            raise ValidationError(f"That is {said!r}; type {self.wanted}.")
        return said


class OwnPasswordForm(ChangePasswordForm):  # type: ignore[misc]
    """Another password of somebody who has signed in, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self.fields["oldpassword"], "Current password")
        _call_new(self.fields)


class LostPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password by the link of a mail, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_new(self.fields)


def _call_new(fields: dict[str, forms.Field]) -> None:
    _call(fields["password1"], "New password")
    _call(fields["password2"], "New password, once more")
    fields["password1"].help_text = LENGTH


def _call(field: forms.Field, label: str) -> None:
    """A label stands above its field and not in it, too."""
    field.label = label
    field.widget.attrs.pop("placeholder", None)


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, in our words; it signs in without a password unless that is switched off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, alone = self.fields["name"], self.fields["passwordless"]
        name.label, name.help_text = "Name", "So that you tell it from others, such as your phone's."
        name.max_length = name.widget.attrs["maxlength"] = 80
        alone.label, alone.initial = "Sign in with it alone, without the password", True
        alone.help_text = "The device then asks for a fingerprint, a face or a PIN each time."


class _Code:
    """A code of an authenticator app, or a recovery code. One that nobody can check is refused, as a wrong one is."""

    user: User
    authenticator: Authenticator
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        forget_failures = check_rate_limit(self.user)
        try:
            found = use_code(self.user.id, code)
        except Unreadable as refusal:
            raise ValidationError(refusal.message) from None
        if found is None:
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator = found
        forget_failures()
        return code


class CodeForm(_Code, AuthenticateForm):  # type: ignore[misc]
    """While signing in."""


class CodeOnceMoreForm(_Code, ReauthenticateForm):  # type: ignore[misc]
    """Of somebody who has signed in."""
