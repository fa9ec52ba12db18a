"""The one table of registered views: groups and items of the menu, hidden pages, APIs."""

from typing import Any, NamedTuple

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l

from app.access.modules import Module
from app.views import health
from app.views.account import AccountView
from app.views.api.change import CHANGE_APIS
from app.views.api.confirmation import ConfirmationApi
from app.views.api.duplicate import DuplicateApi
from app.views.api.flow import ReviewApi
from app.views.api.hint import HintApi
from app.views.api.me import JobApi, MeApi
from app.views.api.openapi import OpenApi
from app.views.api.review_side import ClaimApi, OpinionApi
from app.views.api.rotation import ROTATION_APIS
from app.views.api.status_change import STATUS_CHANGE_APIS
from app.views.api.teacher import TeacherApi
from app.views.api.todo import TodoApi
from app.views.api.transfer import TRANSFER_APIS
from app.views.api.version import VersionApi
from app.views.assignment import AssignmentView
from app.views.attachment import AttachmentView
from app.views.audit import AuditView
from app.views.calendar import CalendarView
from app.views.change.process import AdditionView, ChangeView
from app.views.change.queue import ProcessListView
from app.views.charts import (
    DistrictChartView,
    ProgressChartView,
    StaffChartView,
    UnitChartView,
)
from app.views.choice import CodeChoiceView
from app.views.code import CodeView
from app.views.code_edit import CodeEditView
from app.views.correction import CorrectionView
from app.views.delegation import DelegationView
from app.views.digest import DigestView
from app.views.draft import DraftView
from app.views.duplicate import DuplicateView
from app.views.export_file import ExportView
from app.views.flow_actions import FLOW_VIEWS
from app.views.former import FormerView
from app.views.guest import GuestView
from app.views.guide import GuideView
from app.views.hint import HintView
from app.views.importing import ImportView
from app.views.indicator import IndicatorView
from app.views.indicator_edit import IndicatorEditView
from app.views.job import JobView
from app.views.monitor import MonitorView
from app.views.movement import MovementView
from app.views.movement_print import RotationPrintView, TransferPrintView
from app.views.my_file import MyFileView
from app.views.national_number import NationalNumberView
from app.views.notice import NoticeView
from app.views.parameter import ParameterView
from app.views.particulars import ParticularsView
from app.views.print import PrintView
from app.views.problem import ProblemView
from app.views.record import RECORD_VIEWS, RecordIndexView
from app.views.report_batch import ReportItemView, ReportView
from app.views.review.archive import ArchiveView
from app.views.review.opinions import OpinionView
from app.views.review.queue import ReviewView
from app.views.rotation import RotationFlowView, RotationView
from app.views.rotation_form import RotationFormView
from app.views.round import RoundView
from app.views.status_change import StatusChangeFlowView, StatusChangeView, StatusPageView
from app.views.teacher.file import FileView
from app.views.teacher.new_file import NewFileView
from app.views.teacher.rows import RowView
from app.views.teacher.teachers import TeacherView
from app.views.transfer.view import TransferView
from app.views.unit import UnitView


class Group(NamedTuple):
    """A caption of the side menu."""

    name: str
    label: Any
    icon: str


class Entry(NamedTuple):
    """A view with its menu item; `resource` says who sees it (access.roles)."""

    view: Any
    name: str
    label: Any
    group: str
    icon: str
    module: Module | None = None  # It is in the menu of schools that use it (S66).


GROUPS = (
    Group("files", _l("Files"), "id"),
    Group("collection", _l("Collection"), "calendar-event"),
    Group("movement", _l("Movement"), "arrows-exchange"),
    Group("analysis", _l("Analysis"), "chart-bar"),
    Group("units", _l("Units"), "building"),
    Group("system", _l("System"), "settings"),
    Group("help", _l("Help"), "help"),
)

