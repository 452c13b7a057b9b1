"""What a site asks of its visitors, over HTTP: refused words, and who signs its users in."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from chat.services.identity import delete_identity_key, identity_keys, make_identity_key, set_strict
from chat.services.words import set_words, words_of
from chat.views.acting import ActingView
from chat.views.body import Body, answer, ident, nothing, read
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.permissions import Needs


class Words(Body, frozen=True):
    """The whole list."""

    words: list[str]


class Strictness(Body, frozen=True):
    """Whether only visitors come in whom the site has signed in."""

    strict: bool


class WordsView(ActingView):
    """`GET` and `PUT /api/v1/sites/<id>/words`"""

    needs: ClassVar[Needs] = {"GET": Do.MODERATE, "PUT": Do.MANAGE_SITES}

    def get(self, request: Request, site_id: str) -> Response:
        return answer(words=words_of(tenant_of(request), principal_of(request), ident(site_id, "site")))

    def put(self, request: Request, site_id: str) -> Response:
        asked = read(request, Words)
        return answer(words=set_words(tenant_of(request), principal_of(request), ident(site_id, "site"), asked.words))


class IdentityKeysView(ActingView):
    """`GET /api/v1/sites/<id>/identity-keys`, and `POST`, whose answer alone holds the secret."""

    needs: ClassVar[Needs] = {"GET": Do.MANAGE_SITES, "POST": Do.MANAGE_SITES}

    def get(self, request: Request, site_id: str) -> Response:
        kids, strict = identity_keys(tenant_of(request), principal_of(request), ident(site_id, "site"))
        return answer(keys=[{"kid": kid} for kid in kids], strict=strict)

    def post(self, request: Request, site_id: str) -> Response:
        made = make_identity_key(tenant_of(request), principal_of(request), ident(site_id, "site"))
        return answer(201, kid=made.kid, secret=made.secret)


class IdentityKeyView(ActingView):
    """`DELETE /api/v1/sites/<id>/identity-keys/<kid>`"""

    needs: ClassVar[Needs] = {"DELETE": Do.MANAGE_SITES}

    def delete(self, request: Request, site_id: str, kid: str) -> Response:
        delete_identity_key(tenant_of(request), principal_of(request), ident(site_id, "site"), kid)
        return nothing()


class StrictView(ActingView):
    """`PUT /api/v1/sites/<id>/strict {strict}`"""

    needs: ClassVar[Needs] = {"PUT": Do.MANAGE_SITES}

    def put(self, request: Request, site_id: str) -> Response:
        asked = read(request, Strictness)
        set_strict(tenant_of(request), principal_of(request), ident(site_id, "site"), strict=asked.strict)
        return answer(strict=asked.strict)
