"""The flows; tests, home page, API and diagrams read this registry."""

from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.review import REVIEW
from app.workflows.transfer import TRANSFER

WORKFLOWS = {flow.name: flow for flow in (REVIEW, ADDITION, CHANGE, TRANSFER)}