MENU: tuple[Entry, ...] = (
    Entry(MyFileView, "my_file", _l("My file"), "files", "id-badge-2"),
    Entry(TeacherView, "teachers", _l("Teacher files"), "files", "id"),
    Entry(RecordIndexView, "records", _l("Records by set"), "files", "table"),
    Entry(ProblemView, "problems", _l("Open problems"), "files", "alert-triangle"),
    Entry(ImportView, "import", _l("Import"), "files", "file-import"),
    Entry(ExportView, "exports", _l("Export files"), "files", "file-export"),
    Entry(MovementView, "movements", _l("Movements"), "movement", "route"),
    Entry(RotationView, "rotations", _l("Rotations"), "movement", "arrows-exchange"),
    Entry(GuestView, "guests", _l("Guests on rotation"), "movement", "users"),
    Entry(ReviewView, "review", _l("Review"), "collection", "checklist"),
    Entry(ProcessListView, "processes", _l("Additions and changes"), "collection", "replace"),
    Entry(RoundView, "rounds", _l("Collection rounds"), "collection", "calendar-event"),
    Entry(CorrectionView, "corrections", _l("Correction tasks"), "collection", "alert-circle"),
    Entry(HintView, "hints", _l("Correction hints"), "collection", "message-2"),
    Entry(DuplicateView, "duplicates", _l("Possible duplicates"), "collection", "users"),
    Entry(DelegationView, "delegation", _l("Delegation"), "collection", "user-share"),
    Entry(ReportView, "reports", _l("Reports to the Ministry"), "collection", "building-bank"),
    Entry(NationalNumberView, "national_numbers", _l("National numbers"), "collection", "id"),
    Entry(MonitorView, "monitor", _l("Monitoring"), "collection", "gauge"),
    Entry(StatusChangeView, "status_changes", _l("Status changes"), "movement", "user-exclamation"),
    Entry(
        TransferView, "transfers", _l("Transfers"), "movement", "arrows-exchange", Module.TRANSFER
    ),
    Entry(FormerView, "former", _l("Former staff"), "movement", "user-minus"),
    Entry(ProgressChartView, "progress", _l("Review progress"), "analysis", "progress-check"),
    Entry(StaffChartView, "staff", _l("Staff"), "analysis", "chart-bar"),
    Entry(DistrictChartView, "districts", _l("Districts and schools"), "analysis", "map-2"),
    Entry(UnitChartView, "unit_charts", _l("Schools and institutions"), "analysis", "chart-pie"),
    Entry(UnitView, "unit_list", _l("Units"), "units", "building"),
    Entry(AccountView, "accounts", _l("Accounts"), "system", "users"),
    Entry(IndicatorView, "indicators", _l("Indicator dictionary"), "system", "book-2"),
    Entry(CodeView, "codes", _l("Code tables"), "system", "list-details"),
    Entry(ParameterView, "parameters", _l("Parameters"), "system", "adjustments"),
    Entry(CalendarView, "calendar", _l("Working calendar"), "system", "calendar-event"),
    Entry(JobView, "jobs", _l("Jobs"), "system", "loader"),
    Entry(AuditView, "audit", _l("Audit log"), "system", "history"),
    Entry(GuideView, "guide", _l("Guide to the flows"), "help", "route"),
)
HIDDEN: tuple[Any, ...] = (
    AdditionView,
    ChangeView,
    ArchiveView,
    OpinionView,
    ReportItemView,
    FileView,
    RowView,
    NewFileView,
    DraftView,
    DigestView,
    ParticularsView,
    IndicatorEditView,
    CodeEditView,
    NoticeView,
    AssignmentView,
    AttachmentView,
    CodeChoiceView,
    PrintView,
    TransferPrintView,
    RotationPrintView,
    StatusPageView,
    StatusChangeFlowView,
    *FLOW_VIEWS.values(),
    RotationFlowView,
    RotationFormView,
    *RECORD_VIEWS,
)
APIS: tuple[Any, ...] = (
    MeApi, TodoApi, JobApi, TeacherApi, ClaimApi, OpinionApi, OpenApi, ReviewApi,
    VersionApi, ConfirmationApi, HintApi, DuplicateApi, *CHANGE_APIS, *STATUS_CHANGE_APIS,
    *ROTATION_APIS, *TRANSFER_APIS,
)  # fmt: skip


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register every view once; called by create_app."""
    resources, groups = appbuilder.sm.menu_resources, appbuilder.sm.menu_groups
    labels = {group.name: group for group in GROUPS}
    for entry in MENU:
        group = labels[entry.group]
        appbuilder.add_view(
            entry.view,
            entry.name,
            label=entry.label,
            icon=entry.icon,
            category=entry.group,
            category_label=group.label,
            category_icon=group.icon,
        )
        resources[entry.name] = entry.view.class_permission_name
        groups.setdefault(entry.group, []).append(entry.name)
        if entry.module is not None:
            appbuilder.sm.menu_modules[entry.name] = entry.module
    for view in HIDDEN:
        appbuilder.add_view_no_menu(view)
    health.register(app)
    for api in APIS:
        appbuilder.add_api(api)
