"""Programme tables: XML6 (HIV), XML15 (tuberculosis), and XML12 (medical assessment board)."""

from trucyte.intake.claims.tables import Row
from trucyte.synth.plan import Plan
from trucyte.synth.times import DAY, day, day_text

_ASSESSED_SHARE = 0.004
_PERSON_COPIES = (
    "MA_THE_BHYT SO_CCCD NGAY_SINH GIOI_TINH DIA_CHI MATINH_CU_TRU MAHUYEN_CU_TRU MAXA_CU_TRU"
)


def programme_tables(plan: Plan, summary: Row) -> dict[str, list[Row]]:
    """Return the programme rows of a visit, by table."""
    tables: dict[str, list[Row]] = {}
    if plan.diagnosis.code in ("B20", "Z20.6"):
        tables["XML6"] = [_hiv(plan, summary)]
    if plan.diagnosis.code == "A15.0":
        tables["XML15"] = [_tuberculosis(plan, summary)]
    if 20 <= plan.age < 60 and plan.diagnosis.code == "M54.5" and plan.may(_ASSESSED_SHARE):
        tables["XML12"] = [_assessment(plan, summary)]
    return tables


def _copy(summary: Row, names: str) -> Row:
    return {name: summary[name] for name in names.split() if name in summary}


def _hiv(plan: Plan, summary: Row) -> Row:
    dice, code = plan.dice, plan.facility.code
    is_exposed = plan.diagnosis.code == "Z20.6"
    known = plan.day - dice.between(200, 2500)
    row = {
        **_copy(summary, _PERSON_COPIES),
        "NOI_LAY_MAU_XN": code,
        "NOI_XN_KD": "00002",
        "NOI_BDDT_ARV": code,
        "BDDT_ARV": day_text(known + 20),
        "MA_PHAC_DO_DIEU_TRI_BD": "1f",
        "MA_LYDO_DTRI": dice.pick("12345"),
        "SANG_LOC_LAO": dice.pick("1123"),
        "KQ_DTRI_LAO": "7",
        "MA_LOAI_BN": "4" if is_exposed else "1",
        "GIAI_DOAN_LAM_SANG": dice.pick("1112"),
        "NHOM_DOI_TUONG": dice.pick(("0", "2", "4", "11")),
        "MA_TINH_TRANG_DK": "2" if is_exposed else "9",
        "MA_XU_TRI": "1;4" if plan.may(0.3) else "1",
        "NGAY_BAT_DAU_XU_TRI": day(plan.arrival),
        "NGAY_KET_THUC_XU_TRI": day_text(plan.day + 30),
        "MA_PHAC_DO_DIEU_TRI": "1f",
        "SO_NGAY_CAP_THUOC_ARV": "30",
        "NGAY_CHUYEN_PHAC_DO": day_text(known + 400),
        "LY_DO_CHUYEN_PHAC_DO": dice.pick("1245"),
        "MA_CSKCB": code,
    }
    if not is_exposed:
        row["NGAYKD_HIV"] = day_text(known)
    if plan.may(0.3):
        row["MA_PHAC_DO_DIEU_TRI"] = row["MA_PHAC_DO_DIEU_TRI_BD"] = "KHAC"
        row["MA_BAC_PHAC_DO"] = row["MA_BAC_PHAC_DO_BD"] = dice.pick("12")
    if "4" in row["MA_XU_TRI"]:
        row["NGAY_BAT_DAU_DT_CTX"] = day_text(known + 25)
    row |= _hiv_tuberculosis(plan) | _viral_load(plan) | _motherhood(plan)
    return row


def _hiv_tuberculosis(plan: Plan) -> Row:
    if not plan.may(0.25):
        return {"LOAI_DTRI_LAO": "0"}
    start = plan.day - plan.dice.between(10, 100)
    return {
        "LOAI_DTRI_LAO": "1",
        "PHACDO_DTRI_LAO": "22",
        "NGAYBD_DTRI_LAO": day_text(start),
        "NGAYKT_DTRI_LAO": day_text(start + 90),
        "KQ_DTRI_LAO": "1",
    }


def _viral_load(plan: Plan) -> Row:
    if not plan.may(0.6):
        return {}
    sampled = plan.day - plan.dice.between(5, 60)
    return {
        "MA_LYDO_XNTL_VR": "1",
        "NGAY_XN_TLVR": day_text(sampled),
        "KQ_XNTL_VR": plan.dice.pick("111123"),
        "NGAY_KQ_XN_TLVR": day_text(sampled + 3),
    }


