"""A payout on a page that stays: the gate is passed in a dialog, by stepup.js."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.browser.conftest import serve
from tests.browser.test_flow import CAPTURE, says, shows
from tests.docs_parser import DOCS

SEND = re.compile(r"/api/payouts/\d+/send/$")
STATUS = re.compile(r"/face/api/challenges/[^/]+/$")
ATTEMPTS = re.compile(r"/face/api/challenges/[^/]+/attempts/$")
AGREE = "I have read this, and I agree"
NOTHING_SENT = "Nothing was sent."
SENT = "Sent. Your money is on its way."

#: Sends a request of its own from the page; what becomes of it is in `window.told`.
CALL = """async ({ url, body, headers, ...init }) => {
  const { fetchWithFace } = await import("/static/faceauth/stepup.js");
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  window.states = [];
  window.stop = new AbortController();
  const face = { texts: init.texts, onState: (state) => window.states.push(state) };
  const request = new Request(url, {
    method: "POST", headers: headers ?? { "X-CSRFToken": token }, body, ...init,
  });
  if (body) request.headers.set("Content-Type", "application/json");
  window.told = fetchWithFace(request, { signal: window.stop.signal, face }).then(
    async (answer) => ({ status: answer.status, body: await answer.text() }),
    (error) => ({ error: String(error) }),
  );
}"""


def opens_the_app(page: Page) -> Page:
    page.goto("/app/")
    says(page, "Quick payout")
    return page


def writes_down(page: Page, payee: str, amount: str = "112.50") -> Locator:
    """Fill in the form and return the button that sends the draft."""
    page.fill("[name=payee]", payee)
    page.fill("[name=amount]", amount)
    page.get_by_role("button", name="Save draft").click()
    button = page.get_by_role("button", name=f"Send To {payee}", exact=True)
    expect(button).to_be_visible()
    return button


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def opens_the_camera(page: Page) -> Page:
    """Press the button of the dialog and return the window with the camera page."""
    with page.context.expect_page() as opened:
        dialog(page).get_by_role("button", name="Open the camera page").click()
    opened.value.wait_for_url(CAPTURE)
    return opened.value


def approves(page: Page, outcome: str = "same_person") -> None:
    """Show a face, and close the window that says that one may."""
    tab = opens_the_camera(page)
    shows(tab, outcome)
    says(tab, "All done. You can close this window.")
    tab.close()


def is_sent(page: Page, payee: str) -> None:
    expect(page.locator(".sent").filter(has_text=payee)).to_be_visible(timeout=15_000)


def watched(page: Page, address: re.Pattern[str]) -> list[Request]:
    """Return what goes to an address from now on."""
    seen: list[Request] = []
    page.on("request", lambda sent: seen.append(sent) if address.search(sent.url) else None)
    return seen


def call(page: Page, url: str, **init: object) -> None:
    """Send a request through the module, in the page."""
    page.evaluate(CALL, {"url": url, **init})


def told(page: Page) -> dict[str, object]:
    """Return what became of it."""
    answer: dict[str, object] = page.evaluate("window.told")
    return answer


def address_of(page: Page, button: Locator) -> str:
    """Return where a draft is sent to."""
    number = (button.get_attribute("id") or "").removeprefix("send-")
    return f"/api/payouts/{number}/send/"


def instead(status: int, code: str, title: str, **more: str) -> Callable[[Route], None]:
    """Return an answer in place of the one that would come."""
    body = json.dumps({"status": status, "code": code, "title": title, **more})
    headers = {"Content-Type": "application/problem+json"}
    return lambda route: route.fulfill(status=status, headers=headers, body=body)


def with_more(**more: object) -> Callable[[Route], None]:
    """Return the answer that comes, with other values in it."""

    def changed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), **more})

    return changed


def test_a_payout_without_leaving_the_page(visit, slow_bank):
    """Shown what is approved, sent twice and done once; the receipt names the approval."""
    page = opens_the_app(visit("frank", at=slow_bank))
    button = writes_down(page, "Mr. Stay")
    sent = watched(page, SEND)
    button.click()

    says_what = dialog(page).locator("dl")
    expect(dialog(page)).to_have_accessible_name("Confirm it's you")
    expect(says_what).to_contain_text("Mr. Stay")
    expect(says_what).to_contain_text("112.50\u00a0EUR")
    tab = opens_the_camera(page)
    assert (tab.evaluate("document.referrer"), tab.evaluate("window.opener")) == ("", None)
    link = tab.url
    shows(tab)
    expect(dialog(page).get_by_role("status")).to_contain_text("Your face is being compared")
    assert link not in page.content()

    is_sent(page, "Mr. Stay")
    receipt = page.locator(".sent")
    expect(receipt.get_by_role("heading")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text(SENT)
    expect(dialog(page)).to_have_count(0)
    first, second = sent
    assert "face-challenge" not in first.headers
    handle = second.headers["face-challenge"]
    expect(receipt.locator("code")).to_have_text(handle[:8])
    page.goto("/payout/")
    expect(page.locator("main")).not_to_contain_text("Mr. Stay")


@pytest.mark.parametrize(
    ("way", "moment"), [("button", "before the camera"), ("Escape", "while it is open")]
)
def test_leaving_the_dialog_sends_nothing(visit, way, moment):
    page = opens_the_app(visit("frank"))
    button = writes_down(page, f"Ms. {way} {moment}")
    sent = watched(page, SEND)
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("heading")).to_be_focused()
    if moment == "while it is open":
        opens_the_camera(page).close()
        expect(dialog(page).get_by_role("status")).not_to_be_empty()

    if way == "button":
        dialog(page).get_by_role("button", name="Not now").click()
    else:
        page.keyboard.press("Escape")

    expect(page.get_by_role("status")).to_have_text(NOTHING_SENT)
    expect(dialog(page)).to_have_count(0)
    expect(button).to_be_focused()
    assert len(sent) == 1
    opens_the_app(page)
    expect(button).to_be_visible()


def test_without_an_approval_nothing_is_sent(visit):
    """It says so, offers another way where the site has one, and asks no second time by itself."""
    page = opens_the_app(visit("frank"))
    page.route(STATUS, with_more(fallback_url="https://localhost/by-code/?challenge=handle"))
    button = writes_down(page, "Ms. Otherwise")
    sent = watched(page, SEND)
    button.click()
    expect(dialog(page).get_by_role("link")).to_have_count(0)
    approves(page, "someone_else")

    expect(dialog(page)).to_have_accessible_name("This was not done", timeout=15_000)
    expect(dialog(page).get_by_role("status")).to_contain_text("The page stays closed for now")
    expect(dialog(page).get_by_role("heading")).to_be_focused()
    way = dialog(page).get_by_role("link", name="Use another way")
    expect(way).to_have_attribute("href", "https://localhost/by-code/?challenge=handle")
    expect(way).to_have_attribute("rel", "noopener noreferrer")
    expect(dialog(page).get_by_role("button")).to_have_count(1)
    dialog(page).get_by_role("button", name="Close").click()

    expect(page.get_by_role("status")).to_have_text(NOTHING_SENT)
    expect(button).to_be_focused()
    assert len(sent) == 1
    page.unroute_all(behavior="ignoreErrors")


def test_a_second_way_is_offered_from_the_start(visit):
    page = opens_the_app(visit("frank"))
    url = "https://localhost/face/ways/handle/"
    page.route(STATUS, with_more(ways=["totp"], fallback_url=url))
    writes_down(page, "Ms. Another").click()

    way = dialog(page).get_by_role("link", name="Use another way")

    expect(way).to_have_attribute("href", url)
    expect(way).to_have_class(re.compile("fa-button--secondary"))
    dialog(page).get_by_role("button", name="Not now").click()
    page.unroute_all(behavior="ignoreErrors")


def test_two_payouts_at_once(visit):
    page = opens_the_app(visit("frank"))
    one = writes_down(page, "Mr. First", "111.00")
    other = writes_down(page, "Ms. Second", "222.00")
    page.evaluate(
        "(ids) => ids.forEach((id) => document.getElementById(id).click())",
        [one.get_attribute("id"), other.get_attribute("id")],
    )
    shown = []

    for _ in range(2):
        expect(dialog(page)).to_have_count(1)
        expect(dialog(page).get_by_role("button", name="Open the camera page")).to_be_visible()
        shown.append(dialog(page).locator("dd").first.inner_text())
        approves(page)
        is_sent(page, shown[-1])

    assert sorted(shown) == ["Mr. First", "Ms. Second"]
    expect(dialog(page)).to_have_count(0)


def test_with_the_keyboard_alone(visit):
    page = opens_the_app(visit("alice"))
    page.focus("[name=payee]")
    for words in ("Ms. Keys", "110"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Send To Ms. Keys")
    expect(button).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Tab")
        if button.evaluate("(button) => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Tab")
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    tab = opened.value
    tab.wait_for_url(CAPTURE)
    tab.locator("button[value=same_person]").focus()
    tab.keyboard.press("Enter")

    expect(page.locator(".sent").get_by_role("heading")).to_be_focused(timeout=15_000)


def test_in_a_narrow_window_from_right_to_left(visit):
    viewport = {"width": 320, "height": 640}
    page = visit("frank", viewport=viewport, is_mobile=True, locale="ar")

    def fits() -> None:
        wide, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room
        for box in page.locator("dialog").all():
            assert box.evaluate("(box) => box.scrollWidth <= box.clientWidth")

    page.goto("/app/")
    page.fill("[name=payee]", "W" * 60)
    page.fill("[name=amount]", "112.50")
    page.locator("[data-write] button").click()
    button = page.locator("li").filter(has_text="WWW").locator("[data-send]")
    expect(button).to_be_visible()
    fits()
    button.click()
    expect(dialog(page)).to_be_visible()
    fits()
    with page.context.expect_page() as opened:
        dialog(page).locator(".fa-button:visible").click()
    tab = opened.value
    tab.wait_for_url(CAPTURE)
    expect(dialog(page)).to_have_attribute("data-state", "waiting")
    fits()
    shows(tab)
    is_sent(page, "WWW")
    fits()


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bank that asks for consent, as `make demo` serves it."""
    yield from serve(tmp_path_factory, FACEAUTH_SIMULATOR_CHECK_SECONDS="1")


