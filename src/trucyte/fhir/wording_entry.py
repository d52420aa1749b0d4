"""One message in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """One message in both languages."""

    vi: str
    en: str

    def text(self, language: str) -> str:
        """Return the template in one language; Vietnamese unless English is asked for."""
        return self.en if language == "en" else self.vi