def _motherhood(plan: Plan) -> Row:
    row = {}
    if plan.person.sex == "2" and plan.age < 45 and plan.may(0.4):
        row = {"MA_TINH_TRANG_DK": "4", "NGAY_NHAN_TT_MANG_THAI": day_text(plan.day - 40)}
    if plan.may(0.2):  # the record of an exposed child travels under its own number
        sampled = plan.day - 20
        row |= {
            "MA_TINH_TRANG_DK": "1",
            "LAN_XN_PCR": "1",
            "NGAY_XN_PCR": day_text(sampled),
            "NGAY_KQ_XN_PCR": day_text(sampled + 7),
            "MA_KQ_XN_PCR": "0",
        }
    return row


def _tuberculosis(plan: Plan, summary: Row) -> Row:
    dice = plan.dice
    start = plan.day - dice.between(0, 120)
    has_hiv = plan.may(0.25)
    row = {
        **_copy(summary, "MA_BN HO_TEN SO_CCCD"),
        "PHANLOAI_LAO_VITRI": "1",
        "PHANLOAI_LAO_TS": dice.pick("11112"),
        "PHANLOAI_LAO_HIV": "1" if has_hiv else "2",
        "PHANLOAI_LAO_VK": "1",
        "PHANLOAI_LAO_KT": dice.pick("1114"),
        "LOAI_DTRI_LAO": "2",
        "NGAYBD_DTRI_LAO": day_text(start),
        "PHACDO_DTRI_LAO": dice.pick("12"),
        "KET_QUA_DTRI_LAO": "6",
        "MA_CSKCB": plan.facility.code,
    }
    if start + 180 <= plan.day + 90:
        row["NGAYKT_DTRI_LAO"] = day_text(start + 180)
    if has_hiv:
        row["NGAYKD_HIV"] = day_text(start - 30)
        row["BDDT_ARV"] = day_text(start + 15)
        row["NGAY_BAT_DAU_DT_CTX"] = day_text(start + 2)
    return row


def _assessment(plan: Plan, summary: Row) -> Row:
    dice, person = plan.dice, plan.person
    asked = plan.arrival - 20 * DAY
    row = {
        "NGUOI_CHU_TRI": plan.facility.head.name,
        "CHUC_VU": dice.pick("12"),
        "NGAY_HOP": day(plan.arrival),
        **_copy(summary, "HO_TEN DIA_CHI MATINH_CU_TRU MAHUYEN_CU_TRU MAXA_CU_TRU"),
        "NGAY_SINH": person.birth_text[:8],
        "SO_CCCD": person.personal_number,
        "NGAY_CAP_CCCD": "20211020",
        "NOI_CAP_CCCD": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
        "MA_BHXH": person.social_number,
        "NGHE_NGHIEP": "Công nhân" if person.employer else "Lao động tự do",
        "DIEN_THOAI": person.phone(plan.day),
        "MA_DOI_TUONG": dice.pick(("TNLĐ", "BNN", "NKT;TH")),
        "KHAM_GIAM_DINH": dice.pick("124"),
        "SO_BIEN_BAN": f"BB-SYN-{plan.number:08d}",
        "TYLE_TTCT_CU": "21",
        "DANG_HUONG_CHE_DO": dice.pick(("4", "3;4")),
        "NGAY_CHUNG_TU": day(plan.arrival),
        "SO_GIAY_GIOI_THIEU": f"GT-{plan.number:08d}",
        "NGAY_DE_NGHI": day(asked),
        "MA_DONVI": "SYN001",
        "GIOI_THIEU_CUA": person.employer or "Bảo hiểm xã hội (SYN)",
        "KET_QUA_KHAM": f"Hiện tại: {plan.diagnosis.name}",
        "SO_VAN_BAN_CAN_CU": "28/2013/TTLT-BYT-BLĐTBXH;56/2017/TT-BYT",
        "TYLE_TTCT_MOI": "31",
        "TONG_TYLE_TTCT": "45",
        "DANG_KHUYETTAT": dice.pick("136"),
        "MUC_DO_KHUYETTAT": dice.pick("124"),
        "DE_NGHI": "Hưởng chế độ theo quy định",
        "DUOC_XACDINH": "Không phụ thuộc hoàn toàn",
    }
    if "MA_THE_BHYT" in summary:
        row["MA_THE_BHYT"] = summary["MA_THE_BHYT"].split(";")[0]
    return row