def test_the_dialog_asks_for_consent(visit, asking):
    """The words come from the server; without the box nothing is opened (V-02)."""
    page = opens_the_app(visit("frank", at=asking))
    writes_down(page, "Ms. Consent").click()
    button = dialog(page).get_by_role("button", name="Open the camera page")
    button.click()
    box = dialog(page).get_by_label(AGREE)
    expect(box).not_to_be_checked()
    expect(dialog(page)).to_contain_text("compares it with your earlier one")
    expect(dialog(page).get_by_text("By continuing you agree")).not_to_be_visible()

    button.click()
    expect(box).to_be_focused()
    expect(dialog(page).get_by_role("status")).to_contain_text("please tick the box")
    box.press("Space")
    approves(page)

    is_sent(page, "Ms. Consent")


def test_a_draft_with_mistakes(visit):
    page = opens_the_app(visit("frank"))
    page.fill("[name=payee]", "Mr. Much")
    page.fill("[name=amount]", "501")
    page.get_by_role("button", name="Save draft").click()

    amount = page.get_by_label("Amount")
    expect(amount).to_be_focused()
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(amount).to_have_accessible_description(re.compile("less than or equal to 500"))


# -- the module by itself


@pytest.fixture
def page(visit) -> Page:
    """The page of a user who decides on the camera page."""
    return opens_the_app(visit("frank"))


