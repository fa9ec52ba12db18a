"""The units of the demo: the city, its districts, and made-up schools of every type."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from math import floor
from random import Random

from app.access.roles import Role
from app.core.reference import District, SchoolType
from app.demo.names import in_english, person_name, place_names
from app.models.unit import UnitKind

CITY = "110000"
CATEGORIES = {
    "primary_secondary": "211",
    "kindergarten": "111",
    "vocational": "365",
    "special": "512",
    "higher": "411",
    "training_institution": "X01",
    "extracurricular": "X02",
}
# How often a type occurs beyond the first one of each, and how many people it has (1 is usual).
FREQUENT = {
    "111": (34, 0.6), "211": (26, 1.0), "311": (9, 1.0), "312": (8, 1.4), "341": (7, 1.9),
    "342": (4, 1.5), "345": (2, 2.2), "119": (2, 0.15), "218": (1, 0.1), "365": (2, 1.5),
    "361": (1, 1.3), "511": (0.3, 0.6), "513": (0.7, 0.6), "514": (0.3, 0.6), "412": (1, 5.0),
    "415": (1, 4.0), "411": (0.7, 9.0), "X01": (0.6, 0.8), "X02": (1.5, 0.5),
}  # fmt: skip
SMALL_CLASS, OTHER_SIZE, OTHER_HIGHER = 0.15, 0.8, 2.0
PER_DISTRICT = ("111", "211", "341", "X02")
SUFFIXES = {
    "111": "幼儿园", "119": "附设幼儿班", "211": "小学", "218": "教学点", "219": "附设小学班",
    "221": "职工小学", "222": "农民小学", "228": "小学班", "229": "扫盲班", "311": "初级中学",
    "312": "九年一贯制学校", "319": "附设初中班", "321": "职业初中", "329": "附设职业初中班",
    "331": "职工初中", "332": "农民初中", "341": "中学", "342": "高级中学",
    "345": "十二年一贯制学校", "349": "附设高中班", "351": "职工高中", "352": "农民高中",
    "371": "工读学校", "361": "中等职业学校", "362": "中等技术学校", "363": "师范学校",
    "364": "成人中等专业学校", "365": "职业高中", "368": "附设中职班", "369": "职业培训学校",
    "511": "盲人学校", "512": "聋人学校", "513": "培智学校", "514": "特殊教育学校",
    "519": "附设特教班", "411": "大学", "412": "学院", "413": "独立学院",
    "414": "高等专科学校", "415": "职业技术学院", "419": "大学分校", "421": "职工大学",
    "422": "农民大学", "423": "管理干部学院", "424": "教育学院", "425": "函授学院",
    "426": "开放大学", "429": "成人高等学校", "X01": "教师研修学院", "X02": "青少年活动中心",
}  # fmt: skip
PRIVATE_SHARE = {"kindergarten": 0.3, "primary_secondary": 0.05, "vocational": 0.08, "higher": 0.1}
CITY_RUN = ("365", "X02", "X01", "345")  # Direct units: one of each, where there is more than one.
# The six districts of the inner city; the others have towns and villages.
INNER = frozenset(("110101", "110102", "110105", "110106", "110107", "110108"))
URBAN_RURAL = {
    "inner": (("111", 95), ("112", 5)),
    "outer": (("111", 35), ("112", 20), ("121", 25), ("122", 8), ("210", 7), ("220", 5)),
}


@dataclass
class PlannedUnit:
    """A unit to be inserted; `id` and `authority` follow the order of the plan."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    district_code: str | None
    authority_id: int | None = None
    type_code: str | None = None
    category: str | None = None
    urban_rural: str | None = None
    sponsor_type: str | None = None
    parent_id: int | None = None
    weight: float = 0.0
    teachers: int = 0
    district_name: str = ""
    exists: bool = False
    head_sex: str = "1"
    people: dict[str, str] = field(default_factory=dict)
    deputy: str = ""

    @property
    def is_rural(self) -> bool:
        """Whether the rural subsidy is paid there."""
        return (self.urban_rural or "").startswith("2")

    @property
    def is_private(self) -> bool:
        """Whether nobody there is in the establishment."""
        return self.sponsor_type == "999"


@dataclass(frozen=True)
class Plan:
    """All units in the order of their ids."""

    authorities: Sequence[PlannedUnit]
    schools: Sequence[PlannedUnit]

    @property
    def city(self) -> PlannedUnit:
        """The city commission."""
        return self.authorities[0]

    def authority(self, school: PlannedUnit) -> PlannedUnit:
        """Who decides about a school's files."""
        return next(each for each in self.authorities if each.id == school.authority_id)


