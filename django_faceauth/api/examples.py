"""What the examples of the API's description show. All of it is made up."""

from __future__ import annotations

from typing import Final

HANDLE: Final = "made-up-handle-3nB6tQ0cXvYw8Zr1LkHs5JdPf2A"
AUTHENTICATION: Final = "fav_madeup0000000000000000001"
ATTEMPT: Final = "fatp_madeup000000000000000001"
SITE: Final = "https://bank.example"
MOMENT: Final = "2026-03-01T12:00:00Z"
LATER: Final = "2026-03-01T12:03:00Z"

ADDRESSES: Final = {
    "start_url": f"{SITE}/face/start/{HANDLE}/",
    "status_url": f"{SITE}/face/api/challenges/{HANDLE}/",
    "attempts_url": f"{SITE}/face/api/challenges/{HANDLE}/attempts/",
}

CHALLENGE: Final = {
    "challenge": HANDLE,
    "state": "open",
    "next": "wait",
    "can_reopen": True,
    "message": "Your faces are being compared.",
    "action": "payout",
    "max_age": 180,
    "snapshot": {"payee": "Jane Roe", "amount": {"amount": "9.50", "currency": "EUR"}},
    "lines": [
        {"label": "Payee", "values": ["Jane Roe"]},
        {"label": "Amount", "values": ["9.50 EUR"]},
    ],
    "verified_at": None,
    "expires_at": None,
    "start_url": ADDRESSES["start_url"],
    "attempts_url": ADDRESSES["attempts_url"],
    "fallback_url": None,
}
CAPTURED: Final = {
    "capture_url": "https://capture.example/made-up-link",
    "expires_at": "2026-03-01T12:15:00Z",
}
CONSENT_TEXT: Final = "What: our partner compares a video of your face with an earlier one."
CONSENT: Final = {
    "needed": False,
    "version": "2026-11",
    "text": CONSENT_TEXT,
    "given_version": "2026-11",
    "given_at": MOMENT,
    "withdrawn_at": None,
}
ONE_AUTHENTICATION: Final = {
    "id": AUTHENTICATION,
    "status": "approved",
    "created_at": MOMENT,
    "updated_at": LATER,
    "erased_at": None,
}
ONE_ATTEMPT: Final = {"id": ATTEMPT, "status": "completed", "created_at": MOMENT}