@pytest.fixture
def draft(page, request) -> str:
    """The address to which a payout is sent, behind the gate."""
    return address_of(page, writes_down(page, request.node.name[:70]))


@pytest.mark.parametrize("how", ["aborted", "left"])
def test_a_call_ends_early(page, draft, how):
    """By the signal with its reason, by the user with the answer of the gate, still unread."""
    sent = watched(page, SEND)
    call(page, draft)
    expect(dialog(page)).to_be_visible()

    if how == "aborted":
        page.evaluate("window.stop.abort('the tab was changed')")
        assert told(page) == {"error": "the tab was changed"}
        assert page.evaluate("window.states") == ["queued", "asking"]
    else:
        page.keyboard.press("Escape")
        answer = told(page)
        assert (answer["status"], json.loads(answer["body"])["code"]) == (401, "face_required")
        assert page.evaluate("window.states") == ["queued", "asking", "cancelled"]

    expect(dialog(page)).to_have_count(0)
    assert len(sent) == 1


def test_an_abort_while_another_dialog_is_open(page, draft):
    call(page, draft)
    expect(dialog(page)).to_be_visible()
    call(page, draft)
    page.evaluate("window.stop.abort('not any more')")

    assert told(page) == {"error": "not any more"}
    expect(dialog(page)).to_be_visible()


