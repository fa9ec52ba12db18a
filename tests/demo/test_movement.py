"""What goes on in the demonstration beside the collection."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.access.roles import Role
from app.demo.movement import act_out
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.account import Account
from app.models.change import Addition, AdditionState, Change, ChangeState
from app.models.hint import CorrectionHint, HintState
from app.models.history import Transition
from app.models.rotation import Rotation, RotationState
from app.models.status_change import StatusChange, StatusState
from app.models.transfer import FileGrant, Transfer, TransferState
from app.services.storage import Storage
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.rotation import ROTATION
from app.workflows.status_change import STATUS_CHANGE
from app.workflows.transfer import TRANSFER
from tests.demo.conftest import City
from tests.demo.test_demo import faults_of_the_data

STATES: tuple[tuple[Any, Any], ...] = (
    (Addition, AdditionState),
    (Change, ChangeState),
    (CorrectionHint, HintState),
    (StatusChange, StatusState),
    (Rotation, RotationState),
    (Transfer, TransferState),
)
FLOWS = (ADDITION, CHANGE, STATUS_CHANGE, ROTATION, TRANSFER)


@pytest.mark.wide
def test_people_come_go_and_change_in_every_state_and_nobody_decides_their_own(city: City) -> None:
    with city(schools=75, teachers=1200, seed=2026) as (app, _loaded):
        session = db.session()
        assert act_out(session, catalog(session), Storage.of(app.config)) == []
        session.commit()
        with system():
            for model, states in STATES:
                assert set(session.scalars(select(model.state))) == set(states), model
            assert session.scalars(select(Rotation.id).where(Rotation.asked_end.is_not(None))).all()
            assert session.scalars(select(FileGrant.id)).all()
            assert faults_of_the_data(session) == []
            assert _own_decisions(session) == []


def _own_decisions(session: Any) -> list[tuple[str, int]]:
    """Where somebody decided what they prepared, or what is about their own file."""
    decisive = {(flow.name, step.name) for flow in FLOWS for step in flow.steps if step.decides}
    owners = dict(session.execute(select(Account.teacher_id, Account.id)).all())
    prepared: dict[tuple[str, int], set[int]] = {}
    wrong = []
    rows = session.scalars(
        select(Transition)
        .where(Transition.flow.in_([flow.name for flow in FLOWS]))
        .order_by(Transition.id)
    )
    for each in rows:
        place = each.flow, each.object_id
        own_work = each.account_id in prepared.setdefault(place, set())
        if (each.flow, each.step) not in decisive:
            prepared[place].add(each.account_id)
        elif each.account_id == owners.get(each.teacher_id, 0):
            wrong.append(place)
        elif own_work and each.role != Role.SCHOOL_INFO:
            wrong.append(place)  # A school puts into effect what it registered itself (5.2).
    return wrong
