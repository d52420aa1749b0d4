"""Pages of consents, of requests, and a citizen's own: what they show, do and refuse."""

import io
import zipfile
from collections.abc import Iterator

import pytest

from tests.support.agreements import Agreed, agreed_over, open_shared, text_of
from tests.support.agreements_pages import citizen, clerk, pages_of
from tests.support.interactions import Writing
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.shared.access.consent.catalogue import purposes
from trucyte.shared.access.consent.moves import Event, State
from trucyte.shared.access.consent.proxies import Appointing
from trucyte.shared.access.subject import Subject

PDF = b"%PDF-1.7 signed"


@pytest.fixture(scope="module")
def writing(
    server_url: str,
    migrated_template: str,
    definitions: Definitions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writing]:
    folder = tmp_path_factory.mktemp("agreements")
    with open_shared(server_url, migrated_template, folder, definitions) as opened:
        opened.node.put(
            {
                "resourceType": "Organization",
                "id": "ins1",
                "name": "Bảo hiểm Mẫu",
                "type": [
                    {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/organization-type",
                                "code": "ins",
                            }
                        ]
                    }
                ],
            }
        )
        yield opened


@pytest.fixture
def agreed(writing: Writing, clock: FixedClock) -> Agreed:
    return agreed_over(writing, clock.now())


def in_force(agreed: Agreed, purpose: str, receiver: str = "") -> bool:
    return agreed.all.consents.in_force(agreed.patient, purpose, receiver) is not None


def agreeing(purpose: str, **more: str) -> dict[str, str]:
    return {"purpose": purpose, "text": text_of(purpose), "language": "vi", **more}


# A citizen


def test_at_this_machine_the_page_says_how_one_gets_there_and_shows_nobody(agreed: Agreed) -> None:
    pages = pages_of(agreed)
    reply = pages.get("/me")
    assert reply.status == 200 and "VNeID" in reply.body.decode()
    assert "Thử" not in reply.body.decode()
    for part in ("looks", "consents", "requests", "proxies"):
        assert pages.get(f"/me/{part}").status == 404
    assert pages.post("/me/consents", **agreeing("notices")).status == 404


def test_a_citizen_agrees_by_one_button_and_takes_it_back_by_one(agreed: Agreed) -> None:
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    page = pages.get("/me/consents").body.decode()
    assert "checked" not in page  # nothing is ticked before
    for purpose in purposes().values():
        if purpose.id != "proxy":
            assert purpose.texts[-1].words["vi"].splitlines()[0] in page
    assert pages.post("/me/consents", **agreeing("research")).status == 303
    assert in_force(agreed, "research")
    (given,) = agreed.all.consents.all_of(agreed.access, agreed.patient)
    assert (given.channel, given.account) == ("web", agreed.patient)
    assert "đã đồng ý" in pages.get("/me/consents").body.decode()
    assert pages.post("/me/consents", withdraw=given.id).status == 303
    assert not in_force(agreed, "research")


def test_an_insurer_must_be_chosen(agreed: Agreed) -> None:
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    reply = pages.post("/me/consents", **agreeing("insurer"))
    assert reply.status == 422 and "Hãy chọn doanh nghiệp" in reply.body.decode()
    told = agreeing("insurer", receiver="Organization/ins1")
    assert pages.post("/me/consents", **told).status == 303
    assert in_force(agreed, "insurer", "Organization/ins1")


def test_words_that_changed_meanwhile_are_not_agreed_to(agreed: Agreed) -> None:
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    reply = pages.post("/me/consents", **{**agreeing("notices"), "text": "2019.9"})
    assert reply.status == 422 and "đã được thay" in reply.body.decode()
    assert not in_force(agreed, "notices")


@pytest.mark.parametrize("part", ["", "/looks", "/consents", "/requests", "/proxies"])
def test_nobody_sees_the_page_of_another(agreed: Agreed, part: str) -> None:
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    assert pages.get(f"/me{part}").status == 200
    stranger = agreed.carer.partition("/")[2]
    assert pages.get(f"/me{part}?of={stranger}").status == 404
    for broken in ("..%2F..", "%00", "x" * 500):
        assert pages.get(f"/me{part}?of={broken}").status == 404


def test_nobody_decides_for_another(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked("research"))
    pages = pages_of(agreed, citizen(agreed, agreed.carer))
    of = agreed.patient.partition("/")[2]
    assert pages.post("/me/consents", of=of, withdraw=given.id).status == 404
    assert pages.post("/me/consents", withdraw=given.id).status == 404
    assert in_force(agreed, "research")
    number = agreed.all.requests.receive(
        agreed.access, agreed.patient, "access", channel="web", by=agreed.patient
    ).number
    assert pages.post("/me/requests", drop=str(number)).status == 404
    assert pages.get(f"/me/requests/{number}/package.zip").status == 404


