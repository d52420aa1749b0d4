"""The words rules are made of: kinds of subjects, roles, permissions, purposes, doors.

What does not stand here is unknown, and what is unknown is denied.
"""

from types import MappingProxyType
from typing import Final, NamedTuple

KINDS: Final = ("staff", "system", "citizen", "node")


class Named(NamedTuple):
    """What people call it."""

    vi: str
    en: str


ROLES: Final = MappingProxyType(
    {
        "doctor": Named("bác sĩ", "doctor"),
        "nurse": Named("điều dưỡng", "nurse"),
        "pharmacist": Named("dược sĩ", "pharmacist"),
        "technician": Named(
            "kỹ thuật viên xét nghiệm, hình ảnh", "laboratory or imaging technician"
        ),
        "registrar": Named("nhân viên tiếp đón", "registrar"),
        "cashier": Named("thu ngân", "cashier"),
        "clerk": Named("nhân viên hồ sơ bệnh án", "medical records clerk"),
        "epidemiologist": Named("cán bộ dịch tễ", "epidemiologist"),
        "statistician": Named("cán bộ thống kê", "statistician"),
        "security_officer": Named("cán bộ an toàn thông tin", "security officer"),
        "auditor": Named("kiểm toán viên", "auditor"),
        "administrator": Named("quản trị hệ thống", "administrator"),
        "citizen": Named("người dân", "citizen"),
        "system": Named("hệ thống", "system"),
        "insurer": Named("doanh nghiệp bảo hiểm", "insurer"),
        "social_insurer": Named("bảo hiểm xã hội", "social insurance"),
        "researcher": Named("người nghiên cứu", "researcher"),
    }
)

# Named permissions stand among an account's roles; alone they give nothing.
PERMISSIONS: Final = MappingProxyType(
    {
        "hiv_care": Named("điều trị HIV", "HIV care"),
        "mental_care": Named("điều trị sức khỏe tâm thần", "mental health care"),
        "pregnancy_care": Named("chăm sóc đình chỉ thai", "care in termination of pregnancy"),
        "genetics_care": Named("tư vấn di truyền", "genetic care"),
        "tb_care": Named("điều trị lao", "tuberculosis care"),
        "restricted_care": Named("đọc hồ sơ hạn chế", "restricted records"),
        "state_secret": Named("tiếp cận bí mật nhà nước", "state secrets"),
    }
)

# v3 PurposeOfUse, those that rules of this node know.
PURPOSES: Final = MappingProxyType(
    {
        "TREAT": Named("điều trị", "treatment"),
        "ETREAT": Named("điều trị khẩn cấp", "emergency treatment"),
        "COC": Named("phối hợp, chuyển tuyến", "coordination of care"),
        "HOPERAT": Named("vận hành cơ sở", "operations"),
        "PATADMIN": Named("tiếp đón, hành chính", "patient administration"),
        "HPAYMT": Named("thanh toán", "payment"),
        "COVERAGE": Named("quyền lợi bảo hiểm", "coverage"),
        "PUBHLTH": Named("y tế công cộng", "public health"),
        "HOUTCOMS": Named("thống kê", "statistics"),
        "HRESCH": Named("nghiên cứu", "research"),
        "PATRQT": Named("người dân yêu cầu", "the person's request"),
        "HCOMPL": Named("kiểm tra, giám sát", "compliance"),
        "SYSADMIN": Named("quản trị hệ thống", "system administration"),
        "HMARKT": Named("quảng cáo", "marketing"),
    }
)

DOORS: Final = ("pages", "fhir", "api", "export", "exchange", "cli", "socket")

# What an account of a kind or a role asks for where nothing else is said.
DEFAULT_PURPOSES: Final = (
    ("citizen", "PATRQT"),
    ("doctor", "TREAT"),
    ("nurse", "TREAT"),
    ("pharmacist", "TREAT"),
    ("technician", "TREAT"),
    ("registrar", "PATADMIN"),
    ("clerk", "PATADMIN"),
    ("cashier", "HPAYMT"),
    ("epidemiologist", "PUBHLTH"),
    ("statistician", "HOUTCOMS"),
    ("auditor", "HCOMPL"),
    ("security_officer", "HCOMPL"),
    ("administrator", "SYSADMIN"),
    ("insurer", "COVERAGE"),
    ("social_insurer", "HPAYMT"),
    ("researcher", "HRESCH"),
    ("system", "HOPERAT"),
)


def default_purpose(kind: str, roles: frozenset[str]) -> str:
    """Return what a subject asks for where it does not say; "" where nothing fits."""
    told = roles | {kind}
    return next((purpose for name, purpose in DEFAULT_PURPOSES if name in told), "")
