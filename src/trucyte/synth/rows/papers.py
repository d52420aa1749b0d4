"""The papers of a visit: XML7 to XML11, XML13 and XML14.

Copies are taken from the XML1 row, so that they are equal wherever they are present.
"""

from trucyte.intake.claims.tables import Row
from trucyte.synth.plan import Plan
from trucyte.synth.times import DAY, day, day_text, text
from trucyte.vietnam.people.frequencies import FEMALE, MALE, draw_name

_NOTHING_FOUND = "Kết quả xét nghiệm và chẩn đoán hình ảnh phù hợp chẩn đoán"


def paper_tables(plan: Plan, summary: Row) -> dict[str, list[Row]]:
    """Return the papers that this visit calls for, by table."""
    tables: dict[str, list[Row]] = {}
    if plan.is_birth:
        tables["XML9"] = _births(plan, summary)  # before XML7: it sets CAN_NANG_CON
    if plan.care in ("03", "04", "06"):
        tables["XML8"] = [_record_summary(plan, summary)]
        if plan.discharge != "3":
            tables["XML7"] = [_discharge(plan, summary)]
    if plan.has_pregnancy_rest:
        tables["XML10"] = [_pregnancy_rest(plan, summary)]
    elif _takes_leave(plan):
        tables["XML11"] = [_sick_leave(plan, summary)]
    if plan.discharge in "25":
        tables["XML13"] = [_transfer(plan, summary)]
    if plan.appointment:
        tables["XML14"] = [_appointment(plan, summary)]
    return tables


def _copy(summary: Row, names: str) -> Row:
    return {name: summary[name] for name in names.split() if name in summary}


def _parents(plan: Plan, row: Row, until_age: int) -> None:
    if plan.age >= until_age or plan.person.place < 2:
        return
    row["HO_TEN_CHA"] = plan.father.name
    row["HO_TEN_ME"] = plan.mother.name


def _temporary_card(plan: Plan, row: Row) -> None:
    if (plan.age < 1 and plan.dice.happens(0.4)) or (plan.is_rich and plan.age < 6):
        row["MA_THE_TAM"] = f"TE100{plan.person.social_number}"


def _discharge(plan: Plan, summary: Row) -> Row:
    row = {
        "SO_LUU_TRU": f"LT-SYN-{plan.number:08d}",
        "MA_YTE": plan.patient,
        "MA_KHOA_RV": plan.departments[-1],
        **_copy(summary, "NGAY_VAO NGAY_RA CHAN_DOAN_RV"),
        "PP_DIEUTRI": summary["PP_DIEU_TRI"],
        "GHI_CHU": "Nghỉ ngơi, tái khám theo hẹn",
        "MA_TTDV": plan.facility.head.social_number,
        "MA_BS": plan.doctor.social_number,
        "TEN_BS": plan.doctor.name,
        "NGAY_CT": day(plan.leave),
    }
    row["MA_DINH_CHI_THAI"] = "0" if plan.person.sex == FEMALE and plan.age > 15 else ""
    if plan.is_terminated:
        row |= _termination(plan)
        row["THOIGIAN_DINHCHI"] = text(plan.admitted + 60)
    if plan.age < 16 and plan.person.place >= 2:
        row["MA_CHA"] = plan.father.social_number
        row["MA_ME"] = plan.mother.social_number
    _parents(plan, row, 16)
    _temporary_card(plan, row)
    if plan.person.employer and plan.may(0.6):
        days = plan.dice.between(3, 10)
        first = plan.leave // DAY + 1
        row["SO_NGAY_NGHI"] = str(days)
        row["NGOAITRU_TUNGAY"] = day_text(first)
        row["NGOAITRU_DENNGAY"] = day_text(first + days - 1)
    return row


def _termination(plan: Plan) -> Row:
    return {
        "MA_DINH_CHI_THAI": "1",
        "NGUYENNHAN_DINHCHI": "Theo nguyện vọng" if plan.diagnosis.code == "O04.9" else "Sẩy thai",
        "TUOI_THAI": str(plan.dice.between(5, 12)),
    }


