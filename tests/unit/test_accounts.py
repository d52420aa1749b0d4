"""Accounts of sending systems: what proves one, what slows one down, what ends one."""

from datetime import timedelta

import pytest

from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.shared.access.accounts import (
    FREE_TRIES,
    TOKEN_LIFE,
    AccountExists,
    Accounts,
    AccountUnknown,
    LoginRefused,
    LoginTooOften,
    TokenRefused,
    sent_form,
)


@pytest.fixture
def accounts(database: Database, clock: FixedClock) -> Accounts:
    return Accounts(database, clock)


def test_a_password_or_its_md5_opens_the_door_and_nothing_else_does(accounts: Accounts) -> None:
    password = accounts.add("his-mau", "00001")
    token = accounts.log_in("his-mau", sent_form(password), client="a")
    assert accounts.holder(token.text).facility == "00001"
    assert accounts.log_in("his-mau", sent_form(password).lower(), client="a").text != token.text
    for name, sent in (("his-mau", password), ("his-mau", ""), ("nobody", sent_form(password))):
        with pytest.raises(LoginRefused):
            accounts.log_in(name, sent, client="a")


def test_neither_password_nor_token_is_kept(accounts: Accounts, database: Database) -> None:
    password = accounts.add("his-mau")
    token = accounts.log_in("his-mau", sent_form(password), client="a")
    with database.connection() as connection:
        rows = connection.execute("select a::text, t::text from access.account a, access.token t")
        kept = str(rows.fetchall())
    assert password not in kept
    assert sent_form(password) not in kept
    assert token.text not in kept


def test_a_token_ends_with_its_hour_and_with_its_account(
    accounts: Accounts, clock: FixedClock
) -> None:
    password = accounts.add("his-mau")
    token = accounts.log_in("his-mau", sent_form(password), client="a")
    clock.advance(TOKEN_LIFE)
    with pytest.raises(TokenRefused):
        accounts.holder(token.text)
    token = accounts.log_in("his-mau", sent_form(password), client="a")
    accounts.end("his-mau")
    with pytest.raises(TokenRefused):
        accounts.holder(token.text)
    with pytest.raises(LoginRefused):
        accounts.log_in("his-mau", sent_form(password), client="a")


def test_wrong_passwords_slow_down_whoever_sends_them_and_nobody_else(
    accounts: Accounts, clock: FixedClock
) -> None:
    password = accounts.add("his-mau")
    for _ in range(FREE_TRIES + 1):
        with pytest.raises(LoginRefused):
            accounts.log_in("his-mau", "wrong", client="attacker")
    with pytest.raises(LoginTooOften):
        accounts.log_in("his-mau", sent_form(password), client="attacker")
    assert accounts.log_in("his-mau", sent_form(password), client="hospital")
    clock.advance(timedelta(seconds=3))
    assert accounts.log_in("his-mau", sent_form(password), client="attacker")


def test_an_account_is_made_once_and_ended_once(accounts: Accounts) -> None:
    accounts.add("his-mau", "00001")
    with pytest.raises(AccountExists):
        accounts.add("his-mau")
    accounts.end("his-mau")
    with pytest.raises(AccountUnknown):
        accounts.end("his-mau")
    assert [(a.name, a.ended_at is None) for a in accounts.list()] == [("his-mau", False)]
