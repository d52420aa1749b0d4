"""The rows of the table of pages that are about logging in, one's own account, and accounts."""

from collections.abc import Sequence

from trucyte.web.admission import ADMINISTRATION, OPEN, RIGHTS
from trucyte.web.handlers import account, login, staff
from trucyte.web.page import Page

STAFF_PAGES: Sequence[Page] = (
    Page("login", "GET", "/login", login.form, roles=OPEN),
    Page("login-enter", "POST", "/login", login.enter, roles=OPEN),
    Page("login-code", "GET", "/login/code", login.code_form, roles=OPEN),
    Page("login-code-enter", "POST", "/login/code", login.code, roles=OPEN),
    Page("login-passkey", "POST", "/login/passkey", login.passkey, roles=OPEN),
    Page("login-options", "POST", "/login/passkey/options", login.passkey_options, roles=OPEN),
    Page("login-link", "GET", "/login/link/{secret}", login.link_form, roles=OPEN),
    Page("login-link-use", "POST", "/login/link/{secret}", login.link, roles=OPEN),
    Page("logout", "POST", "/logout", login.leave, roles=OPEN),
    Page("lock", "GET", "/lock", login.lock_form, roles=OPEN),
    Page("lock-now", "POST", "/lock", login.lock, roles=OPEN),
    Page("unlock", "POST", "/unlock", login.unlock, roles=OPEN),
    Page("account", "GET", "/account", account.page),
    Page("account-password", "POST", "/account/password", account.password),
    Page("account-factor", "GET", "/account/factor", account.factor_form),
    Page("account-factor-begin", "POST", "/account/factor", account.factor_begin),
    Page("account-factor-confirm", "POST", "/account/factor/confirm", account.factor_confirm),
    Page("account-factor-end", "POST", "/account/factor/end", account.factor_end),
    Page("account-recovery", "POST", "/account/recovery", account.recovery),
    Page("account-options", "POST", "/account/passkeys/options", account.passkey_options),
    Page("account-passkey", "POST", "/account/passkeys", account.passkey_add),
    Page("passkey-remove", "POST", "/account/passkeys/{id}/remove", account.passkey_remove),
    Page("session-end", "POST", "/account/sessions/{id}/end", account.session_end),
    Page("staff", "GET", "/staff", staff.listing, roles=RIGHTS),
    Page("staff-add", "POST", "/staff", staff.add, roles=ADMINISTRATION),
    Page("staff-new", "GET", "/staff/new", staff.new_form, roles=ADMINISTRATION),
    Page("staff-review", "GET", "/staff/review", staff.review, roles=RIGHTS),
    Page("staff-one", "GET", "/staff/{name}", staff.one, roles=RIGHTS),
    Page("staff-rights", "POST", "/staff/{name}/rights", staff.rights, roles=ADMINISTRATION),
    Page("staff-reset", "POST", "/staff/{name}/reset", staff.reset, roles=ADMINISTRATION),
    Page("staff-wake", "POST", "/staff/{name}/wake", staff.wake, roles=ADMINISTRATION),
    Page("staff-end", "POST", "/staff/{name}/end", staff.end, roles=ADMINISTRATION),
    Page("staff-sign-off", "POST", "/staff/{name}/review", staff.sign_off, roles=ADMINISTRATION),
    Page(
        "staff-review-change",
        "POST",
        "/staff/{name}/review/change",
        staff.review_change,
        roles=ADMINISTRATION,
    ),
)