def test_a_citizen_without_a_record_here_sees_nobody(agreed: Agreed) -> None:
    both = frozenset(map(agreed.all.persons.key, (agreed.patient, agreed.carer)))
    for account in ("c-2", "Patient/nobody", ""):
        stranger = Subject(account, "citizen", frozenset({"citizen"}), persons=both)
        assert pages_of(agreed, stranger).get("/me").status == 404
    # A session that still names one it acted for before shows only what holds now.
    former = Subject(agreed.patient, "citizen", frozenset({"citizen"}), persons=both)
    pages = pages_of(agreed, former)
    assert pages.get("/me").status == 200
    assert pages.get(f"/me?of={agreed.carer.partition('/')[2]}").status == 404


def test_a_mother_decides_for_her_child_and_the_child_with_her(agreed: Agreed) -> None:
    wish = Appointing(agreed.child, agreed.carer, "Mẹ Thử", "MTH", text_of("proxy"), "vi", "paper")
    agreed.all.proxies.appoint(agreed.access, wish)
    of = agreed.child.partition("/")[2]
    mother = pages_of(agreed, citizen(agreed, agreed.carer))
    assert "Thay mặt" in mother.get(f"/me?of={of}").body.decode()
    assert mother.post("/me/consents", of=of, **agreeing("research")).status == 303
    assert agreed.all.consents.in_force(agreed.child, "research") is None
    child = pages_of(agreed, citizen(agreed, agreed.child))
    assert "chờ người cùng quyết" in child.get("/me/consents").body.decode()
    child.post("/me/consents", **agreeing("research"))
    assert agreed.all.consents.in_force(agreed.child, "research")


def test_a_citizen_lets_a_relative_act_and_ends_it(agreed: Agreed) -> None:
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    told = {"holder": agreed.carer.partition("/")[2], "name": "Con Thử", "relation": "CHILD"}
    assert pages.post("/me/proxies", **{**told, "holder": "nobody"}).status == 422
    assert pages.post("/me/proxies", **told).status == 303
    (proxy,) = agreed.all.proxies.held_by(agreed.carer)
    assert pages.post("/me/proxies", revoke=proxy.reference.partition("/")[2]).status == 303
    assert agreed.all.proxies.held_by(agreed.carer) == []


def test_a_citizen_asks_and_takes_back(agreed: Agreed) -> None:
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    assert pages.post("/me/requests", kind="rectify", words="Sai <năm> sinh").status == 303
    page = pages.get("/me/requests").body.decode()
    assert "Sai &lt;năm&gt; sinh" in page and "còn 2 ngày" in page
    (request,) = agreed.all.requests.of_person(agreed.patient)
    assert pages.post("/me/requests", drop=str(request.number)).status == 303
    assert agreed.all.requests.of_person(agreed.patient)[0].state is State.DROPPED
    assert pages.post("/me/requests", kind="forget").status == 400


def test_the_answer_to_access_is_everything_as_one_file(agreed: Agreed) -> None:
    agreed.all.consents.give(agreed.access, agreed.asked("research"))
    requests = agreed.all.requests
    number = requests.receive(
        agreed.access, agreed.patient, "access", channel="web", by=agreed.patient
    ).number
    pages = pages_of(agreed, citizen(agreed, agreed.patient))
    address = f"/me/requests/{number}/package.zip"
    assert pages.get(address).status == 404
    requests.move(agreed.access, number, Event.ACKNOWLEDGE)
    requests.move(agreed.access, number, Event.ANSWER, note="Xong")
    reply = pages.get(address)
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        names = set(archive.namelist())
        assert {"ho-so.html", "README.txt", "ai-da-xem.ndjson", "fhir/Patient.ndjson"} <= names
        assert "fhir/Consent.ndjson" in names
        page = archive.read("ho-so.html").decode()
        looked = archive.read("ai-da-xem.ndjson").decode()
    assert f"Thử {agreed.patient.partition('/')[2]}" in page
    assert "Nghiên cứu y học" in page and "bs-tran-mau" in looked and "script" not in page


# Staff


def test_staff_take_a_consent_on_paper_as_witness(agreed: Agreed) -> None:
    pages, id = pages_of(agreed, clerk()), agreed.patient.partition("/")[2]
    address = f"/people/{id}/consents"
    form = {
        "purpose": f"research@{text_of('research')}",
        "language": "vi",
        f"by:{agreed.patient}": "yes",
    }
    assert "Hãy kèm bản quét" in pages.send(address, form).body.decode()
    nobody = {name: value for name, value in form.items() if not name.startswith("by:")}
    assert "Hãy chọn ai đã ký" in pages.send(address, nobody, PDF).body.decode()
    stranger = {**nobody, f"by:{agreed.carer}": "yes"}
    assert "Hãy chọn ai đã ký" in pages.send(address, stranger, PDF).body.decode()
    assert "PDF, PNG" in pages.send(address, form, b"<html>").body.decode()
    assert not in_force(agreed, "research")
    assert pages.send(address, form, PDF).status == 303
    (given,) = agreed.all.consents.all_of(agreed.access, agreed.patient)
    assert (given.channel, given.account) == ("paper", "vt-mau")
    sheet = pages.get(f"{address}/{given.id}/original")
    assert (sheet.body, sheet.headers["content-type"]) == (PDF, "application/pdf")
    assert sheet.headers["content-disposition"].startswith("attachment")
    assert pages.post(f"{address}/{given.id}/withdraw", reason="đổi ý").status == 303
    assert not in_force(agreed, "research")
    other = agreed.carer.partition("/")[2]
    assert pages.get(f"/people/{other}/consents/{given.id}/original").status == 404


