"""XML1, the visit summary, and XML0, the check-in."""

from datetime import date

from trucyte.intake.claims.tables import Row
from trucyte.synth.catalogue import load_catalogue
from trucyte.synth.money import Totals, amount
from trucyte.synth.people import Card
from trucyte.synth.plan import Plan
from trucyte.synth.rows.lines import Entry
from trucyte.synth.times import DAY, day, day_text, text

_NO_DISTRICTS = date(2025, 7, 1).toordinal()
_SELF_DISCHARGE = {"3": "Người bệnh tự ý về", "4": "Gia đình xin về"}


def person_row(plan: Plan) -> Row:
    """Return the fields about the person, as XML1 has them and papers copy them."""
    person, household = plan.person, plan.person.household
    home = person.home(plan.day)
    row = {
        "MA_BN": plan.patient,
        "HO_TEN": person.name,
        "NGAY_SINH": person.birth_text,
        "GIOI_TINH": person.sex,
        "MA_QUOCTICH": "000",
        "MA_DANTOC": household.ethnicity,
        "MA_NGHE_NGHIEP": person.job,
        "DIA_CHI": home.text,
        "MATINH_CU_TRU": home.commune.province,
        "MAXA_CU_TRU": home.commune.code,
    }
    if plan.day < _NO_DISTRICTS:
        row["MAHUYEN_CU_TRU"] = f"{int(home.commune.code) % 900 + 1:03d}"
    elif plan.may(0.02):
        row["MAHUYEN_CU_TRU"] = "000"  # some systems still send a district
    if plan.dice.happens(0.72 if person.age(plan.day) >= 14 else 0.4):
        row["SO_CCCD"] = person.personal_number
    if plan.may(0.06):
        row["NHOM_MAU"] = person.blood
    if plan.dice.happens(0.7):
        row["DIEN_THOAI"] = person.phone(plan.day)
    return row


def card_row(plan: Plan) -> Row:
    """Return the card fields; lists where a new card came into force during the stay."""
    cards = _cards(plan)
    if not cards:
        return {}
    return {
        "MA_THE_BHYT": ";".join(card.code for card in cards),
        "MA_DKBD": ";".join(card.registered_at for card in cards),
        "GT_THE_TU": ";".join(day_text(card.start) for card in cards),
        "GT_THE_DEN": ";".join(day_text(card.end) for card in cards),
    }


