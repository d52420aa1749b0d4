"""The report of a matching model as one page: weights, thresholds, names, charts."""

from markupsafe import Markup, escape

from trucyte.shared.identity.matching.explaining import words_of
from trucyte.shared.identity.matching.model import Model, Weight
from trucyte.web.charts import Bar, bars

_TITLE = {"vi": "Mô hình đối chiếu", "en": "Matching model"}
_HEADS = {
    "vi": ("Mức", "m", "u", "Trọng số (bit)"),
    "en": ("Level", "m", "u", "Weight (bits)"),
}
_STYLE = (
    "body{font:16px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right}"
    "td:first-child,th:first-child{text-align:left}rect{fill:#2b6cb0}"
)


def report_page(model: Model, language: str) -> str:
    """Return a model's report as an HTML page in "vi" or "en"."""
    parts = [
        Markup('<!doctype html><html lang="{}"><meta charset="utf-8"><title>{}</title>').format(
            language, _TITLE[language]
        ),
        Markup("<style>{}</style><h1>{} {}</h1><p>{}</p>").format(
            Markup(_STYLE),  # noqa: S704 - a constant of ours
            _TITLE[language],
            model.version,
            model.trained_on,
        ),
        Markup("<p>prior {:.3g}; sure ≥ {}; unsure ≥ {}</p>").format(
            model.prior, model.thresholds.sure, model.thresholds.unsure
        ),
    ]
    for name, levels in model.weights.items():
        parts += _comparison(name, levels, language)
    return str(Markup("\n").join(parts))


def _comparison(name: str, levels: dict[str, Weight], language: str) -> list[Markup]:
    title = words_of("comparison", name, language)
    heads = Markup("").join(Markup("<th>{}</th>").format(head) for head in _HEADS[language])
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td>{:.4g}</td><td>{:.3g}</td><td>{:+.1f}</td></tr>").format(
            words_of("level", level, language), weight.m, weight.u, weight.bits
        )
        for level, weight in levels.items()
    )
    chart = bars(
        [
            Bar(level, max(0.0, weight.bits), f"{weight.bits:+.1f}")
            for level, weight in levels.items()
        ],
        f"{title}: bit",
    )
    return [
        Markup("<h2>{}</h2>").format(escape(title)),
        chart,
        Markup("<table><tr>{}</tr>{}</table>").format(heads, rows),
    ]
