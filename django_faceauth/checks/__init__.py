"""System checks: what `manage.py check` says about this package.

One function a finding; ids never change their meaning. The reference in the
documentation says for each what it means and what to do.
"""

from __future__ import annotations

from django_faceauth.checks import background, configuration, deployment, gates, misuse, pages
from django_faceauth.checks.registry import TAG

__all__ = ["TAG", "background", "configuration", "deployment", "gates", "misuse", "pages"]
