"""The audit log: who did what to what, with which outcome (security.md s6)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Select, cast, insert, literal, select, text
from sqlalchemy.orm import Session, SessionTransaction

from app.core import clock
from app.core.logs import Context, context, redact, redact_all
from app.models.history import Audit

# The first half of a pair of advisory lock keys of PostgreSQL, "audi" in ASCII.
WRITER_LOCK = 0x61756469


class Act(NamedTuple):
    """A kind of act with its names; `is_technical` ones are about sign-in, not about data."""

    code: str
    name_zh: str
    name_en: str
    is_technical: bool = False


ACTS: dict[str, Act] = {
    act.code: act
    for act in (
        Act("sign_in", "登录", "Sign in", is_technical=True),
        Act("sign_in_failed", "登录失败", "Failed sign-in", is_technical=True),
        Act("sign_out", "退出", "Sign out", is_technical=True),
        Act("locked", "账号锁定", "Account locked", is_technical=True),
        Act("session_end", "会话终止", "Session ended", is_technical=True),
        Act("role_grant", "授予角色", "Role granted"),
        Act("role_revoke", "撤销角色", "Role revoked"),
        Act("account", "账号维护", "Account change"),
        Act("open_file", "查看档案", "File opened"),
        Act("reveal", "查看完整信息", "Value revealed"),
        Act("search_foreign", "查询外单位人员", "Search for a foreign person"),
        Act("create", "新增", "Create"),
        Act("change", "修改", "Change"),
        Act("delete", "删除", "Delete"),
        Act("transition", "流程操作", "Workflow step"),
        Act("claim", "认领审核", "Review claim"),
        Act("opinion", "审核意见", "Opinion"),
        Act("import", "导入", "Import"),
        Act("export", "导出", "Export"),
        Act("download", "下载", "Download"),
        Act("print", "打印", "Print"),
        Act("attachment", "附件", "Attachment"),
        Act("report", "上报", "Report"),
        Act("refused", "拒绝访问", "Refused"),
        Act("alert", "安全告警", "Alert"),
        Act("setting", "参数设置", "Setting"),
        Act("urge", "催办", "Urging"),
        Act("job", "后台任务", "Job"),
        Act("keys", "密钥轮换", "Key rotation"),
        Act("purge", "清理", "Purge"),
    )
}
OUTCOMES = ("done", "failed", "refused")


class UnknownAct(ValueError):
    """A programmer used a code that is not in ACTS or OUTCOMES."""


class Actor(Protocol):
    """What an audit row takes from the actor (access.actor.Actor)."""

    @property
    def account_id(self) -> Any: ...
    @property
    def assignment_id(self) -> Any: ...
    @property
    def role(self) -> Any: ...
    @property
    def unit_id(self) -> Any: ...


# A mapped object, or (type, id), or (type, id, teacher_id).
Object = Any


@contextmanager
def in_context(*, request_id: str | None, address: str | None = None) -> Iterator[None]:
    """Note request id and address for the audit rows and log lines written within."""
    token = context.set(Context(request_id, address))
    try:
        yield
    finally:
        context.reset(token)


def record(
    session: Session,
    act: str,
    *,
    actor: Actor | None,
    object: Object = None,
    outcome: str = "done",
    reason: str | None = None,
    teacher_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one audit row in the caller's transaction (SEC-43).

    `object` is a mapped object, (type, id) or (type, id, teacher id). `detail` holds values
    masked by the caller; numbers of persons in it are cut once more. Raise UnknownAct.
    """
    record_many(
        session,
        act,
        actor=actor,
        objects=[object],
        outcome=outcome,
        reason=reason,
        teacher_id=teacher_id,
        detail=detail,
    )


def record_many(
    session: Session,
    act: str,
    *,
    actor: Actor | None,
    objects: Sequence[Object],
    outcome: str = "done",
    reason: str | None = None,
    teacher_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one audit row per object, in one statement; as record() otherwise."""
    if not objects:
        return
    common = _common(session, act, actor=actor, outcome=outcome, reason=reason, detail=detail)
    rows = [common | _place(each, teacher_id) for each in objects]
    session.execute(insert(Audit), rows)


def record_rows(
    session: Session,
    act: str,
    *,
    actor: Actor | None,
    kind: str,
    rows: Select[Any],
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one audit row per row of a query, which gives ids and ids of teachers.

    The database copies them itself: a decision over hundreds of files costs one statement.
    """
    common = _common(session, act, actor=actor, reason=reason, detail=detail)
    found = rows.subquery()
    key, teacher_id = found.c
    columns = Audit.__table__.columns
    values: dict[str, Any] = {
        name: literal(value, columns[name].type) for name, value in common.items()
    }
    values |= {
        "object_type": literal(kind, columns["object_type"].type),
        "object_id": cast(key, columns["object_id"].type),
        "teacher_id": teacher_id,
    }
    copied = select(*values.values()).order_by(key)
    session.execute(insert(Audit).from_select(list(values), copied))


def _common(
    session: Session,
    act: str,
    *,
    actor: Actor | None,
    reason: str | None,
    detail: dict[str, Any] | None,
    outcome: str = "done",
) -> dict[str, Any]:
    """The columns that all rows of one act share; announces the writer to the sealer."""
    if act not in ACTS or outcome not in OUTCOMES:
        raise UnknownAct(f"{act} {outcome}")
    # Objects get their ids, and a write that fails leaves no row about it.
    session.flush()
    here = context.get()
    _announce_writer(session)
    session.info.setdefault("audited", _innermost(session))
    return {
        "at": clock.now(),
        "account_id": (actor.account_id or None) if actor else None,
        "assignment_id": (actor.assignment_id or None) if actor else None,
        "role": str(actor.role) if actor and actor.role else None,
        "unit_id": (actor.unit_id or None) if actor else None,
        "address": here.address,
        "act": act,
        "outcome": outcome,
        "request_id": here.request_id,
        "reason": redact(reason) if reason else None,
        "detail": redact_all(detail) if detail else None,
    }


def _place(each: Object, teacher_id: int | None) -> dict[str, Any]:
    if each is None:
        return {"object_type": None, "object_id": None, "teacher_id": teacher_id}
    if isinstance(each, tuple):
        kind, key, *rest = each
        teacher_id = teacher_id or (rest[0] if rest else None)
    else:
        kind, key = each.__tablename__, each.id
        own = each.id if kind == "teacher" else getattr(each, "teacher_id", None)
        teacher_id = teacher_id or own
    key = None if key is None else str(key)
    return {"object_type": str(kind), "object_id": key, "teacher_id": teacher_id}


def _innermost(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


def _announce_writer(session: Session) -> None:
    """Take the lock that audit_chain.seal_pending() explains, once per transaction or savepoint.

    A savepoint that is rolled back gives its lock away, hence a new one inside each.
    """
    if _is_sqlite(session) or (
        "audit_writer" in session.info and session.info["audit_writer"] is _innermost(session)
    ):
        return
    session.execute(_LOCK_AS_WRITER, {"lock": WRITER_LOCK})
    session.info["audit_writer"] = _innermost(session)


# A sequence that has never been asked shows 1, although 1 is still to come.
_LOCK_AS_WRITER = text(
    "SELECT pg_advisory_xact_lock_shared(:lock,"
    " ((CASE WHEN is_called THEN last_value ELSE last_value - 1 END) & 2147483647)::int)"
    " FROM audit_id_seq"
)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