def test_a_window_that_the_browser_blocks(page, draft):
    """A link leads there in its place, and forgets the address once it was followed."""
    page.evaluate("window.open = () => null")
    call(page, draft)
    dialog(page).get_by_role("button", name="Open the camera page").click()

    link = dialog(page).get_by_role("link", name="Open the camera page")
    expect(link).to_be_focused()
    expect(link).to_have_attribute("href", CAPTURE)
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(dialog(page).get_by_role("status")).to_contain_text("did not open a new window")
    with page.context.expect_page() as opened:
        link.click()
    tab = opened.value
    tab.wait_for_url(CAPTURE)
    expect(link).to_have_count(0)
    expect(dialog(page).get_by_role("button", name="Open the camera page again")).to_be_focused()
    assert tab.url not in page.content()
    shows(tab)

    assert told(page)["status"] == 200


def test_with_a_token_in_place_of_a_session(page, draft, bank):
    """The token goes along to the gate's URLs, and the page has words of its own.

    While it waits it asks for news only: an answer that has not changed is not sent again.
    """
    body = {"username": "frank", "password": "demo"}
    token = page.context.request.post(f"{bank}/api/token/", data=body).json()["access"]
    ours = watched(page, re.compile("/face/api/"))
    headers = {"Authorization": f"Bearer {token}"}
    texts = {"heading": "Zeigen Sie bitte Ihr Gesicht"}
    call(page, draft, headers=headers, credentials="omit", texts=texts)
    expect(dialog(page)).to_have_accessible_name(texts["heading"])

    tab = opens_the_camera(page)
    with page.expect_response(lambda got: STATUS.search(got.url) and got.status == 304):
        pass
    shows(tab)

    assert told(page)["status"] == 200
    states = ["queued", "asking", "starting", "waiting", "repeating"]
    assert page.evaluate("window.states") == states
    assert {sent.headers["authorization"] for sent in ours} == {headers["Authorization"]}
    assert {"cookie" in sent.all_headers() for sent in ours} == {False}


def test_the_server_says_how_long_to_wait(visit):
    """And never less than two seconds."""
    page = opens_the_app(visit("frank"))
    draft = address_of(page, writes_down(page, "Mr. Slow"))
    page.clock.install()
    page.clock.pause_at("2030-01-01T12:00:00")
    headers = {"Content-Type": "application/json"}
    waits = json.dumps({"next": "wait", "state": "open", "message": "", "lines": []})
    hints = iter(["7", "0"])

    def answer(route: Route) -> None:
        more = {"Retry-After": next(hints, "600")}
        route.fulfill(status=200, headers={**headers, **more}, body=waits)

    page.route(STATUS, answer)
    asked = watched(page, STATUS)
    call(page, draft)
    expect(dialog(page)).to_be_visible()

    def after(milliseconds: int) -> int:
        page.clock.run_for(milliseconds)
        page.evaluate("fetch('/static/bank/harbour.svg')")  # what was due before is sent before
        return len(asked)

    assert [after(6_990), after(20), after(1_900), after(200)] == [1, 2, 2, 3]


