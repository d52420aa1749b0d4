"""The money-bearing rows of a visit: XML2 (drugs, blood) and XML3 (services, beds, supplies)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from trucyte.intake.claims.tables import Row, Variant
from trucyte.synth.catalogue import Drug, Service, load_catalogue
from trucyte.synth.country import COMMUNE
from trucyte.synth.money import PARTS, Line, Totals, amount, benefit_text, half_up, thousandths
from trucyte.synth.plan import Plan
from trucyte.synth.times import DAY, at, text
from trucyte.vietnam.parameters import LOW_COST_PER_CENT, PACKAGE_SALARIES, base_salary

TENDER = "01/QĐ-SYN;G1;N1;2026"
_BEDS = {"03": ("15", 305_000_000), "04": ("14", 91_500_000), "06": ("15", 64_100_000)}
_ANAESTHETIC = {"8": "1", "18": "2"}
_SUPPLIES = {
    "append": ("N05.02.030.0000.000.0001", "Trocar nội soi SYN", 385_000_000),
    "csec": ("N05.02.010.0000.000.0002", "Chỉ khâu tiêu SYN số 1", 68_250_500),
    "hernia": ("N06.04.020.0000.000.0003", "Lưới thoát vị SYN 6x11", 890_000_000),
    "phaco": ("N06.01.010.0000.000.0004", "Thủy tinh thể nhân tạo mềm SYN", 2_990_000_000),
    "hip": ("N06.04.052.0000.000.0005", "Khớp háng bán phần SYN", 28_500_000_000),
    "dsa": ("N06.02.020.0000.000.0006", "Stent mạch vành phủ thuốc SYN", 36_700_000_000),
    "sut": ("N03.01.020.0000.000.0007", "Bơm tiêm SYN 5ml", 735_000),
    "cast": ("N02.01.040.0000.000.0008", "Băng bó bột SYN 15cm", 14_175_000),
}


@dataclass(slots=True)
class Entry:
    """A row in the making, with its figures."""

    row: Row
    line: Line
    is_drug: bool
    service: Service | None = None
    drug: Drug | None = None
    ordered: int = 0
    resulted: int = 0
    is_arv: bool = False

    @property
    def is_supply(self) -> bool:
        """Whether XML1.T_VTYT counts it."""
        return not self.is_drug and self.row["MA_NHOM"] in ("10", "11")


def make_entries(plan: Plan) -> list[Entry]:
    """Return the lines of a visit in the order of a file: XML2 first, then XML3."""
    drugs = _drug_entries(plan)
    services = _service_entries(plan)
    if plan.is_stay:
        services += _bed_entries(plan)
    services += _extras(plan)
    drugs += _blood(plan, services)
    entries = drugs + services
    _settle(plan, entries)
    return entries


def totals_of(entries: list[Entry]) -> Totals:
    """Return XML1's sums."""
    totals = Totals()
    for entry in entries:
        totals.add(
            entry.line,
            is_drug=entry.is_drug,
            is_supply=entry.is_supply,
            by_service=entry.row["MA_PTTT"] == "1",
        )
    return totals


def _chosen(plan: Plan, keys: Sequence[str], share: float) -> list[str]:
    found = [key.rstrip("?") for key in keys if not key.endswith("?") or plan.dice.happens(share)]
    return found or [key.rstrip("?") for key in keys[:1]]


def _drug_entries(plan: Plan) -> list[Entry]:
    catalogue = load_catalogue()
    keys = _chosen(plan, plan.diagnosis.drugs, 0.36)
    entries: list[Entry] = []
    for key in keys:
        drug = catalogue.drugs[key]
        if plan.is_stay and plan.care != "09" and drug.days > 1:
            entries += _daily(plan, drug)
        else:
            entries.append(_course(plan, drug))
    return entries


