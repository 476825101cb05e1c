"""The time bank's books: hours that volunteers gave, and what they redeemed for them (F11).

Double entry: every transfer takes from one account what it gives to another, so a community's balances always add up
to zero. Nobody but the pot goes below zero. A transfer has a key; the same key again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from data.errors import AnlinError
from data.models import LedgerAccount, LedgerTransfer
from data.work import Work

GIVEN, REDEEMED, RETURNED, FORFEITED = "given", "redeemed", "returned", "forfeited"
"""Why minutes move: earned by helping, paid for a service, given back for one called off, left behind at an erasure."""
_POT = "pot"
_RESIDENT = "resident"


class HoursShort(AnlinError):
    """There are fewer hours in the account than are to be taken out (`facts`: `balance`, `minutes`)."""

    code = "hours_short"


class KeyReused(AnlinError):
    """A transfer with this key exists and moved something else."""

    code = "ledger_key_reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of somebody's statement."""

    at: datetime  # aware
    minutes: int  # above 0: came in; below: went out
    reason: str  # given | redeemed | returned | forfeited
    note: str | None  # in words
    about: str | None  # the case it belongs to


async def account_of(work: Work, resident_id: int) -> LedgerAccount:
    """A resident's account, opened when it is new."""
    return await _account(work, kind=_RESIDENT, resident_id=resident_id)


async def pot(work: Work) -> LedgerAccount:
    """The community's own account, which gives out and takes back."""
    return await _account(work, kind=_POT, resident_id=None)


async def balance(work: Work, resident_id: int) -> int:
    """Minutes a resident has; 0 without an account."""
    found = await work.session.scalar(
        select(LedgerAccount.balance).where(
            LedgerAccount.community_id == work.community.id, LedgerAccount.resident_id == resident_id
        )
    )
    return int(found or 0)


async def transfer(
    work: Work,
    *,
    key: str,
    source: LedgerAccount,
    target: LedgerAccount,
    minutes: int,
    reason: str,
    note: str | None = None,
    about: str | None = None,
) -> LedgerTransfer:
    """Move minutes between two accounts of this community, once for each key.

    Accounts are locked in the order of their ids, so transfers wait for each other and never for ever. Raises
    HoursShort when the source (not the pot) has too little, KeyReused when the key moved something else, ValueError
    for minutes below 1 or accounts of another community.
    """
    if minutes < 1 or source.id == target.id:
        raise ValueError("a transfer moves at least a minute between two accounts")
    if {source.community_id, target.community_id} != {work.community.id}:
        raise ValueError("hours stay in their community")
    locked = await _lock(work, source.id, target.id)
    done = await _done(work, key)
    if done is not None:
        if (done.source_id, done.target_id, done.minutes) != (source.id, target.id, minutes):
            raise KeyReused(f"{key} moved something else", key=key)
        return done
    giver, taker = locked[source.id], locked[target.id]
    if giver.kind != _POT and giver.balance < minutes:
        raise HoursShort(
            f"{giver.balance} minutes are there, {minutes} wanted", balance=giver.balance, minutes=minutes
        )
    giver.balance -= minutes
    taker.balance += minutes
    made = LedgerTransfer(
        community_id=work.community.id,
        key=key,
        source_id=giver.id,
        target_id=taker.id,
        minutes=minutes,
        reason=reason,
        note=note,
        about=about,
        actor=work.actor,
        at=work.now,
    )
    work.session.add(made)
    await work.session.flush()
    work.audit(f"hours.{reason}", f"transfer:{made.id}", minutes=minutes, about=about)
    await work.emit("ledger", f"transfer:{made.id}", reason=reason, about=about)
    return made


async def give(
    work: Work, resident_id: int, minutes: int, *, key: str, note: str | None, about: str | None
) -> LedgerTransfer:
    """Credit hours that somebody gave."""
    return await transfer(
        work,
        key=key,
        source=await pot(work),
        target=await account_of(work, resident_id),
        minutes=minutes,
        reason=GIVEN,
        note=note,
        about=about,
    )


async def redeem(
    work: Work, resident_id: int, minutes: int, *, key: str, note: str | None, about: str | None
) -> LedgerTransfer:
    """Pay with hours. Raises HoursShort; of two at once for the last ones only one gets them."""
    return await transfer(
        work,
        key=key,
        source=await account_of(work, resident_id),
        target=await pot(work),
        minutes=minutes,
        reason=REDEEMED,
        note=note,
        about=about,
    )


