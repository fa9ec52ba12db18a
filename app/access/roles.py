"""The roles, and what each may open: the one table behind menu, pages and API."""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Role(StrEnum):
    """Role codes of an assignment (the table "Roles" of the product description)."""

    CITY_SYSTEM = "city_system"
    CITY_AUDIT = "city_audit"
    CITY_INFO = "city_info"
    CITY_ASSISTANT = "city_assistant"
    DISTRICT_SYSTEM = "district_system"
    DISTRICT_INFO = "district_info"
    SCHOOL_SYSTEM = "school_system"
    SCHOOL_INFO = "school_info"
    SCHOOL_HEAD = "school_head"
    TEACHER = "teacher"


ROLE_LABELS: dict[Role, Any] = {
    Role.CITY_SYSTEM: _l("City system administrator"),
    Role.CITY_AUDIT: _l("City audit administrator"),
    Role.CITY_INFO: _l("City information administrator"),
    Role.CITY_ASSISTANT: _l("City assistant"),
    Role.DISTRICT_SYSTEM: _l("District system administrator"),
    Role.DISTRICT_INFO: _l("District information administrator"),
    Role.SCHOOL_SYSTEM: _l("School system administrator"),
    Role.SCHOOL_INFO: _l("School information administrator"),
    Role.SCHOOL_HEAD: _l("School head"),
    Role.TEACHER: _l("Teacher"),
}

CITY = frozenset({Role.CITY_SYSTEM, Role.CITY_AUDIT, Role.CITY_INFO, Role.CITY_ASSISTANT})
DISTRICT = frozenset({Role.DISTRICT_SYSTEM, Role.DISTRICT_INFO})
SCHOOL = frozenset({Role.SCHOOL_SYSTEM, Role.SCHOOL_INFO, Role.SCHOOL_HEAD})
SYSTEM = frozenset({Role.CITY_SYSTEM, Role.DISTRICT_SYSTEM, Role.SCHOOL_SYSTEM})

# Who works with teachers' files at all; everybody else sees no row of them (SEC-07).
FILES = frozenset(
    {
        Role.CITY_INFO,
        Role.CITY_ASSISTANT,
        Role.DISTRICT_INFO,
        Role.SCHOOL_INFO,
        Role.SCHOOL_HEAD,
        Role.TEACHER,
    }
)
STAFF = FILES - {Role.TEACHER}
# Sets that not every reader of files may open: pay and sanctions are for those who decide.
RESTRICTED_SETS = {
    "treatment": FILES - {Role.CITY_ASSISTANT},
    "ethics": FILES - {Role.CITY_ASSISTANT},
}
# What the school of a guest reads while the rotation lasts, and who reads it there (s6.1).
GUEST_SETS = ("basic", "teaching", "contact")
HOSTS = frozenset({Role.SCHOOL_INFO, Role.SCHOOL_HEAD})
AUTHORITIES = frozenset({Role.CITY_INFO, Role.DISTRICT_INFO})
EVERYBODY = frozenset(Role)
NOBODY: frozenset[Role] = frozenset()

