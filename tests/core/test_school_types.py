"""The school types of the founding document's annex 1, copied from it by hand (S96)."""

from app.core.reference import structure

ANNEX_1 = """
111 幼儿园
119 附设幼儿班
211 小学
218 小学教学点
219 附设小学班
221 职工小学
222 农民小学
228 小学班
229 扫盲班
311 初级中学
312 九年一贯制学校
319 附设普通初中班
321 职业初中
329 附设职业初中班
331 成人职工初中
332 成人农民初中
341 完全中学
342 高级中学
345 十二年一贯制学校
349 附设普通高中班
351 成人职工高中
352 成人农民高中
371 工读学校
361 调整后中等职业学校
362 中等技术学校
363 中等师范学校
364 成人中等专业学校
365 职业高中学校
368 附设中职班
369 其他中职机构
511 盲人学校
512 聋人学校
513 弱智学校
514 其他特教学校
519 附设特教班
411 大学
412 学院
413 独立学院
414 高等专科学校
415 高等职业学校
419 其他普通高教机构：分校、大专班
421 职工高校
422 农民高校
423 管理干部学院
424 教育学院
425 独立函授学院
426 广播电视大学
429 其他成人高教机构
"""


def test_the_school_types_are_the_48_of_annex_1() -> None:
    annex = dict(line.split(" ", 1) for line in ANNEX_1.strip().splitlines())
    shipped = {c: t.name_zh for c, t in structure().school_types.items() if c.isdigit()}

    assert len(annex) == 48
    assert shipped == annex


def test_two_kinds_of_institution_without_a_code_in_the_annex_have_own_ones() -> None:
    """Its text names training and extracurricular institutions, its table gives them no code."""
    own = {c: t.category for c, t in structure().school_types.items() if not c.isdigit()}

    assert own == {"X01": "training_institution", "X02": "extracurricular"}


def test_attached_classes_are_told_by_their_names() -> None:
    attached = {t.code for t in structure().school_types.values() if t.attached}

    assert attached == {t.code for t in structure().school_types.values() if "附设" in t.name_zh}
