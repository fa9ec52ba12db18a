"""The flows; tests, home page, API and diagrams read this registry."""

from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.review import REVIEW
from app.workflows.rotation import ROTATION
from app.workflows.status_change import STATUS_CHANGE
from app.workflows.transfer import TRANSFER

WORKFLOWS = {
    flow.name: flow for flow in (REVIEW, ADDITION, CHANGE, STATUS_CHANGE, ROTATION, TRANSFER)
}