def _cards(plan: Plan) -> list[Card]:
    first = plan.person.card(plan.day)
    last = plan.person.card(plan.contact_end // DAY)
    if first is None:
        return []
    return [first] if last is None or last is first else [first, last]


def diagnosis_text(plan: Plan) -> str:
    """Return CHAN_DOAN_RV: the main disease and its companions by name."""
    names = load_catalogue().names
    rest = ["nghỉ dưỡng thai"] if plan.has_pregnancy_rest else []
    return "; ".join([plan.diagnosis.name, *(names[code] for code in plan.companions), *rest])


def summary_row(plan: Plan, entries: list[Entry], totals: Totals, person: Row) -> Row:
    """Return the XML1 row."""
    row = {"STT": "1", **person, **card_row(plan)}
    row |= _reasons(plan, entries)
    row |= _stay(plan)
    row |= _sums(totals)
    settled = date.fromordinal((plan.paid or plan.contact_end) // DAY)
    row |= {
        "NAM_QT": str(settled.year),
        "THANG_QT": str(settled.month),
        "MA_LOAI_KCB": plan.care,
        "MA_KHOA": ";".join(plan.departments),
        "MA_CSKCB": plan.facility.code,
        "CAN_NANG": plan.person.weight_text(plan.day),
        "MA_HSBA": f"{'BA' if plan.is_stay else 'NT'}.{plan.number:08d}",
        "MA_TTDV": plan.facility.head.social_number,
    }
    row |= _rare(plan)
    return row


def _reasons(plan: Plan, entries: list[Entry]) -> Row:
    row = {
        "LY_DO_VV": plan.diagnosis.complaint,
        "CHAN_DOAN_VAO": plan.diagnosis.name,
        "CHAN_DOAN_RV": diagnosis_text(plan),
        "MA_BENH_CHINH": plan.diagnosis.code,
        "MA_BENH_KT": ";".join(plan.companions),
        "MA_DOITUONG_KCB": plan.category,
        "PP_DIEU_TRI": "Phẫu thuật" if _operations(entries) else "Nội khoa, dùng thuốc theo đơn",
        "MA_PTTT_QT": ";".join(_operations(entries)),
        "KET_QUA_DTRI": plan.result,
        "MA_LOAI_RV": plan.discharge,
    }
    if plan.admitted:
        row["LY_DO_VNT"] = f"{plan.diagnosis.complaint}, cần theo dõi và điều trị"
    if plan.diagnosis.department == "K16":
        row["MA_BENH_YHCT"] = "U62.111" if plan.dice.happens(0.5) else "U62.111;U58.471"
    return row


def _operations(entries: list[Entry]) -> list[str]:
    codes = [entry.row["MA_PTTT_QT"] for entry in entries if entry.row.get("MA_PTTT_QT")]
    return list(dict.fromkeys(codes))


def _stay(plan: Plan) -> Row:
    row = {
        "NGAY_VAO": text(plan.arrival),
        "NGAY_RA": text(plan.leave),
        "SO_NGAY_DTRI": str(treatment_days(plan)),
    }
    if plan.admitted:
        row["NGAY_VAO_NOI_TRU"] = text(plan.admitted)
    if plan.paid:
        row["NGAY_TTOAN"] = text(plan.paid)
    if plan.appointment:
        row["NGAY_TAI_KHAM"] = day_text(plan.appointment)
    if plan.category in ("1.3", "1.5"):
        row["MA_NOI_DI"] = "00004"
        row["GIAY_CHUYEN_TUYEN"] = f"GCT-SYN-{plan.number % 99999:05d}"
    if plan.discharge in "25":
        row["MA_NOI_DEN"] = "00002"
    row["GHI_CHU"] = _SELF_DISCHARGE.get(plan.discharge, "Dùng thuốc theo đơn, tái khám khi cần")
    return row


def treatment_days(plan: Plan) -> int:
    """Return SO_NGAY_DTRI by the rule of each kind of care."""
    if plan.care in ("02", "03", "04", "06"):
        return plan.leave // DAY - plan.arrival // DAY + 1
    if plan.care == "05":
        return plan.drug_days
    if plan.care == "08":
        return plan.leave // DAY - plan.arrival // DAY + 1
    return 0


def _sums(totals: Totals) -> Row:
    return {
        "T_THUOC": amount(totals.drugs),
        "T_VTYT": amount(totals.supplies),
        "T_TONGCHI_BV": amount(totals.bv),
        "T_TONGCHI_BH": amount(totals.bh),
        "T_BNTT": amount(totals.patient_outside),
        "T_BNCCT": amount(totals.patient_share),
        "T_BHTT": amount(totals.fund),
        "T_NGUONKHAC": amount(totals.other),
        "T_BHTT_GDV": amount(totals.fund_by_service),
    }


def _rare(plan: Plan) -> Row:
    dice, row = plan.dice, {}
    household = plan.person.household
    if household.area:
        row["MA_KHUVUC"] = household.area
    if plan.diagnosis.code[0] in "ST":
        row["MA_TAI_NAN"] = dice.pick("11128")
    elif dice.happens(0.1):
        row["MA_TAI_NAN"] = "0"
    card = plan.person.card(plan.day)
    if card and plan.person.leaning < 0.3:
        row["NAM_NAM_LIEN_TUC"] = day_text(card.start - 365 * 2)
    if card and card.digit in "34" and plan.may(0.01):
        row["NGAY_MIEN_CCT"] = day(plan.arrival - 30 * DAY)
    return row


def check_in_row(plan: Plan, entries: list[Entry], person: Row) -> Row:
    """Return the XML0 row: the first cost in the treating department."""
    kept = ("MA_BN", "HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH")
    row = {"STT": "1"} | {name: person[name] for name in kept if name in person}
    cards = card_row(plan)
    row |= {name: value.split(";")[0] for name, value in cards.items()}
    row |= {
        "MA_DOITUONG_KCB": plan.category,
        "NGAY_VAO": text(plan.arrival),
        "MA_LOAI_KCB": plan.care,
        "MA_CSKCB": plan.facility.code,
    }
    if plan.admitted:
        row["NGAY_VAO_NOI_TRU"] = text(plan.admitted)
        row["LY_DO_VNT"] = f"{plan.diagnosis.complaint}, cần theo dõi và điều trị"
    supplies = [entry for entry in entries if entry.row.get("MA_VAT_TU")] if plan.is_rich else []
    first = plan.dice.pick(supplies or entries)
    for kind in ("VAT_TU", "THUOC", "DICH_VU"):
        if first.row.get(f"MA_{kind}"):
            row[f"MA_{kind}"] = first.row[f"MA_{kind}"]
            row[f"TEN_{kind}"] = first.row[f"TEN_{kind}"]
            break
    row["NGAY_YL"] = first.row["NGAY_YL"]
    return row
