"""What can go wrong with accounts of people."""

from trucyte.base.problem import Kind, Problem


class StaffUnknown(Problem):
    """There is no such account of a person."""

    kind = Kind.NOT_FOUND
    code = "staff-unknown"


class StaffExists(Problem):
    """There is an account of that name already."""

    kind = Kind.CONFLICT
    code = "staff-exists"


class StaffUnreadable(Problem):
    """The account cannot be made like that: {field} is not of its form."""

    code = "staff-unreadable"


class StaffEnded(Problem):
    """This account has ended; make a new one."""

    kind = Kind.CONFLICT
    code = "staff-ended"


class FirstExists(Problem):
    """There is an administrator already; reset a lost password by `trucyte staff reset`."""

    kind = Kind.CONFLICT
    code = "staff-first-exists"


class LastAdministrator(Problem):
    """This is the last administrator; make another one first."""

    kind = Kind.CONFLICT
    code = "staff-last-administrator"


class OwnRights(Problem):
    """Nobody changes, reviews or ends what they may do themselves; ask another administrator."""

    kind = Kind.FORBIDDEN
    code = "staff-own-rights"


class AdministratorsOnly(Problem):
    """Only an administrator may do that."""

    kind = Kind.FORBIDDEN
    code = "staff-administrators-only"


class LinkRefused(Problem):
    """This link was used, has expired, or never was one; ask for a new one."""

    kind = Kind.NOT_FOUND
    code = "staff-link-refused"


class AccountDormant(Problem):
    """The account is disabled because it was not used for {days} days; ask an administrator."""

    kind = Kind.FORBIDDEN
    code = "staff-dormant"


class PasswordShort(Problem):
    """The password needs at least {least} characters."""

    kind = Kind.INVALID
    code = "password-short"


class PasswordLong(Problem):
    """The password may have at most {most} characters."""

    kind = Kind.INVALID
    code = "password-long"


class PasswordCommon(Problem):
    """This password is among the first that anyone would try; take several words of your own."""

    kind = Kind.INVALID
    code = "password-common"


class CodeRefused(Problem):
    """The code is wrong, or was used already."""

    kind = Kind.UNAUTHENTICATED
    code = "code-refused"


class PasskeyRefused(Problem):
    """The passkey did not prove who you are."""

    kind = Kind.UNAUTHENTICATED
    code = "passkey-refused"


class PasskeysAbsent(Problem):
    """This node was installed without passkeys (extra `login`)."""

    kind = Kind.UNSUPPORTED
    code = "passkeys-absent"


class LastFactor(Problem):
    """Without it the password needs {least} characters; choose a longer one first."""

    kind = Kind.CONFLICT
    code = "staff-last-factor"
