"""Why a signature is refused."""

from collections.abc import Mapping
from typing import Final

from trucyte.base.problem import Kind, Problem
from trucyte.shared.identity.registers.standing import Why


class SignerRefused(Problem):
    """Who signs this {type} may not: the licence is not in force."""

    kind = Kind.FORBIDDEN
    code = "signer-refused"


class SignerRevoked(SignerRefused):
    """The licence of who signs this {type} is revoked; another practitioner must sign."""

    code = "signer-licence-revoked"


class SignerSuspended(SignerRefused):
    """The licence of who signs this {type} is suspended; another practitioner must sign."""

    code = "signer-licence-suspended"


class SignerReplaced(SignerRefused):
    """The licence of who signs this {type} was replaced; the new one is not recorded here."""

    code = "signer-licence-replaced"


class SignerExpired(SignerRefused):
    """The licence of who signs this {type} had expired then; have the register mended if not so."""

    code = "signer-licence-expired"


class SignerNotYet(SignerRefused):
    """The licence of who signs this {type} was not in force yet at that time."""

    code = "signer-licence-not-yet"


class SignerInactive(SignerRefused):
    """The register has who signs this {type} as no longer practising."""

    code = "signer-inactive"


class SignerUnknown(SignerRefused):
    """This node knows no licence of who signs this {type}, and takes none unknown."""

    code = "signer-unknown"


class SignerLostSince(SignerRefused):
    """Who signed this {type} has lost the licence since; send it as a file, not through the API."""

    code = "signer-licence-lost-since"


OF_REASON: Final[Mapping[Why, type[SignerRefused]]] = {
    Why.REVOKED: SignerRevoked,
    Why.SUSPENDED: SignerSuspended,
    Why.REPLACED: SignerReplaced,
    Why.EXPIRED: SignerExpired,
    Why.NOT_YET: SignerNotYet,
    Why.INACTIVE: SignerInactive,
    Why.NO_LICENCE: SignerUnknown,
    Why.UNKNOWN: SignerUnknown,
}