async def give_back(work: Work, about: str) -> Sequence[LedgerTransfer]:
    """Return what was redeemed for a case that is called off; nothing when nothing was, or it was returned before."""
    paid = await work.session.scalars(
        select(LedgerTransfer).where(
            LedgerTransfer.community_id == work.community.id,
            LedgerTransfer.about == about,
            LedgerTransfer.reason == REDEEMED,
        )
    )
    accounts = {one.id: one for one in await _accounts_of(work, about)}
    return [
        await transfer(
            work,
            key=f"returned:{one.key}",
            source=accounts[one.target_id],
            target=accounts[one.source_id],
            minutes=one.minutes,
            reason=RETURNED,
            note=one.note,
            about=about,
        )
        for one in paid.all()
    ]


async def forfeit(work: Work, resident_id: int) -> int:
    """What is left of somebody who is erased goes back to the pot; gives how many minutes."""
    left = await balance(work, resident_id)
    if left:
        account = await account_of(work, resident_id)
        last = (
            await work.session.scalar(  # of what is left: what comes in later is forfeited anew, at any time
                select(func.max(LedgerTransfer.id)).where(
                    or_(LedgerTransfer.source_id == account.id, LedgerTransfer.target_id == account.id)
                )
            )
        )
        await transfer(
            work,
            key=f"forfeited:resident:{resident_id}:{last}",
            source=account,
            target=await pot(work),
            minutes=left,
            reason=FORFEITED,
        )
    return left


async def statement(work: Work, resident_id: int, *, limit: int = 5) -> Sequence[Line]:
    """The last moves of a resident's hours, the newest first."""
    account = await work.session.scalar(
        select(LedgerAccount).where(
            LedgerAccount.community_id == work.community.id, LedgerAccount.resident_id == resident_id
        )
    )
    if account is None:
        return []
    found = await work.session.scalars(
        select(LedgerTransfer)
        .where(or_(LedgerTransfer.source_id == account.id, LedgerTransfer.target_id == account.id))
        .order_by(LedgerTransfer.at.desc(), LedgerTransfer.id.desc())
        .limit(limit)
    )
    return [
        Line(
            at=one.at,
            minutes=one.minutes if one.target_id == account.id else -one.minutes,
            reason=one.reason,
            note=one.note,
            about=one.about,
        )
        for one in found.all()
    ]


async def wrong(work: Work) -> Sequence[str]:
    """What does not add up in this community's books, in words for the log; empty when everything does."""
    accounts = (
        await work.session.scalars(
            select(LedgerAccount).where(LedgerAccount.community_id == work.community.id)
        )
    ).all()
    taken = await _sums(work, LedgerTransfer.source_id)
    given = await _sums(work, LedgerTransfer.target_id)
    found = [
        f"account {one.id} says {one.balance}, its transfers {given.get(one.id, 0) - taken.get(one.id, 0)}"
        for one in accounts
        if one.balance != given.get(one.id, 0) - taken.get(one.id, 0)
    ]
    total = sum(one.balance for one in accounts)
    if total:
        found.append(f"all balances together are {total}, not 0")
    return found


async def _sums(work: Work, column: InstrumentedAttribute[int]) -> dict[int, int]:
    """Account → minutes of all transfers on that side."""
    rows = await work.session.execute(
        select(column, func.sum(LedgerTransfer.minutes))
        .where(LedgerTransfer.community_id == work.community.id)
        .group_by(column)
    )
    return {account: int(minutes) for account, minutes in rows.all()}


async def _account(work: Work, *, kind: str, resident_id: int | None) -> LedgerAccount:
    await work.session.execute(
        insert(LedgerAccount)
        .values(community_id=work.community.id, kind=kind, resident_id=resident_id, balance=0)
        .on_conflict_do_nothing()
    )
    owner = (
        LedgerAccount.resident_id.is_(None)
        if resident_id is None
        else LedgerAccount.resident_id == resident_id
    )
    return (
        await work.session.scalars(
            select(LedgerAccount).where(
                LedgerAccount.community_id == work.community.id, LedgerAccount.kind == kind, owner
            )
        )
    ).one()


async def _accounts_of(work: Work, about: str) -> Sequence[LedgerAccount]:
    """The accounts that transfers about a case touch."""
    touched = select(LedgerTransfer.source_id).where(
        LedgerTransfer.community_id == work.community.id, LedgerTransfer.about == about
    )
    other = select(LedgerTransfer.target_id).where(
        LedgerTransfer.community_id == work.community.id, LedgerTransfer.about == about
    )
    return (
        await work.session.scalars(select(LedgerAccount).where(LedgerAccount.id.in_(touched.union(other))))
    ).all()


async def _lock(work: Work, *accounts: int) -> dict[int, LedgerAccount]:
    found = await work.session.scalars(
        select(LedgerAccount)
        .where(LedgerAccount.id.in_(accounts))
        .order_by(LedgerAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in found.all()}


async def _done(work: Work, key: str) -> LedgerTransfer | None:
    return await work.session.scalar(
        select(LedgerTransfer).where(
            LedgerTransfer.community_id == work.community.id, LedgerTransfer.key == key
        )
    )
