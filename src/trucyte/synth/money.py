"""The money rules of the claims decisions, in whole numbers and exact.

Quantities and unit prices are thousandths, amounts are hundredths of a đồng, and every
division rounds half up, as the decisions print them. A line always keeps
THANH_TIEN_BV = T_BNTT + T_BNCCT + T_BHTT + T_NGUONKHAC.
"""

from dataclasses import dataclass, field

PARTS = ("NSNN", "VTNN", "VTTN", "CL")


def half_up(numerator: int, denominator: int) -> int:
    """Divide whole numbers, rounding half up; both must not be negative."""
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(slots=True)
class Line:
    """One XML2 or XML3 row's figures. `benefit` is MUC_HUONG in tenths of a per cent."""

    quantity: int  # thousandths
    price_bv: int  # thousandths of a đồng
    price_bh: int
    rate_service: int = 100  # TYLE_TT_DV
    rate_fund: int = 100  # TYLE_TT_BH; 0 out of scope
    benefit: int = 1000
    bv: int = 0  # hundredths from here on
    bh: int = 0
    patient_outside: int = 0  # T_BNTT
    patient_share: int = 0  # T_BNCCT
    fund: int = 0  # T_BHTT
    other: int = 0  # T_NGUONKHAC
    parts: dict[str, int] = field(default_factory=dict)

    def price(self) -> None:
        """Compute THANH_TIEN_BV and THANH_TIEN_BH."""
        self.bv = half_up(self.quantity * self.price_bv * self.rate_service, 1_000_000)
        self.bh = half_up(
            self.quantity * self.price_bh * self.rate_service * self.rate_fund, 100_000_000
        )

    def share(self) -> None:
        """Split the line with no other funding."""
        self.patient_outside = self.bv - self.bh
        self.fund = half_up(self.bh * self.benefit, 1000)
        self.patient_share = self.bh - self.fund

    def helped(self, amount: int, part: str) -> None:
        """Branch a: a donor helps this patient; what the patient pays goes down first."""
        self.other, self.parts = amount, {part: amount}
        left = amount
        taken = min(left, self.patient_outside)
        self.patient_outside -= taken
        left -= taken
        taken = min(left, self.patient_share)
        self.patient_share -= taken
        self.fund -= left - taken

    def endowed(self, amount: int, part: str) -> None:
        """Branch b: a donor helps the facility; the amount comes off before the split."""
        self.other, self.parts = amount, {part: amount}
        self.bh = half_up((self.bv - amount) * self.rate_fund, 100)
        self.patient_outside = self.bv - amount - self.bh
        self.fund = half_up(self.bh * self.benefit, 1000)
        self.patient_share = self.bh - self.fund

    def exempted(self, part: str) -> None:
        """Branch c: antiretroviral drugs; another source pays the co-payment."""
        self.other, self.parts = self.patient_share, {part: self.patient_share}
        self.patient_share = 0


@dataclass(slots=True)
class Totals:
    """The sums XML1 carries, in hundredths."""

    drugs: int = 0
    supplies: int = 0
    bv: int = 0
    bh: int = 0
    patient_outside: int = 0
    patient_share: int = 0
    fund: int = 0
    other: int = 0
    fund_by_service: int = 0

    def add(self, line: Line, *, is_drug: bool, is_supply: bool, by_service: bool) -> None:
        """Add one line."""
        self.drugs += line.bv if is_drug else 0
        self.supplies += line.bv if is_supply else 0
        self.bv += line.bv
        self.bh += line.bh
        self.patient_outside += line.patient_outside
        self.patient_share += line.patient_share
        self.fund += line.fund
        self.other += line.other
        self.fund_by_service += line.fund if by_service else 0


def amount(hundredths: int) -> str:
    """Write an amount with two decimals."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def thousandths(value: int) -> str:
    """Write a quantity or unit price with three decimals."""
    return f"{value // 1000}.{value % 1000:03d}"


def benefit_text(tenths: int) -> str:
    """Write MUC_HUONG: whole per cent, or one decimal where there is one."""
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)