def _record_summary(plan: Plan, summary: Row) -> Row:
    row = {
        "MA_LOAI_KCB": plan.care,
        "DON_VI": plan.person.employer,
        **_copy(summary, "NGAY_VAO NGAY_RA CHAN_DOAN_VAO CHAN_DOAN_RV"),
        "QT_BENHLY": f"Khởi phát với {plan.diagnosis.complaint.lower()}, điều trị đáp ứng dần",
        "TOMTAT_KQ": _NOTHING_FOUND,
        "PP_DIEUTRI": summary["PP_DIEU_TRI"],
        "KET_QUA_DTRI": plan.result,
        "MA_TTDV": plan.facility.head.social_number,
        "NGAY_CT": day(plan.leave),
    }
    _parents(plan, row, 16)
    if plan.age < 16:
        row["NGUOI_GIAM_HO"] = plan.mother.name
        row["GHI_CHU"] = f"Mẹ: {plan.mother.name}"
    _temporary_card(plan, row)
    if plan.is_birth and (plan.is_rich or plan.dice.happens(0.004)):
        row["NGAY_SINHCON"] = day(plan.admitted + 300)
        row["NGAY_CONCHET"] = day(plan.leave)
        row["SO_CONCHET"] = "1"
    return row


def _births(plan: Plan, summary: Row) -> list[Row]:
    dice, mother = plan.dice, plan.person
    count = 2 if dice.happens(0.04) else 1
    order = dice.between(1, 3)
    weights = [dice.between(2300, 4100) for _ in range(count)]
    summary["CAN_NANG_CON"] = ";".join(str(weight) for weight in weights)
    early, operative = dice.happens(0.06), plan.diagnosis.code == "O82.0"
    rows = []
    for number, weight in enumerate(weights):
        sex = MALE if dice.happens(0.525) else FEMALE
        name = draw_name(
            dice.chance, sex=sex, birth_year=2026, surname=plan.father.name.split()[0].title()
        )
        row = {
            "MA_BHXH_NND": mother.social_number,
            "HO_TEN_NND": mother.name,
            "NGAYSINH_NND": mother.birth_text[:8],
            "MA_DANTOC_NND": mother.household.ethnicity,
            "SO_CCCD_NND": mother.personal_number,
            "NGAYCAP_CCCD_NND": "20220115",
            "NOICAP_CCCD_NND": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
            "NOI_CU_TRU_NND": summary["DIA_CHI"],
            **_copy(summary, "MA_QUOCTICH MATINH_CU_TRU MAHUYEN_CU_TRU MAXA_CU_TRU"),
            "HO_TEN_CHA": plan.father.name,
            "MA_THE_TAM": f"TE10090{plan.number % 10**7:07d}{number}",
            "HO_TEN_CON": name.upper(),
            "GIOI_TINH_CON": sex,
            "SO_CON": str(count),
            "LAN_SINH": str(order),
            "SO_CON_SONG": str(order - 1 + count),
            "CAN_NANG_CON": str(weight),
            "NGAY_SINH_CON": text(plan.admitted + 300 + 12 * number),
            "NOI_SINH_CON": f"Cơ sở khám bệnh, chữa bệnh {plan.facility.code} (SYN)",
            "TINH_TRANG_CON": "Bình thường",
            "SINHCON_PHAUTHUAT": "1" if operative else "0",
            "SINHCON_DUOI32TUAN": "1" if early else "0",
            "GHI_CHU": _birth_remark(early=early, operative=operative),
            "NGUOI_DO_DE": plan.doctor.name,
            "NGUOI_GHI_PHIEU": plan.nurse.name,
            "NGAY_CT": day(plan.leave),
            "SO": f"{plan.number % 10000:04d}",
            "QUYEN_SO": f"Q{plan.facility.number:02d}",
            "MA_TTDV": plan.facility.head.social_number,
        }
        if "MA_THE_BHYT" in summary:
            row["MA_THE_NND"] = summary["MA_THE_BHYT"].split(";")[0]
        rows.append(row)
    return rows


def _birth_remark(*, early: bool, operative: bool) -> str:
    if early and operative:
        return "Phẫu thuật, sinh con dưới 32 tuần tuổi"
    if operative:
        return "Sinh con phải phẫu thuật"
    return "Sinh con dưới 32 tuần tuổi" if early else "Không"


def _takes_leave(plan: Plan) -> bool:
    if plan.care != "01" or plan.discharge != "1" or not plan.is_insured:
        return False
    if plan.person.employer:
        return plan.is_terminated or plan.may(0.12)
    is_carer_employed = bool(plan.mother.employer) and plan.dice.happens(0.15)
    return plan.age < 7 and (plan.is_rich or is_carer_employed)


