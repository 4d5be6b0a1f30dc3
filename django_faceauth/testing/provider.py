"""Simulator in the provider's place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from django.apps import apps
from django.test import override_settings

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.factory import answered_by

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation

#: `retry`: no usable video; `left`: closed the page; `refused`: declined to take part.
Outcome = Literal["approved", "declined", "retry", "left", "refused"]

SIMULATOR: Final = "django_faceauth.simulator"
#: Nothing of the site's own account, and no URL that a test could call by accident.
SETTINGS: Final[dict[str, Any]] = {
    "FACEAUTH_SECRET_KEY": "sk_sbox_simulator",
    "FACEAUTH_OAUTH_CLIENT_ID": "",
    "FACEAUTH_OAUTH_CLIENT_SECRET": "",
    "FACEAUTH_BASE_URL": "https://simulator.checkout.com",
    "FACEAUTH_TOKEN_URL": "https://simulator.checkout.com/connect/token",
    "FACEAUTH_WORKFLOWS_URL": "https://simulator.checkout.com",
    "FACEAUTH_CAPTURE_HOSTS": ["simulator.checkout.com"],
    "FACEAUTH_ASSET_HOSTS": ["simulator.checkout.com"],
    "FACEAUTH_RUNNER": "request",
    "FACEAUTH_SIMULATOR_ENABLED": True,
    "FACEAUTH_SIMULATOR_CHECK_SECONDS": 0,
    "FACEAUTH_SIMULATOR_WEBHOOK_URL": "",
}


@contextmanager
def simulated() -> Iterator[Simulation]:
    """Put the simulator into the provider's place, without sockets; yield its controls.

    Overrides the settings of the provider and no others. Raises `ConfigurationError` unless
    the simulator is among the apps.
    """
    if not apps.is_installed(SIMULATOR):
        raise ConfigurationError(
            f'The simulator needs its tables: add "{SIMULATOR}" to INSTALLED_APPS in the '
            "settings of your tests."
        )
    # Its models need it among the apps.
    from django_faceauth.simulator.adapter import SimulatorAdapter

    # Imports them too.
    from django_faceauth.testing.simulation import Simulation

    settings = dict(SETTINGS)
    if not is_id(conf.USER_JOURNEY_ID, Prefix.USER_JOURNEY):
        settings["FACEAUTH_USER_JOURNEY_ID"] = f"{Prefix.USER_JOURNEY}_simulator"
    with override_settings(**settings), answered_by(SimulatorAdapter()):
        yield Simulation()