def test_trouble_for_a_while(page, draft):
    """With the server or the network: the dialog says so, and goes on by itself.

    Users cannot go on before they have seen what they approve.
    """
    bad_gateway = partial(Route.fulfill, status=502, body="<h1>Bad Gateway</h1>")
    page.route(STATUS, bad_gateway)
    call(page, draft)
    news = dialog(page).get_by_role("status")
    expect(news).to_contain_text("We keep trying")
    expect(dialog(page).get_by_role("button")).to_have_text(["Not now"])
    page.unroute(STATUS)
    tab = opens_the_camera(page)
    expect(news).to_contain_text("This page continues")
    page.route(STATUS, bad_gateway)
    expect(news).to_contain_text("We keep trying")
    page.unroute(STATUS)
    page.context.set_offline(True)
    expect(news).to_contain_text("You are offline")
    page.context.set_offline(False)
    expect(news).to_contain_text("as soon as the face check is done")
    shows(tab)

    assert told(page)["status"] == 200
    assert "offline" in page.evaluate("window.states")


def test_an_attempt_that_cannot_be_started_now(page, draft):
    """It says why and until when, opens nothing, and can be tried again."""
    until = "2030-01-01T12:34:00+00:00"
    call(page, draft)
    news = dialog(page).get_by_role("status")
    for status, code in ((429, "too_many_attempts"), (503, "unavailable"), (500, "broken")):
        page.route(ATTEMPTS, instead(status, code, f"Not now: {code}.", until=until))
        with page.context.expect_page() as opened:
            dialog(page).get_by_role("button", name="Open the camera page").click()
        expect(news).to_contain_text(f"Not now: {code}. You can try again at")
        expect(news).to_contain_text("2030")
        assert opened.value.is_closed()
        page.unroute(ATTEMPTS)
    approves(page)

    assert told(page)["status"] == 200


def test_an_attempt_that_can_never_be_started(page, draft):
    call(page, draft)
    page.route(ATTEMPTS, instead(403, "not_enrolled", "Your account cannot use this."))
    dialog(page).get_by_role("button", name="Open the camera page").click()

    expect(dialog(page)).to_have_accessible_name("This was not done")
    expect(dialog(page).get_by_role("status")).to_have_text("Your account cannot use this.")
    dialog(page).get_by_role("button", name="Close").click()
    assert told(page)["status"] == 401
    assert page.evaluate("window.states.at(-1)") == "over"


def test_an_attempt_that_is_under_way_already(page, draft):
    """Another tab was faster: this one waits for it, and both see the end."""
    call(page, draft)
    button = dialog(page).get_by_role("button", name="Open the camera page")
    expect(button).to_be_visible()
    page.route(ATTEMPTS, instead(409, "under_way", "A face check is under way already."))
    asked = watched(page, STATUS)
    button.click()
    expect(dialog(page).get_by_role("status")).to_have_text("A face check is under way already.")
    page.unroute(ATTEMPTS)
    with page.expect_request(STATUS):
        pass
    approves(page)

    assert told(page)["status"] == 200
    assert "if-none-match" not in asked[0].headers


def test_a_camera_page_whose_address_is_none(page, draft):
    page.route(ATTEMPTS, with_more(capture_url="javascript:document.title='run'"))
    call(page, draft)
    dialog(page).get_by_role("button", name="Open the camera page").click()

    expect(dialog(page).get_by_role("status")).to_have_text("That did not work. Please try again.")
    assert "javascript:" not in page.content()
    assert len(page.context.pages) == 1


def test_a_question_that_is_gone(page, draft):
    call(page, draft)
    expect(dialog(page)).to_be_visible()
    page.route(STATUS, instead(404, "not_found", "Not Found"))
    opens_the_camera(page)

    expect(dialog(page)).to_have_accessible_name("This was not done")
    expect(dialog(page).get_by_role("status")).to_contain_text("This face check has ended.")


PROBLEM = {"Content-Type": "application/problem+json"}
NOT_FOR_US = {
    "no problem": ({"Content-Type": "application/json"}, {}),
    "another problem": (PROBLEM, {"code": "expired"}),
    "no URLs": (PROBLEM, {"attempts_url": None}),
    "a URL of another site": (PROBLEM, {"status_url": "https://evil.example/"}),
    "one URL": (PROBLEM, {"status_url": None}),
}