def _daily(plan: Plan, drug: Drug) -> list[Entry]:
    # an inpatient's drug is one row a day
    first = plan.admitted // DAY
    days = min(drug.days, 3, max(1, plan.contact_end // DAY - first))
    found = []
    for step in range(days):
        ordered = plan.admitted + 5 if step == 0 else at(first + step, 8 * 60)
        if ordered + 45 > plan.contact_end:
            break
        quantity = _whole(drug, drug.each * drug.times)
        dose = f"{_number(drug.each)} {drug.unit.lower()}/lần * {drug.times} lần/ngày * 1 ngày"
        found.append(_drug_entry(plan, drug, quantity, dose, ordered, ordered + 30))
    return found


def _course(plan: Plan, drug: Drug) -> Entry:
    days = drug.days if plan.care != "09" else 1
    if plan.care in ("05", "07") and drug.days >= 10:
        days = plan.drug_days
    quantity = _whole(drug, drug.each * drug.times * days)
    unit = drug.unit.lower()
    dose = (
        f"{_number(drug.each)} {unit}/lần * {drug.times} lần/ngày * {days} ngày "
        f"[{_number(drug.each * drug.times)} {unit}/ngày]"
    )
    ordered = plan.admitted + 3 if plan.admitted else plan.arrival + plan.dice.between(35, 50)
    return _drug_entry(plan, drug, quantity, dose, ordered, min(ordered + 25, plan.contact_end))


def _whole(drug: Drug, quantity: int) -> int:
    # tablets and bottles are handed over whole; insulin and oxygen are measured
    return quantity if drug.unit in ("Lít", "Lọ", "Bút tiêm") else -(-quantity // 1000) * 1000


def _number(value: int) -> str:
    return f"{value / 1000:g}"


def _drug_entry(plan: Plan, drug: Drug, quantity: int, dose: str, ordered: int, done: int) -> Entry:
    line = Line(quantity, drug.price, drug.price, rate_fund=drug.rate)
    row = {
        "MA_THUOC": drug.code,
        "MA_NHOM": drug.group,
        "TEN_THUOC": drug.name,
        "DON_VI_TINH": drug.unit,
        "HAM_LUONG": drug.strength,
        "DUONG_DUNG": drug.route,
        "DANG_BAO_CHE": drug.form,
        "LIEU_DUNG": dose,
        "CACH_DUNG": drug.how,
        "PHAM_VI": drug.scope,
        "MA_KHOA": plan.departments[-1],
        "MA_BAC_SI": plan.doctor.licence,
        "NGAY_YL": text(ordered),
        "NGAY_TH_YL": text(done),
        "MA_PTTT": plan.method,
        "NGUON_CTRA": "1",
    }
    row["TT_THAU"] = TENDER
    if drug.code not in ("40.17", "40.573"):
        row["SO_DANG_KY"] = drug.registration
    if drug.code.startswith("05V"):
        row["MA_PP_CHEBIEN"] = "PP001;PP004"
        row["LIEU_DUNG"] = f"{_number(drug.each)} gam/thang * 1 thang/ngày * {drug.days} ngày"
    is_arv = drug.key == "arv"
    if is_arv:
        row["NGUON_CTRA"] = "1"
    return Entry(row, line, is_drug=True, drug=drug, ordered=ordered, is_arv=is_arv)


def _service_entries(plan: Plan) -> list[Entry]:
    if plan.care == "07":
        return []
    entries = [_exam(plan)]
    for number, key in enumerate(_service_keys(plan)):
        entries += _sessions(plan, key, number)
    last = max(entry.resulted for entry in entries)
    if plan.care == "02" and last > plan.contact_end:
        plan.contact_end = last
        plan.paid = last + 15 if plan.paid else 0
    return entries


def _service_keys(plan: Plan) -> list[str]:
    if plan.facility.tier == COMMUNE or not plan.diagnosis.services:
        return []
    keys = _chosen(plan, plan.diagnosis.services, 0.3)
    return keys if plan.may_test_hiv else [key for key in keys if key not in ("hivt", "hivvl")]


def _sessions(plan: Plan, key: str, number: int) -> list[Entry]:
    service = load_catalogue().services[key]
    repeat = plan.care in ("02", "08") and service.group == "18"
    entries: list[Entry] = []
    for step in range(4 if repeat else 1):
        ordered = plan.arrival + 12 + 3 * number + step * DAY
        if step and ordered + service.minutes > plan.leave:
            break
        if service.group in ("8", "18") and plan.is_stay:
            ordered = plan.admitted + 40 + 2 * number
        entries.append(_service_entry(plan, service, ordered))
        if step == 0 and key in _SUPPLIES:
            entries += _supplies(plan, service, key, ordered)
    return entries


def _exam(plan: Plan) -> Entry:
    service = load_catalogue().services[plan.diagnosis.exam]
    return _service_entry(plan, service, plan.arrival)


def _service_entry(plan: Plan, service: Service, ordered: int) -> Entry:
    limit = plan.contact_end if plan.care not in ("02", "08") else plan.leave
    done = min(ordered + max(2, service.minutes // 4), limit)
    resulted = ordered + service.minutes
    line = Line(1000, service.price_bv, service.price_bh)
    if service.group != "13" and plan.dice.happens(0.06):
        line.price_bv += line.price_bv // 5  # a price on demand: the patient pays the difference
    row = {
        "MA_DICH_VU": service.code,
        "MA_NHOM": service.group,
        "TEN_DICH_VU": service.name,
        "DON_VI_TINH": service.unit,
        "PHAM_VI": "1",
        "MA_KHOA": plan.departments[-1] if service.group in ("8", "18") else plan.departments[0],
        "MA_BAC_SI": plan.doctor.licence,
        "NGUOI_THUC_HIEN": plan.nurse.licence,
        "MA_BENH": plan.diagnosis.code,
        "NGAY_YL": text(ordered),
        "NGAY_TH_YL": text(done),
        "NGAY_KQ": text(resulted),
        "MA_PTTT": plan.method,
    }
    if service.machine:
        row["MA_MAY"] = f"{service.machine}.1.{plan.facility.code}.SYN{len(service.key):02d}"
    if service.group in _ANAESTHETIC and service.machine in ("PT", "TT"):
        row["PP_VO_CAM"] = _ANAESTHETIC[service.group]
    if service.group == "8":
        row["MA_PTTT_QT"] = _PROCEDURES.get(service.key, "86.59")
    if plan.departments[0] == "K16":
        row["MA_BENH_YHCT"] = "U62.111"
    return Entry(row, line, is_drug=False, service=service, ordered=ordered, resulted=resulted)


_PROCEDURES = {
    "append": "47.01",
    "csec": "74.1",
    "hernia": "53.05",
    "phaco": "13.41",
    "hip": "81.52",
}


def _supplies(plan: Plan, service: Service, key: str, ordered: int) -> list[Entry]:
    code, name, price = _SUPPLIES[key]
    is_stent = key == "dsa"
    found = []
    for number in range(2 if key in ("append", "sut") else 1):
        row = {
            "MA_DICH_VU": service.code,
            "MA_VAT_TU": f"{code[:-1]}9" if number else code,
            "MA_NHOM": "11" if key == "phaco" else "10",
            "GOI_VTYT": "G1",
            "TEN_VAT_TU": name,
            "TEN_DICH_VU": service.name,
            "DON_VI_TINH": "Cái",
            "PHAM_VI": "1",
            "TT_THAU": "02/QĐ-SYN;G2;N3;2026",
            "MA_KHOA": plan.departments[-1],
            "MA_BAC_SI": plan.doctor.licence,
            "MA_BENH": plan.diagnosis.code,
            "NGAY_YL": text(ordered),
            "MA_PTTT": plan.method,
        }
        if is_stent or key == "hip":
            row["T_TRANTT"] = amount(_salary(plan) * PACKAGE_SALARIES * 100)
            row["MA_HIEU_SP"] = f"SYN-{plan.number:08d}-{number}"
        line = Line(1000 * (2 if key == "csec" else 1), price, price)
        if key == "phaco":
            line.rate_fund = 70
        if key == "append" and number == 1:
            row["TAI_SU_DUNG"] = "1"
            line.price_bv = line.price_bh = 55_000_000
        found.append(Entry(row, line, is_drug=False, ordered=ordered))
    return found


def _bed_entries(plan: Plan) -> list[Entry]:
    if plan.care == "09":
        return []
    group, price = _BEDS[plan.care]
    days = max(1, plan.leave // DAY - plan.admitted // DAY)
    spans = [(plan.departments[-1], plan.admitted, plan.leave, days * 1000)]
    if len(plan.departments) > 1 and days > 1:
        split = at(plan.admitted // DAY + 1, 9 * 60)
        spans = [
            (plan.departments[0], plan.admitted, split, 1000),
            (plan.departments[1], split, plan.leave, (days - 1) * 1000),
        ]
    return [_bed(plan, group, price, *span) for span in spans]


def _bed(
    plan: Plan, group: str, price: int, department: str, start: int, end: int, quantity: int
) -> Entry:
    number = plan.dice.between(1, 80)
    row = {
        "MA_DICH_VU": f"{department}.1911",
        "MA_NHOM": group,
        "TEN_DICH_VU": f"Giường {'ban ngày' if group == '14' else 'nội trú'} {department} (SYN)",
        "DON_VI_TINH": "Ngày",
        "PHAM_VI": "1",
        "MA_KHOA": department,
        "MA_GIUONG": f"H{number:03d}" if plan.dice.happens(0.9) else f"H{number:03d};T{number:03d}",
        "MA_BAC_SI": plan.doctor.licence,
        "MA_BENH": plan.diagnosis.code,
        "NGAY_YL": text(start),
        "NGAY_TH_YL": text(start),
        "NGAY_KQ": text(end),
        "MA_PTTT": plan.method,
    }
    line = Line(quantity, price, price)
    if plan.dice.happens(0.08):
        line.rate_service = 50  # two to a bed
    return Entry(row, line, is_drug=False, ordered=start, resulted=end)


def _extras(plan: Plan) -> list[Entry]:
    found = []
    if plan.discharge in "25" and plan.is_stay and plan.may(0.5):
        found.append(_extra(plan, "12", "VC.00002", "Vận chuyển người bệnh (SYN)", "Lít", 21_430))
        found[0].row["MA_XANG_DAU"] = "E5RON92"
        found[0].line.quantity = 12_500
    if plan.is_stay and plan.may(0.04):
        meal = _extra(plan, "19", "19.SYN1", "Suất ăn bệnh lý (SYN)", "Suất", 45_000)
        meal.row["PHAM_VI"] = "2"
        meal.line.rate_fund = 0
        found.append(meal)
    if plan.care == "09":
        found.append(_extra(plan, "16", "16.1912", "Giường lưu (SYN)", "Lần", 60_000))
    return found


def _extra(plan: Plan, group: str, code: str, name: str, unit: str, price: int) -> Entry:
    ordered = plan.contact_end - 10
    row = {
        "MA_DICH_VU": code,
        "MA_NHOM": group,
        "TEN_DICH_VU": name,
        "DON_VI_TINH": unit,
        "PHAM_VI": "1",
        "MA_KHOA": plan.departments[-1],
        "MA_BAC_SI": plan.doctor.licence,
        "MA_BENH": plan.diagnosis.code,
        "NGAY_YL": text(ordered),
        "MA_PTTT": plan.method,
    }
    return Entry(row, Line(1000, price * 1000, price * 1000), is_drug=False, ordered=ordered)


def _blood(plan: Plan, services: list[Entry]) -> list[Entry]:
    for entry in services:
        if entry.service and entry.service.key == "transf":
            return [_blood_entry(plan, entry, *kind) for kind in _BLOOD]
    return []


_BLOOD = (
    ("40.BL01.NAT", "7", "Khối hồng cầu 350ml (SYN)", "Đơn vị", 1_143_000_000),
    ("VM.00003", "17", "Vận chuyển máu (SYN)", "Đơn vị", 17_000_000),
)


def _blood_entry(
    plan: Plan, service: Entry, code: str, group: str, name: str, unit: str, price: int
) -> Entry:
    row = {
        "MA_THUOC": code,
        "MA_CSKCB_THUOC": "M.00003",
        "MA_NHOM": group,
        "TEN_THUOC": name,
        "DON_VI_TINH": unit,
        "HAM_LUONG": "350ml",
        "DUONG_DUNG": "2.05",
        "LIEU_DUNG": "1 đơn vị/lần * 1 lần/ngày * 1 ngày",
        "PHAM_VI": "1",
        "MA_KHOA": plan.departments[-1],
        "MA_BAC_SI": plan.doctor.licence,
        "MA_DICH_VU": service.row["MA_DICH_VU"],
        "NGAY_YL": text(service.ordered),
        "NGAY_TH_YL": text(service.ordered),
        "MA_PTTT": plan.method,
        "NGUON_CTRA": "1",
    }
    return Entry(row, Line(1000, price, price), is_drug=True, ordered=service.ordered)


def _settle(plan: Plan, entries: list[Entry]) -> None:
    """Price the lines, fix the benefit rate by the total, share, then let others help."""
    for entry in entries:
        if not plan.is_insured:
            entry.line.rate_fund = 0
            entry.row["PHAM_VI"] = "2"
        if plan.variant in (Variant.D130, Variant.D4210) and not entry.is_drug:
            entry.line.rate_service = 100  # their amount has no service rate in it
        entry.line.price()
    rate = _benefit(plan, entries)
    for entry in entries:
        entry.line.benefit = rate
        entry.line.share()
        if entry.is_arv:
            entry.line.exempted("VTNN")
    if plan.dice.happens(0.025):
        _help(plan, entries)
    for entry in entries:
        _write(entry)


def _benefit(plan: Plan, entries: list[Entry]) -> int:
    """Return MUC_HUONG in tenths: all of it where the whole visit costs little."""
    rate = plan.benefit
    if plan.is_insured and rate >= 800 and plan.care != "07":
        limit = _salary(plan) * LOW_COST_PER_CENT  # hundredths of a đồng, as the amounts are
        rate = 1000 if sum(entry.line.bh for entry in entries) < limit else rate
    return rate if plan.variant is Variant.D1931 else rate // 10 * 10


def _salary(plan: Plan) -> int:
    return base_salary(date.fromordinal(plan.day))


def _help(plan: Plan, entries: list[Entry]) -> None:
    dice = plan.dice
    entry = max((e for e in entries if not e.is_arv), key=lambda e: e.line.bv, default=None)
    if entry is None or entry.line.bv < 100_000:
        return
    part = dice.pick(PARTS)
    line = entry.line
    percent = dice.pick((3, 10, 18, 45, 70))
    if entry.is_drug and plan.is_insured and dice.happens(0.4):
        line.endowed(half_up(line.bv * 30, 100), part)
    else:
        line.helped(half_up(line.bv * percent, 100), part)


def _write(entry: Entry) -> None:
    row, line = entry.row, entry.line
    row["SO_LUONG"] = thousandths(line.quantity)
    if entry.is_drug:
        row["DON_GIA"] = thousandths(line.price_bv)
    else:
        row["DON_GIA_BV"] = thousandths(line.price_bv)
        row["DON_GIA_BH"] = thousandths(line.price_bh)
        row["TYLE_TT_DV"] = str(line.rate_service)
    row["TYLE_TT_BH"] = str(line.rate_fund)
    row["MUC_HUONG"] = benefit_text(line.benefit)
    row["THANH_TIEN_BV"] = amount(line.bv)
    row["THANH_TIEN_BH"] = amount(line.bh)
    for part in PARTS:
        row[f"T_NGUONKHAC_{part}"] = amount(line.parts.get(part, 0))
    row["T_NGUONKHAC"] = amount(line.other)
    row["T_BNTT"] = amount(line.patient_outside)
    row["T_BNCCT"] = amount(line.patient_share)
    row["T_BHTT"] = amount(line.fund)