def _sick_leave(plan: Plan, summary: Row) -> Row:
    days = plan.dice.between(1, 5)
    row = {
        "SO_CT": f"CT-SYN-{plan.number:08d}",
        "SO_SERI": f"SYN{plan.number:09d}",
        "SO_KCB": f"KCB-{plan.number:08d}",
        "DON_VI": plan.person.employer or plan.mother.employer or "Hộ kinh doanh SYN",
        "MA_BHXH": plan.person.social_number,
        **_copy(summary, "MA_THE_BHYT CHAN_DOAN_RV"),
        "PP_DIEUTRI": summary["PP_DIEU_TRI"],
        "SO_NGAY_NGHI": str(days),
        "TU_NGAY": day(plan.arrival),
        "DEN_NGAY": day_text(plan.day + days - 1),
        "MA_TTDV": plan.facility.head.social_number,
        "MA_BS": plan.doctor.social_number,
        "NGAY_CT": day(plan.arrival),
        "MAU_SO": "CT07",
    }
    if plan.is_terminated:
        row |= _termination(plan)
    _parents(plan, row, 7)
    _temporary_card(plan, row)
    return row


def _pregnancy_rest(plan: Plan, summary: Row) -> Row:
    days = plan.dice.between(5, 30)
    first = plan.arrival // DAY
    return {
        "SO_SERI": f"SYN{plan.number:09d}",
        "SO_CT": f"DT-SYN-{plan.number:08d}",
        "SO_NGAY": str(days),
        "DON_VI": plan.person.employer,
        **_copy(summary, "CHAN_DOAN_RV"),
        "TU_NGAY": day_text(first),
        "DEN_NGAY": day_text(first + days - 1),
        "MA_TTDV": plan.facility.head.social_number,
        "TEN_BS": plan.doctor.name,
        "MA_BS": plan.doctor.social_number,
        "NGAY_CT": day(plan.arrival),
    }


_TRANSFER_COPIES = (
    "HO_TEN NGAY_SINH GIOI_TINH MA_QUOCTICH MA_DANTOC MA_NGHE_NGHIEP DIA_CHI MA_THE_BHYT "
    "GT_THE_DEN NGAY_VAO NGAY_VAO_NOI_TRU NGAY_RA CHAN_DOAN_RV MA_BENH_CHINH MA_BENH_KT "
    "MA_BENH_YHCT MA_LOAI_RV MA_NOI_DI MA_NOI_DEN MA_CSKCB"
)


def _transfer(plan: Plan, summary: Row) -> Row:
    row = {
        "SO_HOSO": f"HS-{plan.number:08d}",
        "SO_CHUYENTUYEN": f"CT-{plan.number % 100000:05d}",
        "GIAY_CHUYEN_TUYEN": f"GCT-SYN-{plan.number:08d}",
        **_copy(summary, _TRANSFER_COPIES),
        "DAU_HIEU_LS": f"{plan.diagnosis.complaint}, mạch và huyết áp ổn định",
        "QT_BENHLY": f"Vào viện vì {plan.diagnosis.complaint.lower()}",
        "TOMTAT_KQ": _NOTHING_FOUND,
        "PP_DIEU_TRI": summary["PP_DIEU_TRI"],
        "PP_DIEUTRI": summary["PP_DIEU_TRI"],
        "TEN_DICH_VU": "Khám, xét nghiệm cơ bản",
        "TEN_THUOC": "Theo bảng kê",
        "MA_LYDO_CT": "3" if plan.discharge == "5" else plan.dice.pick("12"),
        "HUONG_DIEU_TRI": "Điều trị tiếp tại tuyến chuyên sâu",
        "PHUONGTIEN_VC": plan.dice.pick(("Xe cứu thương", "Phương tiện gia đình")),
        "MA_BAC_SI": plan.doctor.licence,
        "MA_TTDV": plan.facility.head.social_number,
    }
    if row["PHUONGTIEN_VC"] == "Xe cứu thương":
        row["HOTEN_NGUOI_HT"] = plan.nurse.name
        row["CHUCDANH_NGUOI_HT"] = "Điều dưỡng"
    return row


_APPOINTMENT_COPIES = (
    "HO_TEN NGAY_SINH GIOI_TINH DIA_CHI MA_THE_BHYT GT_THE_DEN NGAY_VAO NGAY_VAO_NOI_TRU NGAY_RA "
    "CHAN_DOAN_RV MA_BENH_CHINH MA_BENH_KT MA_BENH_YHCT MA_DOITUONG_KCB MA_CSKCB"
)


def _appointment(plan: Plan, summary: Row) -> Row:
    return {
        "SO_GIAYHEN_KL": f"GH-SYN-{plan.number:08d}",
        **_copy(summary, _APPOINTMENT_COPIES),
        "NGAY_HEN_KL": f"{day_text(plan.appointment)}0800",
        "MA_BAC_SI": plan.doctor.licence,
        "MA_TTDV": plan.facility.head.social_number,
        "NGAY_CT": day(plan.contact_end if plan.care not in ("02", "05", "07") else plan.leave),
    }