def plan_units(
    rng: Random,
    *,
    schools: int,
    teachers: int,
    districts: Mapping[str, District],
    types: Mapping[str, SchoolType],
    first_id: int = 1,
    existing: Mapping[str, int] | None = None,
) -> Plan:
    """Plan so many schools with so many teachers; deterministic for the state of `rng`.

    The first schools cover the seven categories and the districts, the next ones all types.
    `existing` are numbers of authorities that the database has already, by code.
    """
    authorities = _authorities(districts, first_id, existing or {})
    planned: list[PlannedUnit] = []
    places = place_names(rng)
    chosen = list(_types(rng, schools, types, len(authorities) - 1))
    wheel = cycle(authorities[1:])
    seen: dict[str, int] = {}
    for number, code in enumerate(chosen, start=1):
        seen[code] = seen.get(code, 0) + 1
        kind = types[code]
        at = next(wheel)
        city_run = kind.category == "higher" or (code in CITY_RUN and seen[code] == 2)
        unit = PlannedUnit(
            id=first_id + len(authorities) + number,
            code=_code(authorities[0] if city_run else at, number),
            name="",
            name_en="",
            kind=UnitKind.SCHOOL,
            district_code=at.district_code,
            district_name=at.district_name,
            authority_id=(authorities[0] if city_run else at).id,
            type_code=code,
            category=kind.category,
            urban_rural=_urban_rural(rng, str(at.district_code)),
            sponsor_type=_sponsor(rng, kind, city_run),
            weight=_weight(rng, kind),
        )
        _name(unit, kind, next(places), planned)
        planned.append(unit)
    _spread(planned, teachers)
    for unit in planned:
        unit.head_sex = rng.choice("12")
        unit.deputy = person_name(rng, "2")
        unit.people = {
            Role.SCHOOL_SYSTEM: person_name(rng, rng.choice("12")),
            Role.SCHOOL_INFO: person_name(rng, rng.choice("122")),
            Role.SCHOOL_HEAD: person_name(rng, unit.head_sex),
        }
    return Plan(authorities, planned)


def _authorities(
    districts: Mapping[str, District], first_id: int, existing: Mapping[str, int]
) -> list[PlannedUnit]:
    ordered = sorted(districts.values(), key=lambda each: each.sort)
    city_id = existing.get(CITY, first_id)
    return [
        PlannedUnit(
            id=existing.get(each.code, first_id + number),
            code=each.code,
            name=each.authority_zh,
            name_en=each.authority_en,
            kind=UnitKind.CITY if each.code == CITY else UnitKind.DISTRICT,
            district_code=each.code,
            district_name=each.name_zh,
            authority_id=None if each.code == CITY else city_id,
            exists=each.code in existing,
        )
        for number, each in enumerate(ordered)
    ]


def _types(
    rng: Random, wanted: int, types: Mapping[str, SchoolType], districts: int
) -> Iterator[str]:
    """The type of each school: first the categories, then the districts, then all types."""
    sure = list(CATEGORIES.values())
    sure += ["211"] * max(0, districts - len(sure))
    sure += [code for code in types if code not in sure]
    sure += [code for code in CITY_RUN if code != "X02"]
    sure += [code for code in PER_DISTRICT for _ in range(districts)]
    yield from sure[:wanted]
    codes = [code for code in FREQUENT if code in types]
    weights = [FREQUENT[code][0] for code in codes]
    yield from rng.choices(codes, weights=weights, k=max(0, wanted - len(sure)))


def _code(authority: PlannedUnit, number: int) -> str:
    """A code of ten characters that no real unit has: 99, its authority, a serial."""
    short = {"110000": "00", "X11101": "71", "X11102": "72"}
    return f"99{short.get(authority.code, authority.code[-2:])}{number:06d}"


def _urban_rural(rng: Random, district_code: str) -> str:
    shares = URBAN_RURAL["inner" if district_code in INNER else "outer"]
    return rng.choices([code for code, _ in shares], weights=[share for _, share in shares])[0]


def _sponsor(rng: Random, kind: SchoolType, city_run: bool) -> str:
    private = rng.random() < PRIVATE_SHARE.get(kind.category, 0)
    if private and not kind.attached:
        return "999"
    return "811" if city_run else "831"


def _weight(rng: Random, kind: SchoolType) -> float:
    if kind.attached:
        size = SMALL_CLASS
    elif kind.code in FREQUENT:
        size = FREQUENT[kind.code][1]
    else:
        size = OTHER_HIGHER if kind.category == "higher" else OTHER_SIZE
    return size * rng.uniform(0.6, 1.5)


def _name(unit: PlannedUnit, kind: SchoolType, place: str, before: Iterable[PlannedUnit]) -> None:
    """A name that no school bears; attached classes carry that of their main school."""
    suffix = SUFFIXES[kind.code]
    place_en = in_english(place)
    if kind.attached:
        main = _main_school(unit, before)
        if main is not None:
            unit.parent_id = main.id
            unit.name = main.name + suffix
            unit.name_en = f"{kind.name_en} of {main.name_en}"[:120]
            return
    area = "北京" if kind.category == "higher" else unit.district_name.removesuffix("地区")
    unit.name = f"{area}{place}{suffix}"
    unit.name_en = f"{place_en} {kind.name_en.partition(':')[0]}"[:120]


def _main_school(unit: PlannedUnit, before: Iterable[PlannedUnit]) -> PlannedUnit | None:
    """A school of the same authority to hang an attached class under; else any one."""
    fitting = [each for each in before if not each.parent_id and each.category != "higher"]
    own = [each for each in fitting if each.authority_id == unit.authority_id]
    found = next(iter(own or fitting), None)
    if found is not None and found.authority_id != unit.authority_id:
        unit.authority_id, unit.district_code = found.authority_id, found.district_code
        unit.district_name = found.district_name
    return found


def _spread(schools: Sequence[PlannedUnit], teachers: int) -> None:
    """Divide the teachers by weight; everybody gets one while there are enough."""
    base = 1 if teachers >= len(schools) else 0
    rest = teachers - base * len(schools)
    total = sum(each.weight for each in schools) or 1.0
    for each in schools:
        each.teachers = base + floor(rest * each.weight / total)
    left = teachers - sum(each.teachers for each in schools)
    for each in sorted(schools, key=lambda unit: -unit.weight)[:left]:
        each.teachers += 1
