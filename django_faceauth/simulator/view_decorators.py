"""Access, headers and errors that the simulator's views share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Final
from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from django_faceauth.conf import conf
from django_faceauth.models import database
from django_faceauth.provider.credentials import IDENTITY_SCOPE
from django_faceauth.secret import Secret
from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.fault_injection import Response
from django_faceauth.simulator.state_machine import NotAllowed, Unknown
from django_faceauth.simulator.validation import Problem

View = Callable[..., Response]

TOKEN_SALT: Final = "faceauth_simulator.token"  # noqa: S105 - a salt
TOKEN_LIFETIME: Final = timedelta(hours=1)

#: Operations of the API, named for the methods of our client: those that faults may be for.
OPERATIONS: Final[list[str]] = []


def public(view: View) -> View:
    """Exempt a view from the site's login, CSRF protection and transactions.

    It answers 404 unless the simulator is enabled.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, **kwargs: str) -> Response:
        if not conf.SIMULATOR_ENABLED:
            return HttpResponse(status=404)
        return view(request, **kwargs)

    return csrf_exempt(login_not_required(database.non_atomic(wrapper)))


def endpoint(
    *names: str,
    has_faults: bool = True,
    scope: str | None = IDENTITY_SCOPE,
    **views: Callable[..., HttpResponse],
) -> View:
    """Return the view of one path of the API, from one function for each HTTP method.

    An OAuth token needs the `scope`, or a part of it, such as `flow:workflows` of `flow`; with
    None, no credentials are needed. With `has_faults`, faults are injected for the operations,
    which have the `names`, or by default those of the functions.
    """
    operations = dict(zip(views, names or [view.__name__ for view in views.values()], strict=True))
    if has_faults:
        OPERATIONS.extend(operations.values())

    @public
    def wrapper(request: HttpRequest, **kwargs: str) -> Response:
        request_id, view = str(uuid4()), views.get(request.method or "")

        def answer() -> HttpResponse:
            try:
                return view(request, **kwargs) if view else HttpResponseNotAllowed(views)
            except Unknown:
                return HttpResponse(status=404)
            except NotAllowed as error:
                code = f"{error.case.kind}_status_invalid"
                return Problem(409, "conflict", code).response(request_id)
            except Problem as problem:
                return problem.response(request_id)

        response: Response
        if view and scope and not may_call(request.headers.get("Authorization", ""), scope):
            response = HttpResponse(status=401)
        elif view and has_faults:
            response = fault_injection.respond(operations[request.method or ""], request, answer)
        else:
            response = answer()
        response["Cko-Request-Id"] = request_id
        response["Cko-Version"] = "1.0.0"
        return response

    return wrapper


def may_call(authorization: str, needed: str) -> bool:
    """Return whether an `Authorization` header has the credentials of the site."""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential:
        return False
    # Comparing two secrets takes the same time wherever they differ.
    if Secret(credential) == conf.SECRET_KEY:
        return True
    try:
        client_id, scopes = signing.loads(credential, salt=TOKEN_SALT, max_age=TOKEN_LIFETIME)
    except signing.BadSignature:
        return False
    has_scope = needed in {scope.partition(":")[0] for scope in scopes.split()}
    return bool(client_id) and client_id == conf.OAUTH_CLIENT_ID and has_scope