# resource -> (roles that read, roles that write). A page and its API share one resource.
# Writing a row is still subject to scope, field right and flow; this opens the door only.
PERMISSIONS: dict[str, tuple[frozenset[Role], frozenset[Role]]] = {
    "Home": (EVERYBODY, EVERYBODY),
    "Me": (EVERYBODY, EVERYBODY),
    "Notice": (EVERYBODY, EVERYBODY),
    "Guide": (EVERYBODY, NOBODY),
    "Digest": (EVERYBODY, EVERYBODY),
    "Job": (EVERYBODY, EVERYBODY),
    "MyFile": (frozenset({Role.TEACHER}), frozenset({Role.TEACHER})),
    "Teacher": (STAFF, frozenset({Role.SCHOOL_INFO})),
    "File": (FILES, frozenset({Role.SCHOOL_INFO, Role.TEACHER})),
    "Record": (STAFF, NOBODY),
    "Review": (FILES, FILES - {Role.CITY_ASSISTANT}),
    "Addition": (FILES, FILES - {Role.CITY_ASSISTANT}),
    "Change": (FILES, frozenset({Role.SCHOOL_INFO, *AUTHORITIES})),
    "Process": (FILES, STAFF - {Role.CITY_ASSISTANT}),
    "Movement": (STAFF, NOBODY),
    "StatusChange": (FILES, frozenset({Role.SCHOOL_INFO, *AUTHORITIES})),
    "Rotation": (FILES, frozenset({Role.SCHOOL_INFO, *AUTHORITIES})),
    "Guest": (HOSTS, NOBODY),
    "Transfer": (FILES, frozenset({Role.SCHOOL_INFO, Role.SCHOOL_HEAD, *AUTHORITIES})),
    "Snapshot": (HOSTS, NOBODY),
    "ReviewQueue": (STAFF, STAFF - {Role.CITY_ASSISTANT}),
    "Problem": (STAFF, NOBODY),
    "Opinion": (
        frozenset({Role.CITY_INFO, Role.CITY_ASSISTANT}),
        frozenset({Role.CITY_ASSISTANT}),
    ),
    "Delegation": (frozenset({Role.SCHOOL_HEAD}), frozenset({Role.SCHOOL_HEAD})),
    "Import": (frozenset({Role.SCHOOL_INFO}), frozenset({Role.SCHOOL_INFO})),
    "Export": (STAFF, STAFF),
    "Round": (STAFF, AUTHORITIES),
    "Correction": (STAFF, frozenset({Role.CITY_INFO})),
    "Duplicate": (frozenset({Role.CITY_INFO}), frozenset({Role.CITY_INFO})),
    "Hint": (frozenset({Role.SCHOOL_INFO}), frozenset({Role.SCHOOL_INFO})),
    "Report": (frozenset({Role.CITY_INFO, Role.DISTRICT_INFO}), frozenset({Role.CITY_INFO})),
    "NationalNumber": (frozenset({Role.CITY_INFO}), frozenset({Role.CITY_INFO})),
    "Chart": (STAFF, NOBODY),
    "Unit": (
        EVERYBODY - {Role.TEACHER, Role.CITY_AUDIT},
        frozenset({Role.CITY_SYSTEM, Role.DISTRICT_SYSTEM}),
    ),
    "Particulars": (frozenset({Role.SCHOOL_INFO}), frozenset({Role.SCHOOL_INFO})),
    "Account": (SYSTEM, NOBODY),
    "Indicator": (EVERYBODY - {Role.CITY_AUDIT}, frozenset({Role.CITY_INFO})),
    "Code": (EVERYBODY - {Role.CITY_AUDIT}, frozenset({Role.CITY_INFO})),
    "Parameter": (frozenset({Role.CITY_SYSTEM, Role.CITY_INFO}), frozenset({Role.CITY_SYSTEM})),
    "Calendar": (
        EVERYBODY - {Role.TEACHER, Role.CITY_AUDIT},
        frozenset({Role.CITY_SYSTEM, Role.CITY_INFO}),
    ),
    "Audit": (frozenset({Role.CITY_AUDIT}), NOBODY),
}

READ = "can_read"
WRITE = "can_write"


def may_open(role: str, resource: str, permission: str) -> bool:
    """Whether a role may use a resource; unknown resources and permissions are denied."""
    if resource not in PERMISSIONS:
        return False
    readers, writers = PERMISSIONS[resource]
    if permission == READ:
        return role in readers
    if permission == WRITE:
        return role in writers
    return False


def tier(role: str) -> str:
    """The tier of a role: city, district, school or teacher."""
    if role in CITY:
        return "city"
    if role in DISTRICT:
        return "district"
    return "school" if role in SCHOOL else "teacher"
