"""Tests for the users of the demo, and for its pages."""

from __future__ import annotations

from io import StringIO

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, TestCase
from django.urls import reverse

from bank.demo import PASSWORD
from django_faceauth.models import Applicant
from django_faceauth.testing import FaceAuthTestMixin

ENROL = reverse("faceauth:enrol")
AUTHENTICATIONS = reverse("admin:faceauth_faceauthentication_changelist")


class DemoCase(FaceAuthTestMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        call_command("demo_people", stdout=StringIO())

    def browser_of(self, username: str) -> Client:
        browser = Client()
        browser.force_login(User.objects.get(username=username))
        return browser


class CustomerTests(DemoCase):
    def test_panel(self) -> None:
        """A face check opens the page that asked, and no other."""
        alice = self.browser_of("alice")
        self.assertNotContains(alice.get("/"), '<li class="open">')

        page = self.show_face("/statements/", client=alice)

        self.assertEqual(page.request["PATH_INFO"], "/statements/")  # type: ignore[attr-defined]
        self.assertContains(page, '<li class="open">', count=1)

    def test_settings(self) -> None:
        """An address is saved after a face check."""
        alice, settings = self.browser_of("alice"), reverse("settings")
        self.show_face(settings, client=alice)

        saved = alice.post(settings, {"email": "alice@harbour.example"}, follow=True)

        self.assertContains(saved, 'value="alice@harbour.example"')

    def test_enrolment(self) -> None:
        """Erin may set up face checks; Alice has done so, and others are not in the records."""
        User.objects.create_user("zoe")
        erin = self.browser_of("erin")

        self.assertContains(erin.get("/statements/"), ENROL, status_code=403)
        self.assertContains(erin.get("/"), ENROL)
        for username in ("alice", "zoe"):
            self.assertNotContains(self.browser_of(username).get("/"), ENROL)

    def test_content_security_policy(self) -> None:
        """All pages have a strict one."""
        for path in ("/login/", "/app/", "/admin/login/", "/nowhere/"):
            policy = self.client.get(path)["Content-Security-Policy"]
            self.assertEqual(policy, "default-src 'self'; form-action 'self'")

    def test_login(self) -> None:
        """The page has a link to the simulator, and the password works."""
        login = reverse("login")
        self.assertContains(self.client.get(login), 'href="/simulator/"')

        form = {"username": "alice", "password": PASSWORD}
        self.assertRedirects(self.client.post(login, form), reverse("overview"))


class StaffTests(DemoCase):
    def test_permissions(self) -> None:
        """Staff read without a face, operators have actions, and neither group links users."""
        self.face_shown(self.browser_of("frank"))
        for username, has_actions in (("operator", True), ("reviewer", False)):
            staff = self.browser_of(username)
            listed = staff.get(AUTHENTICATIONS)
            self.assertContains(listed, 'value="revoke_grants"', count=int(has_actions))
            for name in ("bank_payout", "faceauth_reviewcase"):
                url = reverse(f"admin:{name}_changelist")
                self.assertEqual(staff.get(url).status_code, 200)
            add = staff.get(reverse("admin:faceauth_applicant_add"))
            self.assertEqual(add.status_code, 403)
        self.assertRedirects(
            self.browser_of("alice").get(AUTHENTICATIONS),
            f"{reverse('admin:login')}?next={AUTHENTICATIONS}",
        )

    def test_users_are_linked_with_a_face(self) -> None:
        """A password is not enough to enrol others (T-1.2, TH-46)."""
        admin, erin = self.browser_of("admin"), self.browser_of("erin")
        add = reverse("admin:faceauth_applicant_add")
        user = User.objects.get(username="erin")

        self.assertEqual(self.show_face(add, client=admin).status_code, 200)

        wrong = admin.post(add, {"user": user.pk, "applicant_id": "erin"})
        self.assertEqual(wrong.status_code, 200)
        self.assertFalse(Applicant.objects.filter(user=user).exists())
        admin.post(add, {"user": user.pk, "applicant_id": f"aplt_{10000:0<22}"})
        self.assertEqual(self.show_face("/statements/", client=erin).status_code, 200)

        delete = reverse("admin:faceauth_applicant_delete", args=[user.face_applicant.pk])
        admin.post(delete, {"post": "yes"})
        self.assertEqual(erin.get("/statements/").status_code, 403)

    def test_users_who_are_linked_again(self) -> None:
        """They show their face again; whose the applicant is cannot be changed."""
        alice, admin = self.browser_of("alice"), self.browser_of("admin")
        self.face_shown(alice)
        applicant = Applicant.objects.get(user__username="alice")
        change = reverse("admin:faceauth_applicant_change", args=[applicant.pk])

        self.show_face(reverse("admin:faceauth_applicant_add"), client=admin)
        self.assertNotContains(admin.get(change), 'name="user"')
        admin.post(change, {"applicant_id": f"aplt_{10000:0<21}"})

        self.assertFaceAsked(alice.get("/statements/"))