def test_staff_enter_a_guardian_by_papers(agreed: Agreed) -> None:
    pages, id = pages_of(agreed, clerk()), agreed.baby.partition("/")[2]
    address = f"/people/{id}/proxies"
    form = {"name": "Mẹ Thử", "relation": "MTH", "holder": agreed.carer.partition("/")[2]}
    assert pages.send(address, form).status == 422
    assert pages.send(address, {**form, "holder": "nobody"}, PDF).status == 422
    assert pages.send(address, form, PDF).status == 303
    (proxy,) = agreed.all.proxies.of(agreed.access, agreed.baby)
    page = pages.get(f"/people/{id}/consents").body.decode()
    assert "Mẹ Thử" in page and "Dưới 7 tuổi" in page
    end = f"{address}/{proxy.reference.partition('/')[2]}/revoke"
    assert pages.post(end).status == 303
    assert agreed.all.proxies.held_by(agreed.carer) == []


def test_staff_mark_what_a_holder_was_told(agreed: Agreed) -> None:
    agreed.all.holders.note(agreed.patient, "Organization/x", "paper")
    given = agreed.all.consents.give(agreed.access, agreed.asked("research"))
    agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    pages, id = pages_of(agreed, clerk()), agreed.patient.partition("/")[2]
    assert "chưa liên lạc được" in pages.get(f"/people/{id}/consents").body.decode()
    told = {"consent": given.id, "version": "2", "holder": "Organization/x", "state": "sent"}
    assert pages.post(f"/people/{agreed.carer[8:]}/notices", **told).status == 303
    assert agreed.all.holders.notices(agreed.patient)[0].state == "unreachable"
    assert pages.post(f"/people/{id}/notices", **told).status == 303
    assert agreed.all.holders.notices(agreed.patient)[0].state == "sent"


def test_a_request_is_worked_off_on_its_page(agreed: Agreed) -> None:
    pages, id = pages_of(agreed, clerk()), agreed.patient.partition("/")[2]
    reply = pages.post(f"/people/{id}/requests", kind="restrict", words="Đừng ai xem nữa")
    address = reply.headers["location"]
    assert "Đừng ai xem nữa" in pages.get(address).body.decode()
    assert f'href="{address}"' in pages.get("/rights").body.decode()
    assert pages.post(address, event="answer", note="x").status == 422
    assert pages.post(address, event="acknowledge").status == 303
    assert pages.post(address, event="drop").status == 409
    assert pages.post(address, event="explode").status == 400
    missing = pages.post(address, event="refuse", note="không")
    assert missing.status == 422 and ">không</textarea>" in missing.body.decode()
    done = pages.post(address, **{"event": "answer", "note": "Đã hạn chế", "carry-out": "yes"})
    assert done.status == 303
    assert agreed.all.erasures.restriction(agreed.patient)
    assert "Đã hạn chế" in pages.get(address).body.decode()
    assert f'href="{address}"' in pages.get("/rights?show=ended").body.decode()
    pages.post(address, event="lift")
    assert agreed.all.erasures.restriction(agreed.patient) is None


def test_an_erasure_shows_its_plan_and_is_carried_out_with_the_answer(agreed: Agreed) -> None:
    pages, id = pages_of(agreed, clerk()), agreed.patient.partition("/")[2]
    address = pages.post(f"/people/{id}/requests", kind="erase").headers["location"]
    page = pages.get(address).body.decode()
    assert "Nếu xóa hôm nay" in page and "Thông tư 33/2025" in page
    pages.post(address, event="acknowledge")
    agreed.all.holds.add(agreed.access, agreed.patient, why="kiện", until=None)
    form = {"event": "answer", "note": "Đã xóa", "carry-out": "yes"}
    reply = pages.post(address, **form)
    assert reply.status == 422 and "lệnh giữ" in reply.body.decode()
    assert agreed.all.requests.of_person(agreed.patient)[0].state is State.ACKNOWLEDGED


def test_who_only_watches_moves_nothing(agreed: Agreed) -> None:
    number = agreed.all.requests.receive(
        agreed.access, agreed.patient, "access", channel="web", by=agreed.patient
    ).number
    auditor = pages_of(agreed, Subject("kt", "staff", frozenset({"auditor"})))
    assert auditor.get(f"/rights/{number}").status == 200
    assert auditor.post(f"/rights/{number}", event="acknowledge").status == 403
    assert auditor.get(f"/rights/{number}/package.zip").status == 403
    assert auditor.get("/me").status == 403
    doctor = pages_of(agreed, Subject("bs", "staff", frozenset({"doctor"})))
    assert doctor.get("/rights").status == 403


def test_a_node_without_agreements_says_so(agreed: Agreed) -> None:
    from tests.support.asgi import ask
    from tests.support.web_services import fake_services
    from trucyte.web.app import make_app

    assert ask(make_app(fake_services()), "GET", "/rights").status == 501
