"""By which indicators an imported row finds its record in a multi-row set.

A row with the same values here is the same record: importing it again changes nothing, other
values of it are updated. A blank value counts as a value.
"""

from collections.abc import Mapping
from types import MappingProxyType

RECORD_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "learning": ("education", "start"),
        "work": ("org_name", "start"),
        "post": ("post_category", "start"),
        "title": ("title", "start"),
        "treatment": ("year",),
        "appraisal": ("year",),
        "ethics": ("assess_date", "honor_date", "punish_happen_date"),
        "qualification": ("cert_type", "subject"),
        "teaching": ("academic_year", "semester"),
        "ach_project": ("type", "name"),
        "ach_writing": ("type", "name"),
        "ach_paper": ("name", "publish_ym"),
        "ach_award": ("type", "name", "award_ym"),
        "ach_literary": ("type", "name"),
        "ach_patent": ("type", "name"),
        "ach_report": ("topic", "report_date"),
        "ach_medical": ("name", "cert_no"),
        "ach_standard": ("standard_no", "standard_name"),
        "ach_student": ("name", "award_ym"),
        "talent": ("project", "year", "project_other"),
        "backbone": ("type", "start"),
        "training": ("project_name", "start_date"),
        "overseas": ("has_overseas", "start_date"),
        "skill": ("language", "other_skill", "cert_type", "lang_cert", "cert_name"),
        "rotation": ("type", "start"),
    }
)
