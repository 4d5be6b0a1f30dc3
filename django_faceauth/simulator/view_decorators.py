"""What all of the simulator's views have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Final
from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from django_faceauth.conf import conf
from django_faceauth.models import database
from django_faceauth.simulator import credentials, troubles
from django_faceauth.simulator.problems import Problem
from django_faceauth.simulator.state_machine import Unknown
from django_faceauth.simulator.troubles import Response

View = Callable[..., HttpResponse]
Door = Callable[..., Response]

VERSION: Final = "1.0.0"


def public(view: Door) -> Door:
    """Make a view one of a foreign site: no login, CSRF token or transaction of this one.

    There is no such site, 404, unless the simulator is enabled.
    """

    @wraps(view)
    def door(request: HttpRequest, **kwargs: str) -> Response:
        if not conf.SIMULATOR_ENABLED:
            return HttpResponse(status=404)
        return view(request, **kwargs)

    return csrf_exempt(login_not_required(database.non_atomic(door)))


def endpoint(*, is_secured: bool = True, has_faults: bool = True, **views: View) -> Door:
    """Return the view of one path of the API, which has one of `views` per HTTP method.

    With `has_faults` it goes wrong when it shall, each view by its own name.
    """

    @public
    def door(request: HttpRequest, **kwargs: str) -> Response:
        request_id = str(uuid4())
        response = _response(request, request_id, kwargs)
        response["Cko-Request-Id"] = request_id
        response["Cko-Version"] = VERSION
        return response

    def _response(request: HttpRequest, request_id: str, kwargs: dict[str, str]) -> Response:
        view = views.get(request.method or "")
        if view is None:
            return HttpResponseNotAllowed(views)
        if is_secured and not credentials.may_call(request.headers.get("Authorization", "")):
            return HttpResponse(status=401)
        faithfully = partial(_answer, partial(view, request, **kwargs), request_id)
        if not has_faults:
            return faithfully()
        return troubles.answer(view.__name__, request, faithfully)

    return door


def _answer(view: Callable[[], HttpResponse], request_id: str) -> HttpResponse:
    try:
        return view()
    except Unknown:
        return HttpResponse(status=404)
    except Problem as problem:
        return problem.answer(request_id)
