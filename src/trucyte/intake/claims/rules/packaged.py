"""The rule files that travel inside the package."""

from importlib import resources

FILES = (
    *("gateway.toml", "copies.toml", "money.toml", "precheck.toml", "old.toml"),
    "licences.toml",
)


def packaged_rules() -> list[str]:
    """Return the texts of the rule files."""
    folder = resources.files(__package__).joinpath("data")
    return [folder.joinpath(name).read_text("utf-8") for name in FILES]
