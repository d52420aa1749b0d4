"""XML5: clinical notes with the vital signs in the CSST convention."""

from trucyte.intake.claims.tables import Row
from trucyte.synth.plan import Plan
from trucyte.synth.times import DAY, at, text

NOTED = frozenset(("02", "03", "04", "05", "06", "08", "09"))
_STATES = (
    "Bệnh nhân tỉnh, tiếp xúc tốt, da niêm mạc hồng",
    "Tỉnh, mệt, ăn uống kém, tim đều, phổi không rale",
    "Tỉnh, đỡ mệt, bụng mềm, không sốt",
    "Tỉnh, còn đau nhẹ, ăn được, tiểu tiện bình thường",
)


def note_rows(plan: Plan) -> list[Row]:
    """Return the XML5 rows: one on arrival, then one every other day of the stay."""
    if plan.care not in NOTED:
        return []
    first = plan.admitted or plan.arrival + 20
    last = plan.contact_end
    moments = [first]
    if plan.care in ("03", "06"):
        days = min(last // DAY - first // DAY, 6)
        moments += [at(first // DAY + step, 7 * 60 + 40) for step in range(1, days + 1, 2)]
    return [_note(plan, moment, moment == first) for moment in moments if moment <= last]


def _note(plan: Plan, moment: int, is_first: bool) -> Row:
    dice = plan.dice
    signs = (
        f"CSST<M{dice.between(62, 108)}_T{dice.between(364, 392) / 10:g}"
        f"_HA{dice.between(95, 165)}/{dice.between(55, 95)}"
    )
    if is_first:  # later notes carry what is measured every day
        signs += f"_NT{dice.between(15, 26)}_SP{dice.between(93, 99)}_HL{dice.between(1, 3)}"
    signs += ">"
    state = plan.diagnosis.complaint if is_first else dice.pick(_STATES)
    row = {
        "DIEN_BIEN_LS": f"{state}. {signs}",
        "THOI_DIEM_DBLS": text(moment),
        "NGUOI_THUC_HIEN": plan.doctor.licence,
    }
    if dice.happens(0.2):
        row["NGUOI_THUC_HIEN"] = f"{plan.doctor.licence};{plan.nurse.licence}"
    if plan.is_stay and dice.happens(0.25):
        row["GIAI_DOAN_BENH"] = dice.pick(("Giai đoạn toàn phát", "Giai đoạn lui bệnh"))
    if plan.is_stay and dice.happens(0.06):
        row["HOI_CHAN"] = "Hội chẩn khoa: thống nhất chẩn đoán và hướng điều trị hiện tại"
    if plan.care == "03" and is_first and plan.diagnosis.department in ("K19", "K24", "K27"):
        row["PHAU_THUAT"] = "Thực hiện thủ thuật, phẫu thuật theo quy trình, không tai biến"
    return row
