"""The flows; tests, home page, API and diagrams read this registry."""

from app.workflows.review import REVIEW

WORKFLOWS = {flow.name: flow for flow in (REVIEW,)}
