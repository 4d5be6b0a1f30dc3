"""The provider of a test: the simulator, in this very process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.test import override_settings

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.factory import answered_by

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation

SIMULATOR: Final = "django_faceauth.simulator"
ADAPTER: Final = f"{SIMULATOR}.adapter"
SIMULATION: Final = "django_faceauth.testing.simulation"

MISSING: Final = (
    f'The simulator needs its tables: add "{SIMULATOR}" to INSTALLED_APPS in the settings that '
    "your tests run with."
)

#: Nothing of the site's own account, and no address that somebody could call by accident.
SETTINGS: Final[dict[str, Any]] = {
    "FACEAUTH_SECRET_KEY": "sk_sbox_simulator",
    "FACEAUTH_OAUTH_CLIENT_ID": "",
    "FACEAUTH_OAUTH_CLIENT_SECRET": "",
    "FACEAUTH_BASE_URL": "https://simulator.checkout.com",
    "FACEAUTH_TOKEN_URL": "https://simulator.checkout.com/connect/token",
    "FACEAUTH_CAPTURE_HOSTS": ["simulator.checkout.com"],
    "FACEAUTH_ASSET_HOSTS": ["simulator.checkout.com"],
    "FACEAUTH_CELERY": False,
    "FACEAUTH_SIMULATOR_ENABLED": True,
    "FACEAUTH_SIMULATOR_CHECK_SECONDS": 0,
    "FACEAUTH_SIMULATOR_WEBHOOK_URL": "",
}
JOURNEY: Final = f"{Prefix.USER_JOURNEY}_simulator"


@contextmanager
def simulated() -> Iterator[Simulation]:
    """Put the simulator into the provider's place, without sockets; yields what steers it.

    Overrides the settings that say who and where the provider is, and no other. Raises
    `ConfigurationError` unless the simulator is among the apps.
    """
    if not apps.is_installed(SIMULATOR):
        raise ConfigurationError(MISSING)
    settings = dict(SETTINGS)
    if not is_id(conf.USER_JOURNEY_ID, Prefix.USER_JOURNEY):
        settings["FACEAUTH_USER_JOURNEY_ID"] = JOURNEY
    # They have models, which Django knows for apps that are installed, and for no others.
    adapter = import_module(ADAPTER).SimulatorAdapter()
    simulation: Simulation = import_module(SIMULATION).Simulation()
    with override_settings(**settings), answered_by(adapter):
        yield simulation