def test_a_refusal_that_is_not_for_us(page, draft, bank):
    """It comes through as it is: no dialog, no second request, nothing to strangers."""
    ours = f"{bank}/face/api/challenges/handle/"
    body = {"code": "face_required", "challenge": "handle", "status_url": ours}
    body |= {"attempts_url": f"{ours}attempts/"}
    sent = watched(page, re.compile("/send/|/face/|evil"))
    for name, (headers, more) in NOT_FOR_US.items():
        refusal = json.dumps(body | more)
        page.route(SEND, partial(Route.fulfill, status=401, headers=headers, body=refusal))
        call(page, draft)

        assert told(page) == {"status": 401, "body": refusal}, name
        expect(dialog(page)).to_have_count(0)
        assert [request.url for request in sent] == [f"{bank}{draft}"], name
        sent.clear()
        page.unroute(SEND)


def test_an_answer_that_is_no_refusal(page):
    call(page, "/api/payouts/0/send/")
    assert told(page)["status"] == 404
    page.route("**/nowhere/", lambda route: route.abort())
    call(page, "/nowhere/")
    assert told(page) == {"error": "TypeError: Failed to fetch"}


def test_a_second_refusal_is_the_answer(page, draft):
    """The request goes twice at most, with the same body, and names the challenge once."""

    def refused_again(route: Route) -> None:
        if "face-challenge" in route.request.headers:
            instead(401, "face_required", "Again.")(route)
        else:
            route.continue_()

    page.route(SEND, refused_again)
    sent = watched(page, SEND)
    call(page, draft, body='{"note": "rent"}')
    approves(page)

    answer = told(page)
    assert (answer["status"], json.loads(answer["body"])["title"]) == (401, "Again.")
    assert [request.post_data for request in sent] == ['{"note": "rent"}'] * 2
    expect(dialog(page)).to_have_count(0)


def test_a_face_that_was_shown_meanwhile(page, draft):
    """No dialog for what is granted: the request is just sent again."""
    page.evaluate("window.dialogs = 0")
    page.evaluate(
        "new MutationObserver((news) => news.forEach((one) => {"
        " window.dialogs += [...one.addedNodes].filter(({ nodeName }) => nodeName === 'DIALOG')"
        ".length })).observe(document.body, { childList: true })"
    )
    page.route(STATUS, with_more(next="repeat"))
    sent = watched(page, SEND)
    call(page, draft)

    assert told(page)["status"] == 401
    assert len(sent) == 2
    assert page.evaluate("window.dialogs") == 0


# -- the code of docs/how-to/single-page-apps.md; its shop is the bank


SHOP = re.compile(r"^```js\n(.*?)^```$", re.M | re.S)

#: Does one of its calls.
PAY = """async ([name, id, token]) => {
  const shop = await import("/static/shop/pay.js");
  const calls = {
    pay: () => shop.pay(id),
    payWithToken: () => shop.payWithToken(id, token).then((answer) => answer.json()),
  };
  window.told = calls[name]();
}"""


@pytest.fixture
def shop(page) -> Page:
    """A page with the module of the how-to, and texts as its template carries them."""
    script = "\n".join(SHOP.findall((DOCS / "how-to" / "single-page-apps.md").read_text()))
    script = re.sub("/api/payments/(.*?)/pay/", r"/api/payouts/\1/send/", script)
    page.route(
        "**/static/shop/pay.js",
        lambda route: route.fulfill(status=200, content_type="text/javascript", body=script),
    )
    page.evaluate(
        "(text) => (document.getElementById('faceauth-texts').textContent = text)",
        '{"heading": "A face, please"}',
    )
    return page


@pytest.mark.parametrize("name", ["pay", "payWithToken"])
def test_the_calls_of_the_how_to(shop, draft, bank, name):
    user = {"username": "frank", "password": "demo"}
    token = shop.context.request.post(f"{bank}/api/token/", data=user).json()["access"]
    shop.evaluate(PAY, [name, draft.split("/")[3], token])
    expect(dialog(shop)).to_have_accessible_name("A face, please")
    approves(shop)

    assert told(shop)["state"] == "executed"
