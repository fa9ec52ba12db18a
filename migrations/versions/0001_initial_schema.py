"""initial schema"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "ab_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150), nullable=True),
        sa.Column("description", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime(), nullable=True),
        sa.Column("registration_hash", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "ab_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=True),
        sa.Column("object_id", sa.String(length=64), nullable=True),
        sa.Column("teacher_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_account_id", ["account_id", "at"], unique=False)
        batch_op.create_index("ix_audit_at", ["at"], unique=False)
        batch_op.create_index("ix_audit_object", ["object_type", "object_id"], unique=False)
        batch_op.create_index("ix_audit_teacher_id", ["teacher_id", "at"], unique=False)

    op.create_table(
        "audit_seal",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("first_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("hmac", sa.LargeBinary(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("first_id", name=op.f("uq_audit_seal_first_id")),
        sa.UniqueConstraint("last_id", name=op.f("uq_audit_seal_last_id")),
    )
    op.create_table(
        "key_fingerprint",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=16), nullable=False),
        sa.Column("since", app.models.base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_fingerprint")),
    )
    op.create_table(
        "check_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=5), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("set_code", sa.String(length=20), nullable=False),
        sa.Column("trigger", sa.String(length=10), nullable=False),
        sa.Column("fields", sa.String(length=300), nullable=False),
        sa.Column("message_zh", sa.String(length=200), nullable=False),
        sa.Column("message_en", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_rule")),
    )
    with op.batch_alter_table("check_rule", schema=None) as batch_op:
        batch_op.create_index("ix_check_rule_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_check_rule_current",
            ["code"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=160), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=80), nullable=False),
        sa.Column("parent", sa.String(length=30), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("verified", sa.String(length=60), nullable=False),
        sa.Column("attrs", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code")),
    )
    with op.batch_alter_table("code", schema=None) as batch_op:
        batch_op.create_index("ix_code_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_code_current",
            ["table_name", "code"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "indicator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_code", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("data_type", sa.String(length=12), nullable=False),
        sa.Column("max_length", sa.Integer(), nullable=True),
        sa.Column("code_table", sa.String(length=30), nullable=False),
        sa.Column("multi_value", sa.Boolean(), nullable=False),
        sa.Column("minimum", sa.String(length=20), nullable=False),
        sa.Column("maximum", sa.String(length=20), nullable=False),
        sa.Column("regex", sa.String(length=200), nullable=False),
        sa.Column("core", sa.Boolean(), nullable=False),
        sa.Column("pii_level", sa.String(length=10), nullable=False),
        sa.Column("beijing_extension", sa.Boolean(), nullable=False),
        sa.Column("derived_from", sa.String(length=20), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.Boolean(), nullable=False),
        sa.Column("default_value", sa.String(length=20), nullable=False),
        sa.Column("applicable_when", sa.String(length=60), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("help_zh", sa.String(length=300), nullable=False),
        sa.Column("help_en", sa.String(length=300), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
    )
    with op.batch_alter_table("indicator", schema=None) as batch_op:
        batch_op.create_index("ix_indicator_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_indicator_current",
            ["set_code", "code"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "indicator_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_code", sa.String(length=20), nullable=False),
        sa.Column("indicator", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("collected", sa.Boolean(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("filled_by", sa.String(length=10), nullable=False),
        sa.Column("reviewed_by", sa.String(length=24), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_rule")),
    )
    with op.batch_alter_table("indicator_rule", schema=None) as batch_op:
        batch_op.create_index("ix_indicator_rule_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_indicator_rule_current",
            ["set_code", "indicator", "category"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "indicator_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("multi_row", sa.Boolean(), nullable=False),
        sa.Column("entity", sa.String(length=10), nullable=False),
        sa.Column("group_zh", sa.String(length=30), nullable=False),
        sa.Column("core", sa.Boolean(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_set")),
    )
    with op.batch_alter_table("indicator_set", schema=None) as batch_op:
        batch_op.create_index("ix_indicator_set_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_indicator_set_current",
            ["code"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run_at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("lease", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column(
            "cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("created_at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("finished_at", app.models.base.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_job_finished_at_if_ended"),
        ),
        sa.CheckConstraint(
            "state <> 'running' OR (worker IS NOT NULL AND lease IS NOT NULL)",
            name=op.f("ck_job_lease_if_running"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_account_id", ["account_id", "name"], unique=False)
        batch_op.create_index("ix_job_state_run_at", ["state", "run_at"], unique=False)

    op.create_table(
        "number_sequence",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("next_value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_number_sequence")),
    )
    op.create_table(
        "parameter",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("default_value", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("section", sa.String(length=20), nullable=False),
        sa.Column("label_zh", sa.String(length=200), nullable=False),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('int','decimal','bool','text','codes','month','json','counter')",
            name=op.f("ck_parameter_known_kind"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_parameter")),
    )
    op.create_table(
        "region",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(length=6), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
    )
    with op.batch_alter_table("region", schema=None) as batch_op:
        batch_op.create_index("ix_region_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_region_current",
            ["code"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "school_type",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=3), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("origin", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_type")),
    )
    with op.batch_alter_table("school_type", schema=None) as batch_op:
        batch_op.create_index("ix_school_type_valid_to", ["valid_to"], unique=False)
        batch_op.create_index(
            "uq_school_type_current",
            ["code"],
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "transition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("flow", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=32), nullable=True),
        sa.Column("to_state", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("field_reasons", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("object_version", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("transition", schema=None) as batch_op:
        batch_op.create_index("ix_transition_object", ["flow", "object_id", "id"], unique=False)
        batch_op.create_index("ix_transition_teacher_id", ["teacher_id", "id"], unique=False)

    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("type_code", sa.String(length=3), nullable=True),
        sa.Column("category", sa.String(length=24), nullable=True),
        sa.Column("district_code", sa.String(length=10), nullable=True),
        sa.Column("urban_rural", sa.String(length=3), nullable=True),
        sa.Column("sponsor_type", sa.String(length=10), nullable=True),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("first_effective", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind <> 'school' OR authority_id IS NOT NULL",
            name=op.f("ck_unit_school_has_authority"),
        ),
        sa.CheckConstraint(
            "kind <> 'school' OR category IS NOT NULL", name=op.f("ck_unit_school_has_category")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_unit_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index("ix_unit_authority", ["authority_id", "category"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_district_code"), ["district_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_name"), ["name"], unique=False)

    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "role_id"),
    )
    with op.batch_alter_table("ab_group_role", schema=None) as batch_op:
        batch_op.create_index("idx_group_id", ["group_id"], unique=False)
        batch_op.create_index("idx_group_role_id", ["role_id"], unique=False)

    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["ab_permission.id"],
        ),
        sa.ForeignKeyConstraint(
            ["view_menu_id"],
            ["ab_view_menu.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_id", "view_menu_id"),
    )
    with op.batch_alter_table("ab_permission_view", schema=None) as batch_op:
        batch_op.create_index("idx_permission_id", ["permission_id"], unique=False)
        batch_op.create_index("idx_view_menu_id", ["view_menu_id"], unique=False)

    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("categories", sa.String(length=200), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("school_deadline", sa.Date(), nullable=False),
        sa.Column("authority_deadline", sa.Date(), nullable=False),
        sa.Column("city_deadline", sa.Date(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("closed_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "authority_deadline <= city_deadline", name=op.f("ck_round_authority_before_city")
        ),
        sa.CheckConstraint(
            "school_deadline <= authority_deadline", name=op.f("ck_round_school_before_authority")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_round_authority_id_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("name", name=op.f("uq_round_name")),
    )
    op.create_table(
        "teacher",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_no", sa.String(length=10), nullable=True),
        sa.Column("national_no", sa.String(length=20), nullable=True),
        sa.Column("edu_id", sa.String(length=50), nullable=True),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("staff_status", sa.String(length=6), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file_version", sa.Integer(), nullable=False),
        sa.Column("content_version", sa.Integer(), nullable=False),
        sa.Column("id_no", sa.LargeBinary(), nullable=True),
        sa.Column("id_no_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("id_no_index2", sa.LargeBinary(length=32), nullable=True),
        sa.Column("id_doc_type", sa.String(length=5), nullable=True),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("pinyin", sa.String(length=50), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=True),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("education", sa.String(length=5), nullable=True),
        sa.Column("degree_level", sa.String(length=1), nullable=True),
        sa.Column("title", sa.String(length=6), nullable=True),
        sa.Column("post_category", sa.String(length=1), nullable=True),
        sa.Column("staff_category", sa.String(length=5), nullable=True),
        sa.Column("in_establishment", sa.String(length=1), nullable=True),
        sa.Column("stage", sa.String(length=5), nullable=True),
        sa.Column("subject", sa.String(length=6), nullable=True),
        sa.Column("backbone", sa.String(length=2), nullable=True),
        sa.Column("complete_percent", sa.Integer(), nullable=False),
        sa.Column("error_count", sa.Integer(), nullable=False),
        sa.Column("warning_count", sa.Integer(), nullable=False),
        sa.Column("checked_content", sa.Integer(), nullable=True),
        sa.Column("checked_catalog", sa.Integer(), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("submitted_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("state_since", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("effective_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("decision_late", sa.Boolean(), nullable=False),
        sa.Column("nightly_count", sa.Integer(), nullable=False),
        sa.Column("return_notes", sa.JSON(), nullable=True),
        sa.Column("created_at", app.models.base.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state NOT IN ('effective','city_accepted','reported') OR teacher_no IS NOT NULL",
            name=op.f("ck_teacher_number_if_in_force"),
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_teacher_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["unit.id"], name=op.f("fk_teacher_school_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teacher")),
        sa.UniqueConstraint("edu_id", name=op.f("uq_teacher_edu_id")),
        sa.UniqueConstraint("national_no", name=op.f("uq_teacher_national_no")),
        sa.UniqueConstraint("teacher_no", name=op.f("uq_teacher_teacher_no")),
        sa.UniqueConstraint("uuid", name=op.f("uq_teacher_uuid")),
    )
    with op.batch_alter_table("teacher", schema=None) as batch_op:
        batch_op.create_index(
            "ix_teacher_authority_name", ["authority_id", "name", "id"], unique=False
        )
        batch_op.create_index("ix_teacher_authority_state", ["authority_id", "state"], unique=False)
        batch_op.create_index(
            "ix_teacher_authority_submitted", ["authority_id", "submitted_at"], unique=False
        )
        batch_op.create_index("ix_teacher_education", ["authority_id", "education"], unique=False)
        batch_op.create_index(
            "ix_teacher_figures",
            [
                "authority_id",
                "school_id",
                "sex",
                "birth_year",
                "education",
                "degree_level",
                "title",
                "post_category",
                "in_establishment",
                "stage",
                "subject",
                "backbone",
                "staff_category",
            ],
            unique=False,
            postgresql_where=sa.text(
                "active AND state IN ('effective','city_accepted','reported')"
            ),
            sqlite_where=sa.text("active AND state IN ('effective','city_accepted','reported')"),
        )
        batch_op.create_index(batch_op.f("ix_teacher_id_no_index"), ["id_no_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_teacher_id_no_index2"), ["id_no_index2"], unique=False)
        batch_op.create_index("ix_teacher_name", ["name", "id"], unique=False)
        batch_op.create_index("ix_teacher_pinyin", ["pinyin"], unique=False)
        batch_op.create_index(
            "ix_teacher_progress",
            ["authority_id", "school_id", "state"],
            unique=False,
            postgresql_where=sa.text("active"),
            sqlite_where=sa.text("active"),
        )
        batch_op.create_index("ix_teacher_school_name", ["school_id", "name", "id"], unique=False)
        batch_op.create_index("ix_teacher_school_state", ["school_id", "state"], unique=False)
        batch_op.create_index("ix_teacher_submitted", ["submitted_at"], unique=False)
        batch_op.create_index("ix_teacher_title", ["authority_id", "title"], unique=False)
        batch_op.create_index(
            "uq_teacher_id_no_active",
            ["id_no_index"],
            unique=True,
            postgresql_where=sa.text("active"),
            sqlite_where=sa.text("active"),
        )
        batch_op.create_index(
            "uq_teacher_id_no_active2",
            ["id_no_index2"],
            unique=True,
            postgresql_where=sa.text("active"),
            sqlite_where=sa.text("active"),
        )

    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_view_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["permission_view_id"], ["ab_permission_view.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_view_id", "role_id"),
    )
    with op.batch_alter_table("ab_permission_view_role", schema=None) as batch_op:
        batch_op.create_index("idx_permission_view_id", ["permission_view_id"], unique=False)
        batch_op.create_index("idx_role_id", ["role_id"], unique=False)

    op.create_table(
        "ab_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("login_count", sa.Integer(), nullable=True),
        sa.Column("fail_login_count", sa.Integer(), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("changed_on", sa.DateTime(), nullable=True),
        sa.Column("created_by_fk", sa.Integer(), nullable=True),
        sa.Column("changed_by_fk", sa.Integer(), nullable=True),
        sa.Column("teacher_id", sa.Integer(), nullable=True),
        sa.Column("phone_index", sa.String(length=64), nullable=True),
        sa.Column("is_demo", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("locked_until", app.models.base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by_fk"],
            ["ab_user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["created_by_fk"],
            ["ab_user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_ab_user_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("teacher_id", name=op.f("uq_ab_user_teacher_id")),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "affiliation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=6), nullable=False),
        sa.Column("from_month", sa.String(length=7), nullable=True),
        sa.Column("to_month", sa.String(length=7), nullable=True),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_affiliation_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_affiliation_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_affiliation_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliation")),
    )
    with op.batch_alter_table("affiliation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_affiliation_authority", ["authority_id", "valid_from", "valid_to"], unique=False
        )
        batch_op.create_index(
            "ix_affiliation_school", ["school_id", "valid_from", "valid_to"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_affiliation_teacher_id"), ["teacher_id"], unique=False)
        batch_op.create_index(
            "uq_affiliation_personnel",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text(
                "kind = 'personnel' AND valid_from IS NOT NULL AND valid_to IS NULL"
            ),
            sqlite_where=sa.text(
                "kind = 'personnel' AND valid_from IS NOT NULL AND valid_to IS NULL"
            ),
        )

    op.create_table(
        "file_snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_file_snapshot_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_file_snapshot_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_file_snapshot_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_snapshot")),
        sa.UniqueConstraint("teacher_id", name=op.f("uq_file_snapshot_teacher_id")),
    )
    op.create_table(
        "file_version",
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_file_version_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_file_version_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_file_version_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_version")),
        sa.UniqueConstraint("teacher_id", "number", name=op.f("uq_file_version_teacher_id_number")),
    )
    op.create_table(
        "name_gram",
        sa.Column("gram", sa.String(length=8), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teacher.id"],
            name=op.f("fk_name_gram_teacher_id_teacher"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("gram", "teacher_id", name=op.f("pk_name_gram")),
    )
    with op.batch_alter_table("name_gram", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_name_gram_teacher_id"), ["teacher_id"], unique=False)

    op.create_table(
        "open_process",
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_open_process_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("teacher_id", name=op.f("pk_open_process")),
    )
    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256), nullable=True),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lookup_hash"),
        sa.UniqueConstraint("uuid"),
    )
    with op.batch_alter_table("ab_api_key", schema=None) as batch_op:
        batch_op.create_index("idx_api_key_lookup_hash", ["lookup_hash"], unique=True)
        batch_op.create_index("idx_api_key_prefix", ["key_prefix"], unique=False)
        batch_op.create_index("idx_api_key_user_id", ["user_id"], unique=False)

    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "group_id"),
    )
    with op.batch_alter_table("ab_user_group", schema=None) as batch_op:
        batch_op.create_index("idx_user_group_id", ["group_id"], unique=False)
        batch_op.create_index("idx_user_id", ["user_id"], unique=False)

    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "role_id"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.Integer(), nullable=True),
        sa.Column("delegated_from", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_assignment_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["delegated_from"],
            ["assignment.id"],
            name=op.f("fk_assignment_delegated_from_assignment"),
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["ab_user.id"], name=op.f("fk_assignment_granted_by_ab_user")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_assignment_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_account_id"), ["account_id"], unique=False)
        batch_op.create_index("ix_assignment_unit_role", ["unit_id", "role"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("set", sa.String(length=20), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("record_uuid", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("mime", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("stored_name", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_attachment_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_attachment_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_attachment_teacher_id_teacher")
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["ab_user.id"], name=op.f("fk_attachment_uploaded_by_ab_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("uuid", name=op.f("uq_attachment_uuid")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attachment_record", ["teacher_id", "set", "record_uuid"], unique=False
        )

    op.create_table(
        "contributor",
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_contributor_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teacher.id"],
            name=op.f("fk_contributor_teacher_id_teacher"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("teacher_id", "account_id", name=op.f("pk_contributor")),
    )
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.Column("closed_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("close_reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (close_reason IS NULL)",
            name=op.f("ck_correction_reason_if_closed"),
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_correction_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["ab_user.id"], name=op.f("fk_correction_closed_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["ab_user.id"], name=op.f("fk_correction_opened_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_correction_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_correction_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.create_index(
            "ix_correction_open",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "export_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("expires_at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("stored_name", sa.String(length=64), nullable=True),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sensitive", sa.Integer(), nullable=False),
        sa.Column("approval", sa.String(length=10), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("downloaded_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("request", sa.JSON(), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_export_file_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["ab_user.id"], name=op.f("fk_export_file_approved_by_ab_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_file")),
        sa.UniqueConstraint("uuid", name=op.f("uq_export_file_uuid")),
    )
    with op.batch_alter_table("export_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_export_file_account_id"), ["account_id"], unique=False)

    op.create_table(
        "file_problem",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=5), nullable=False),
        sa.Column("severity", sa.String(length=7), nullable=False),
        sa.Column("set", sa.String(length=20), nullable=True),
        sa.Column("field", sa.String(length=40), nullable=True),
        sa.Column("record", sa.String(length=32), nullable=True),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("message_en", sa.String(length=500), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("nightly", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_by", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", app.models.base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"],
            ["ab_user.id"],
            name=op.f("fk_file_problem_acknowledged_by_ab_user"),
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_file_problem_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_file_problem_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teacher.id"],
            name=op.f("fk_file_problem_teacher_id_teacher"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_problem")),
    )
    with op.batch_alter_table("file_problem", schema=None) as batch_op:
        batch_op.create_index(
            "ix_file_problem_authority", ["authority_id", "severity"], unique=False
        )
        batch_op.create_index("ix_file_problem_school", ["school_id", "severity"], unique=False)
        batch_op.create_index("ix_file_problem_teacher", ["teacher_id"], unique=False)

    op.create_table(
        "form_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=120), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_form_draft_account_id_ab_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_draft")),
        sa.UniqueConstraint(
            "account_id", "form_key", name=op.f("uq_form_draft_account_id_form_key")
        ),
    )
    with op.batch_alter_table("form_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_form_draft_account_id"), ["account_id"], unique=False)

    op.create_table(
        "import_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("stored_name", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("take", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_import_batch_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_import_batch_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_import_batch_school_id_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sa.UniqueConstraint("uuid", name=op.f("uq_import_batch_uuid")),
    )
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.create_index("ix_import_batch_school", ["school_id", "at"], unique=False)

    op.create_table(
        "none_answer",
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("set", sa.String(length=20), nullable=False),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["ab_user.id"], name=op.f("fk_none_answer_answered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teacher.id"],
            name=op.f("fk_none_answer_teacher_id_teacher"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("teacher_id", "set", name=op.f("pk_none_answer")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("read_at", app.models.base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_notice_account_id_ab_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_account", ["account_id", "read_at", "at"], unique=False)

    op.create_table(
        "rec_ach_award",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=1), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("award_ym", sa.String(length=7), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("level", sa.String(length=2), nullable=True),
        sa.Column("grade", sa.String(length=1), nullable=True),
        sa.Column("grade_other", sa.String(length=50), nullable=True),
        sa.Column("rank", sa.String(length=1), nullable=True),
        sa.Column("country", sa.String(length=3), nullable=True),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_award_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_award_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_award_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_award_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_award")),
    )
    with op.batch_alter_table("rec_ach_award", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_award_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_award_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_award_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_award_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_award_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_award_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_literary",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=2), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=1), nullable=True),
        sa.Column("finish_date", sa.Date(), nullable=True),
        sa.Column("finish_place", sa.String(length=100), nullable=True),
        sa.Column("work_desc", sa.String(length=500), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_literary_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_literary_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_literary_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_literary_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_literary")),
    )
    with op.batch_alter_table("rec_ach_literary", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_literary_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_literary_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_literary_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_literary_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_literary_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_literary_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_medical",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("cert_no", sa.String(length=50), nullable=True),
        sa.Column("role", sa.String(length=1), nullable=True),
        sa.Column("approve_date", sa.Date(), nullable=True),
        sa.Column("valid_period", sa.String(length=50), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_medical_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_medical_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_medical_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_medical_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_medical")),
    )
    with op.batch_alter_table("rec_ach_medical", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_medical_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_medical_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_medical_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_medical_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_medical_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_medical_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("journal", sa.String(length=100), nullable=True),
        sa.Column("publish_ym", sa.String(length=7), nullable=True),
        sa.Column("volume", sa.String(length=20), nullable=True),
        sa.Column("issue", sa.String(length=20), nullable=True),
        sa.Column("start_page", sa.Integer(), nullable=True),
        sa.Column("end_page", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=2), nullable=True),
        sa.Column("area", sa.String(length=100), nullable=True),
        sa.Column("indexed", sa.String(length=1), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_paper_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_paper_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_paper_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_paper_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_paper")),
    )
    with op.batch_alter_table("rec_ach_paper", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_paper_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_paper_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_paper_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_paper_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_paper_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_paper_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_patent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=5), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("area", sa.String(length=100), nullable=True),
        sa.Column("approve_date", sa.Date(), nullable=True),
        sa.Column("role", sa.String(length=1), nullable=True),
        sa.Column("number", sa.String(length=50), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_patent_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_patent_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_patent_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_patent_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_patent")),
    )
    with op.batch_alter_table("rec_ach_patent", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_patent_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_patent_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_patent_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_patent_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_patent_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_patent_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=1), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("approve_no", sa.String(length=50), nullable=True),
        sa.Column("area", sa.String(length=100), nullable=True),
        sa.Column("funding", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("role", sa.String(length=3), nullable=True),
        sa.Column("rank", sa.String(length=1), nullable=True),
        sa.Column("delegate_org", sa.String(length=100), nullable=True),
        sa.Column("source", sa.String(length=2), nullable=True),
        sa.Column("level", sa.String(length=2), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_project_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_project_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_project_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_project_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_project")),
    )
    with op.batch_alter_table("rec_ach_project", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_project_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_project_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_project_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_project_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_project_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_project_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("role", sa.String(length=1), nullable=True),
        sa.Column("report_date", sa.Date(), nullable=True),
        sa.Column("client", sa.String(length=100), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_report_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_report_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_report_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_report_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_report")),
    )
    with op.batch_alter_table("rec_ach_report", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_report_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_report_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_report_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_report_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_report_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_report_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_standard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("standard_no", sa.String(length=50), nullable=True),
        sa.Column("standard_name", sa.String(length=200), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("role", sa.String(length=1), nullable=True),
        sa.Column("publish_date", sa.Date(), nullable=True),
        sa.Column("publish_org", sa.String(length=100), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_standard_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_standard_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_standard_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_standard_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_standard")),
    )
    with op.batch_alter_table("rec_ach_standard", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_standard_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_standard_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_standard_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_standard_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_standard_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_standard_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_student",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("role", sa.String(length=1), nullable=True),
        sa.Column("grade", sa.String(length=50), nullable=True),
        sa.Column("level", sa.String(length=2), nullable=True),
        sa.Column("award_ym", sa.String(length=7), nullable=True),
        sa.Column("work_desc", sa.String(length=500), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_student_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_student_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_student_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_student_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_student")),
    )
    with op.batch_alter_table("rec_ach_student", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_student_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_student_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_student_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_student_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_student_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_student_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ach_writing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=2), nullable=True),
        sa.Column("is_representative", sa.Boolean(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("area", sa.String(length=100), nullable=True),
        sa.Column("publish_date", sa.Date(), nullable=True),
        sa.Column("publisher", sa.String(length=100), nullable=True),
        sa.Column("isbn", sa.String(length=30), nullable=True),
        sa.Column("role", sa.String(length=3), nullable=True),
        sa.Column("words", sa.Integer(), nullable=True),
        sa.Column("own_words", sa.Integer(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ach_writing_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ach_writing_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ach_writing_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ach_writing_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ach_writing")),
    )
    with op.batch_alter_table("rec_ach_writing", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ach_writing_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_writing_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_writing_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ach_writing_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_ach_writing_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ach_writing_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_appraisal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(length=1), nullable=True),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_appraisal_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_appraisal_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_appraisal_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_appraisal_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_appraisal")),
    )
    with op.batch_alter_table("rec_appraisal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_appraisal_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_appraisal_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_appraisal_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_appraisal_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_appraisal_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_appraisal_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_backbone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=2), nullable=True),
        sa.Column("level", sa.String(length=1), nullable=True),
        sa.Column("subject", sa.String(length=6), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("doc_no", sa.String(length=50), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_backbone_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_backbone_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_backbone_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_backbone_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_backbone")),
    )
    with op.batch_alter_table("rec_backbone", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_backbone_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_backbone_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_backbone_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_backbone_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_backbone_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_backbone_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_basic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=True),
        sa.Column("former_name", sa.String(length=50), nullable=True),
        sa.Column("sex", sa.String(length=1), nullable=True),
        sa.Column("staff_no", sa.String(length=20), nullable=True),
        sa.Column("nationality", sa.String(length=3), nullable=True),
        sa.Column("id_doc_type", sa.String(length=5), nullable=True),
        sa.Column("id_no", sa.LargeBinary(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("native_place", sa.String(length=6), nullable=True),
        sa.Column("birth_place", sa.String(length=6), nullable=True),
        sa.Column("ethnic", sa.String(length=2), nullable=True),
        sa.Column("political_status", sa.String(length=200), nullable=True),
        sa.Column("party_date", sa.String(length=7), nullable=True),
        sa.Column("marital", sa.String(length=2), nullable=True),
        sa.Column("health", sa.String(length=1), nullable=True),
        sa.Column("overseas_chinese", sa.String(length=2), nullable=True),
        sa.Column("highest_education", sa.String(length=5), nullable=True),
        sa.Column("highest_education_org", sa.String(length=100), nullable=True),
        sa.Column("highest_degree_level", sa.String(length=1), nullable=True),
        sa.Column("highest_degree", sa.String(length=6), nullable=True),
        sa.Column("highest_degree_org", sa.String(length=100), nullable=True),
        sa.Column("work_start", sa.String(length=7), nullable=True),
        sa.Column("join_school", sa.String(length=7), nullable=True),
        sa.Column("staff_source", sa.String(length=5), nullable=True),
        sa.Column("staff_category", sa.String(length=5), nullable=True),
        sa.Column("in_establishment", sa.String(length=1), nullable=True),
        sa.Column("employ_form", sa.String(length=1), nullable=True),
        sa.Column("contract_type", sa.String(length=1), nullable=True),
        sa.Column("contract_start", sa.Date(), nullable=True),
        sa.Column("contract_end", sa.Date(), nullable=True),
        sa.Column("current_post_category", sa.String(length=1), nullable=True),
        sa.Column("current_post_grade", sa.String(length=3), nullable=True),
        sa.Column("current_title", sa.String(length=6), nullable=True),
        sa.Column("is_normal_grad", sa.Boolean(), nullable=True),
        sa.Column("special_trained", sa.Boolean(), nullable=True),
        sa.Column("special_cert", sa.Boolean(), nullable=True),
        sa.Column("special_start", sa.String(length=7), nullable=True),
        sa.Column("it_ability", sa.String(length=1), nullable=True),
        sa.Column("free_normal", sa.String(length=1), nullable=True),
        sa.Column("basic_service", sa.String(length=2), nullable=True),
        sa.Column("basic_service_start", sa.String(length=7), nullable=True),
        sa.Column("basic_service_end", sa.String(length=7), nullable=True),
        sa.Column("is_special_grade", sa.Boolean(), nullable=True),
        sa.Column("is_county_backbone", sa.Boolean(), nullable=True),
        sa.Column("psych_teacher", sa.String(length=1), nullable=True),
        sa.Column("is_dual_teacher", sa.Boolean(), nullable=True),
        sa.Column("has_skill_cert", sa.Boolean(), nullable=True),
        sa.Column("enterprise_practice", sa.String(length=1), nullable=True),
        sa.Column("is_preschool_grad", sa.Boolean(), nullable=True),
        sa.Column("preschool_trained", sa.Boolean(), nullable=True),
        sa.Column("academic_kinship", sa.String(length=1), nullable=True),
        sa.Column("sub_unit", sa.String(length=100), nullable=True),
        sa.Column("photo", sa.String(length=200), nullable=True),
        sa.Column("id_no_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("id_no_index2", sa.LargeBinary(length=32), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_basic_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_basic_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_basic_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_basic_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_basic")),
    )
    with op.batch_alter_table("rec_basic", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_basic_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_basic_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index("ix_rec_basic_id_no", ["id_no_index"], unique=False)
        batch_op.create_index("ix_rec_basic_id_no2", ["id_no_index2"], unique=False)
        batch_op.create_index(
            "ix_rec_basic_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_basic_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_basic_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_basic_one",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_basic_one_draft",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_basic_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_bj_ext",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ce_no", sa.String(length=30), nullable=True),
        sa.Column("backbone_highest", sa.String(length=2), nullable=True),
        sa.Column("work_district", sa.String(length=10), nullable=True),
        sa.Column("work_urban_rural", sa.String(length=3), nullable=True),
        sa.Column("teach_years", sa.Integer(), nullable=True),
        sa.Column("head_teacher_years", sa.Integer(), nullable=True),
        sa.Column("beijing_join", sa.String(length=7), nullable=True),
        sa.Column("first_teach_date", sa.String(length=7), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_bj_ext_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_bj_ext_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_bj_ext_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_bj_ext_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_bj_ext")),
    )
    with op.batch_alter_table("rec_bj_ext", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_bj_ext_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_bj_ext_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_bj_ext_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_bj_ext_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_bj_ext_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_bj_ext_one",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_bj_ext_one_draft",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_bj_ext_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("mobile", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.String(length=100), nullable=True),
        sa.Column("other_contact", sa.String(length=100), nullable=True),
        sa.Column("emergency_name", sa.String(length=50), nullable=True),
        sa.Column("emergency_phone", sa.LargeBinary(), nullable=True),
        sa.Column("mobile_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("mobile_index2", sa.LargeBinary(length=32), nullable=True),
        sa.Column("emergency_phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("emergency_phone_index2", sa.LargeBinary(length=32), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_contact_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_contact_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_contact_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_contact_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_contact")),
    )
    with op.batch_alter_table("rec_contact", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_contact_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_contact_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_contact_emergency_phone", ["emergency_phone_index"], unique=False
        )
        batch_op.create_index(
            "ix_rec_contact_emergency_phone2", ["emergency_phone_index2"], unique=False
        )
        batch_op.create_index("ix_rec_contact_mobile", ["mobile_index"], unique=False)
        batch_op.create_index("ix_rec_contact_mobile2", ["mobile_index2"], unique=False)
        batch_op.create_index(
            "ix_rec_contact_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_contact_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_contact_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_contact_one",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_contact_one_draft",
            ["teacher_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_contact_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_ethics",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("assess_date", sa.String(length=7), nullable=True),
        sa.Column("assess_result", sa.String(length=1), nullable=True),
        sa.Column("assess_org", sa.String(length=100), nullable=True),
        sa.Column("honor_level", sa.String(length=1), nullable=True),
        sa.Column("honor_type", sa.String(length=2), nullable=True),
        sa.Column("honor_date", sa.Date(), nullable=True),
        sa.Column("honor_desc", sa.String(length=500), nullable=True),
        sa.Column("honor_org", sa.String(length=100), nullable=True),
        sa.Column("punish_type", sa.String(length=2), nullable=True),
        sa.Column("punish_reason", sa.String(length=2), nullable=True),
        sa.Column("punish_happen_date", sa.Date(), nullable=True),
        sa.Column("punish_desc", sa.String(length=500), nullable=True),
        sa.Column("punish_org", sa.String(length=100), nullable=True),
        sa.Column("punish_date", sa.Date(), nullable=True),
        sa.Column("punish_revoke_date", sa.Date(), nullable=True),
        sa.Column("punish_revoke_reason", sa.String(length=200), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_ethics_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_ethics_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_ethics_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_ethics_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_ethics")),
    )
    with op.batch_alter_table("rec_ethics", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_ethics_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ethics_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_ethics_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_ethics_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_ethics_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_ethics_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_learning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("education", sa.String(length=5), nullable=True),
        sa.Column("education_country", sa.String(length=3), nullable=True),
        sa.Column("education_org", sa.String(length=100), nullable=True),
        sa.Column("major", sa.String(length=100), nullable=True),
        sa.Column("is_normal", sa.Boolean(), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("cert_no", sa.String(length=50), nullable=True),
        sa.Column("degree_level", sa.String(length=1), nullable=True),
        sa.Column("degree", sa.String(length=6), nullable=True),
        sa.Column("degree_country", sa.String(length=3), nullable=True),
        sa.Column("degree_org", sa.String(length=100), nullable=True),
        sa.Column("degree_date", sa.String(length=7), nullable=True),
        sa.Column("study_mode", sa.String(length=1), nullable=True),
        sa.Column("study_org_type", sa.String(length=1), nullable=True),
        sa.Column("attachment", sa.String(length=200), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_learning_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_learning_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_learning_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_learning_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_learning")),
    )
    with op.batch_alter_table("rec_learning", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_learning_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_learning_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_learning_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_learning_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_learning_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_learning_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_overseas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("has_overseas", sa.Boolean(), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("country", sa.String(length=3), nullable=True),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("project_name", sa.String(length=100), nullable=True),
        sa.Column("project_org", sa.String(length=100), nullable=True),
        sa.Column("type", sa.String(length=1), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_overseas_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_overseas_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_overseas_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_overseas_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_overseas")),
    )
    with op.batch_alter_table("rec_overseas", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_overseas_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_overseas_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_overseas_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_overseas_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_overseas_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_overseas_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("post_category", sa.String(length=1), nullable=True),
        sa.Column("post_grade", sa.String(length=3), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("has_concurrent", sa.Boolean(), nullable=True),
        sa.Column("concurrent_category", sa.String(length=1), nullable=True),
        sa.Column("concurrent_grade", sa.String(length=3), nullable=True),
        sa.Column("school_post", sa.String(length=200), nullable=True),
        sa.Column("school_post_start", sa.String(length=7), nullable=True),
        sa.Column("establishment_type", sa.String(length=2), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_post_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_post_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_post_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_post_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_post")),
    )
    with op.batch_alter_table("rec_post", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_post_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_post_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_post_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_post_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_post_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_post_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_qualification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cert_type", sa.String(length=1), nullable=True),
        sa.Column("cert_no", sa.String(length=20), nullable=True),
        sa.Column("subject", sa.String(length=6), nullable=True),
        sa.Column("issue_date", sa.Date(), nullable=True),
        sa.Column("issue_org", sa.String(length=100), nullable=True),
        sa.Column("first_reg_date", sa.Date(), nullable=True),
        sa.Column("first_reg_result", sa.String(length=1), nullable=True),
        sa.Column("periodic_reg_date", sa.Date(), nullable=True),
        sa.Column("periodic_reg_result", sa.String(length=1), nullable=True),
        sa.Column("attachment", sa.String(length=200), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_qualification_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_qualification_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_qualification_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_qualification_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_qualification")),
    )
    with op.batch_alter_table("rec_qualification", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_qualification_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_qualification_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_qualification_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_qualification_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_qualification_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_qualification_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_rotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=1), nullable=True),
        sa.Column("transfer_personnel", sa.Boolean(), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("from_org", sa.String(length=100), nullable=True),
        sa.Column("to_org", sa.String(length=100), nullable=True),
        sa.Column("direction", sa.String(length=1), nullable=True),
        sa.Column("is_full_rotation", sa.Boolean(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_rotation_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_rotation_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_rotation_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_rotation_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_rotation")),
    )
    with op.batch_alter_table("rec_rotation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_rotation_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_rotation_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_rotation_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_rotation_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_rotation_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_rotation_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_school_basic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("school_code", sa.String(length=20), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("district", sa.String(length=10), nullable=True),
        sa.Column("school_type", sa.String(length=3), nullable=True),
        sa.Column("urban_rural", sa.String(length=3), nullable=True),
        sa.Column("sponsor_name", sa.String(length=100), nullable=True),
        sa.Column("sponsor_type", sa.String(length=10), nullable=True),
        sa.Column("authority", sa.String(length=10), nullable=True),
        sa.Column("head_name", sa.String(length=50), nullable=True),
        sa.Column("admin_name", sa.String(length=50), nullable=True),
        sa.Column("admin_phone", sa.String(length=20), nullable=True),
        sa.Column("credit_code", sa.String(length=18), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_school_basic_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_rec_school_basic_unit_id_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_school_basic")),
    )
    with op.batch_alter_table("rec_school_basic", schema=None) as batch_op:
        batch_op.create_index("ix_rec_school_basic_unit", ["unit_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_school_basic_one",
            ["unit_id"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.create_table(
        "rec_skill",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=True),
        sa.Column("mastery", sa.String(length=1), nullable=True),
        sa.Column("other_skill", sa.String(length=100), nullable=True),
        sa.Column("other_mastery", sa.String(length=1), nullable=True),
        sa.Column("cert_type", sa.String(length=1), nullable=True),
        sa.Column("lang_cert", sa.String(length=1), nullable=True),
        sa.Column("cert_name", sa.String(length=100), nullable=True),
        sa.Column("issue_ym", sa.String(length=7), nullable=True),
        sa.Column("issue_org", sa.String(length=100), nullable=True),
        sa.Column("cert_no", sa.String(length=50), nullable=True),
        sa.Column("mandarin_level", sa.String(length=1), nullable=True),
        sa.Column("skill_grade", sa.String(length=1), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_skill_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_skill_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_skill_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_skill_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_skill")),
    )
    with op.batch_alter_table("rec_skill", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_skill_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_skill_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_skill_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_skill_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_skill_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_skill_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_talent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=2), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("project_other", sa.String(length=100), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_talent_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_talent_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_talent_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_talent_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_talent")),
    )
    with op.batch_alter_table("rec_talent", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_talent_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_talent_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_talent_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_talent_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_talent_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_talent_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_teaching",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("academic_year", sa.Integer(), nullable=True),
        sa.Column("semester", sa.String(length=1), nullable=True),
        sa.Column("stage", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=2), nullable=True),
        sa.Column("status_note", sa.String(length=100), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("course_name", sa.String(length=200), nullable=True),
        sa.Column("weekly_hours", sa.Integer(), nullable=True),
        sa.Column("other_hours", sa.Integer(), nullable=True),
        sa.Column("concurrent_work", sa.String(length=2), nullable=True),
        sa.Column("concurrent_work_name", sa.String(length=50), nullable=True),
        sa.Column("mentor_type", sa.String(length=1), nullable=True),
        sa.Column("discipline", sa.String(length=2), nullable=True),
        sa.Column("teach_undergrad", sa.Boolean(), nullable=True),
        sa.Column("grade_class", sa.String(length=100), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_teaching_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_teaching_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_teaching_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_teaching_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_teaching")),
    )
    with op.batch_alter_table("rec_teaching", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_teaching_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_teaching_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_teaching_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_teaching_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_teaching_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_teaching_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_title",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=6), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("qualification_date", sa.String(length=7), nullable=True),
        sa.Column("cert_no", sa.String(length=50), nullable=True),
        sa.Column("appointment_status", sa.String(length=2), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_title_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_title_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_title_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_title_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_title")),
    )
    with op.batch_alter_table("rec_title", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_title_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_title_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_title_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_title_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_title_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_title_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_training",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("type", sa.String(length=2), nullable=True),
        sa.Column("level", sa.String(length=1), nullable=True),
        sa.Column("project_name", sa.String(length=200), nullable=True),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("mode", sa.String(length=1), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("hours", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("credit", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("result", sa.String(length=1), nullable=True),
        sa.Column("confirm_status", sa.String(length=15), nullable=True),
        sa.Column("source_project", sa.String(length=40), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_training_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_training_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_training_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_training_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_training")),
    )
    with op.batch_alter_table("rec_training", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_training_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_training_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_training_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_training_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_training_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_training_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_treatment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("annual_income", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("base_salary", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("performance_pay", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("rural_subsidy", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("other_allowance", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("other_income", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("insurance", sa.String(length=200), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_treatment_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_treatment_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_treatment_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_treatment_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_treatment")),
    )
    with op.batch_alter_table("rec_treatment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_treatment_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_treatment_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_treatment_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_treatment_teacher", ["teacher_id", "valid_from"], unique=False
        )
        batch_op.create_index(
            "uq_rec_treatment_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_treatment_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "rec_work",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("valid_to", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("org_name", sa.String(length=100), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("end", sa.String(length=7), nullable=True),
        sa.Column("unit_nature", sa.String(length=2), nullable=True),
        sa.Column("position", sa.String(length=50), nullable=True),
        sa.Column("reference", sa.String(length=50), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("entered_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_rec_work_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["ab_user.id"], name=op.f("fk_rec_work_entered_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_rec_work_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rec_work_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rec_work")),
    )
    with op.batch_alter_table("rec_work", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rec_work_authority",
            ["authority_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_work_draft",
            ["teacher_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.create_index(
            "ix_rec_work_school",
            ["school_id"],
            unique=False,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index("ix_rec_work_teacher", ["teacher_id", "valid_from"], unique=False)
        batch_op.create_index(
            "uq_rec_work_live",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_rec_work_pending",
            ["uuid"],
            unique=True,
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )

    op.create_table(
        "report_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stored_name", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_report_batch_account_id_ab_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_batch")),
        sa.UniqueConstraint("number", name=op.f("uq_report_batch_number")),
    )
    op.create_table(
        "round_extension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("granted_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["ab_user.id"], name=op.f("fk_round_extension_granted_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_round_extension_round_id_round")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_round_extension_unit_id_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_extension")),
        sa.UniqueConstraint(
            "round_id", "unit_id", name=op.f("uq_round_extension_round_id_unit_id")
        ),
    )
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("view", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("columns", sa.String(length=1000), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "(unit_id IS NULL) = (role IS NULL)",
            name=op.f("ck_saved_view_shared_with_role_in_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_saved_view_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_saved_view_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint(
            "account_id", "view", "name", name=op.f("uq_saved_view_account_id_view_name")
        ),
    )
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_view_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_saved_view_shared",
            ["unit_id", "role", "view"],
            unique=False,
            postgresql_where=sa.text("unit_id IS NOT NULL"),
            sqlite_where=sa.text("unit_id IS NOT NULL"),
        )

    op.create_table(
        "review_claim",
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_review_claim_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teacher.id"],
            name=op.f("fk_review_claim_teacher_id_teacher"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("teacher_id", "role", name=op.f("pk_review_claim")),
    )
    with op.batch_alter_table("review_claim", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_review_claim_account_id"), ["account_id"], unique=False
        )

    op.create_table(
        "review_opinion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("object_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "verdict = 'agree' OR text <> ''", name=op.f("ck_review_opinion_text_if_objection")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_review_opinion_account_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_review_opinion_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_review_opinion_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_review_opinion_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_opinion")),
    )
    with op.batch_alter_table("review_opinion", schema=None) as batch_op:
        batch_op.create_index("ix_review_opinion_teacher", ["teacher_id", "at"], unique=False)

    op.create_table(
        "submit_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_submit_key_account_id_ab_user")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_submit_key")),
    )
    op.create_table(
        "import_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.String(length=60), nullable=False),
        sa.Column("set", sa.String(length=20), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("person", sa.LargeBinary(length=32), nullable=True),
        sa.Column("values", sa.LargeBinary(), nullable=True),
        sa.Column("problems", sa.JSON(), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("teacher_id", sa.Integer(), nullable=True),
        sa.Column("record_uuid", sa.String(length=32), nullable=True),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["import_batch.id"],
            name=op.f("fk_import_row_batch_id_import_batch"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row")),
    )
    with op.batch_alter_table("import_row", schema=None) as batch_op:
        batch_op.create_index("ix_import_row_batch", ["batch_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_row_person"), ["person"], unique=False)

    op.create_table(
        "report_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("file_version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_report_item_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["report_batch.id"], name=op.f("fk_report_item_batch_id_report_batch")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_report_item_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_report_item_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_item")),
    )
    with op.batch_alter_table("report_item", schema=None) as batch_op:
        batch_op.create_index("ix_report_item_batch", ["batch_id"], unique=False)
        batch_op.create_index("ix_report_item_teacher", ["teacher_id", "batch_id"], unique=True)


def downgrade():

    with op.batch_alter_table("report_item", schema=None) as batch_op:
        batch_op.drop_index("ix_report_item_teacher")
        batch_op.drop_index("ix_report_item_batch")

    op.drop_table("report_item")
    with op.batch_alter_table("import_row", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_row_person"))
        batch_op.drop_index("ix_import_row_batch")

    op.drop_table("import_row")
    op.drop_table("submit_key")
    with op.batch_alter_table("review_opinion", schema=None) as batch_op:
        batch_op.drop_index("ix_review_opinion_teacher")

    op.drop_table("review_opinion")
    with op.batch_alter_table("review_claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_claim_account_id"))

    op.drop_table("review_claim")
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_saved_view_shared",
            postgresql_where=sa.text("unit_id IS NOT NULL"),
            sqlite_where=sa.text("unit_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_saved_view_account_id"))

    op.drop_table("saved_view")
    op.drop_table("round_extension")
    op.drop_table("report_batch")
    with op.batch_alter_table("rec_work", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_work_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_work_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_work_teacher")
        batch_op.drop_index(
            "ix_rec_work_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_work_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_work_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_work")
    with op.batch_alter_table("rec_treatment", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_treatment_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_treatment_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_treatment_teacher")
        batch_op.drop_index(
            "ix_rec_treatment_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_treatment_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_treatment_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_treatment")
    with op.batch_alter_table("rec_training", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_training_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_training_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_training_teacher")
        batch_op.drop_index(
            "ix_rec_training_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_training_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_training_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_training")
    with op.batch_alter_table("rec_title", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_title_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_title_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_title_teacher")
        batch_op.drop_index(
            "ix_rec_title_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_title_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_title_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_title")
    with op.batch_alter_table("rec_teaching", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_teaching_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_teaching_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_teaching_teacher")
        batch_op.drop_index(
            "ix_rec_teaching_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_teaching_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_teaching_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_teaching")
    with op.batch_alter_table("rec_talent", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_talent_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_talent_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_talent_teacher")
        batch_op.drop_index(
            "ix_rec_talent_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_talent_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_talent_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_talent")
    with op.batch_alter_table("rec_skill", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_skill_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_skill_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_skill_teacher")
        batch_op.drop_index(
            "ix_rec_skill_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_skill_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_skill_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_skill")
    with op.batch_alter_table("rec_school_basic", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_school_basic_one",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_school_basic_unit")

    op.drop_table("rec_school_basic")
    with op.batch_alter_table("rec_rotation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_rotation_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_rotation_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_rotation_teacher")
        batch_op.drop_index(
            "ix_rec_rotation_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_rotation_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_rotation_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_rotation")
    with op.batch_alter_table("rec_qualification", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_qualification_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_qualification_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_qualification_teacher")
        batch_op.drop_index(
            "ix_rec_qualification_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_qualification_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_qualification_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_qualification")
    with op.batch_alter_table("rec_post", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_post_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_post_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_post_teacher")
        batch_op.drop_index(
            "ix_rec_post_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_post_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_post_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_post")
    with op.batch_alter_table("rec_overseas", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_overseas_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_overseas_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_overseas_teacher")
        batch_op.drop_index(
            "ix_rec_overseas_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_overseas_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_overseas_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_overseas")
    with op.batch_alter_table("rec_learning", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_learning_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_learning_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_learning_teacher")
        batch_op.drop_index(
            "ix_rec_learning_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_learning_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_learning_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_learning")
    with op.batch_alter_table("rec_ethics", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ethics_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ethics_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ethics_teacher")
        batch_op.drop_index(
            "ix_rec_ethics_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ethics_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ethics_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ethics")
    with op.batch_alter_table("rec_contact", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_contact_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_contact_one_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_contact_one",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_contact_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_contact_teacher")
        batch_op.drop_index(
            "ix_rec_contact_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_contact_mobile")
        batch_op.drop_index("ix_rec_contact_mobile2")
        batch_op.drop_index("ix_rec_contact_emergency_phone")
        batch_op.drop_index("ix_rec_contact_emergency_phone2")
        batch_op.drop_index(
            "ix_rec_contact_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_contact_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_contact")
    with op.batch_alter_table("rec_bj_ext", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_bj_ext_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_bj_ext_one_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_bj_ext_one",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_bj_ext_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_bj_ext_teacher")
        batch_op.drop_index(
            "ix_rec_bj_ext_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_bj_ext_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_bj_ext_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_bj_ext")
    with op.batch_alter_table("rec_basic", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_basic_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_basic_one_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_basic_one",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_basic_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_basic_teacher")
        batch_op.drop_index(
            "ix_rec_basic_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_basic_id_no")
        batch_op.drop_index("ix_rec_basic_id_no2")
        batch_op.drop_index(
            "ix_rec_basic_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_basic_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_basic")
    with op.batch_alter_table("rec_backbone", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_backbone_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_backbone_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_backbone_teacher")
        batch_op.drop_index(
            "ix_rec_backbone_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_backbone_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_backbone_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_backbone")
    with op.batch_alter_table("rec_appraisal", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_appraisal_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_appraisal_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_appraisal_teacher")
        batch_op.drop_index(
            "ix_rec_appraisal_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_appraisal_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_appraisal_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_appraisal")
    with op.batch_alter_table("rec_ach_writing", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_writing_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_writing_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_writing_teacher")
        batch_op.drop_index(
            "ix_rec_ach_writing_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_writing_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_writing_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_writing")
    with op.batch_alter_table("rec_ach_student", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_student_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_student_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_student_teacher")
        batch_op.drop_index(
            "ix_rec_ach_student_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_student_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_student_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_student")
    with op.batch_alter_table("rec_ach_standard", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_standard_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_standard_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_standard_teacher")
        batch_op.drop_index(
            "ix_rec_ach_standard_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_standard_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_standard_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_standard")
    with op.batch_alter_table("rec_ach_report", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_report_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_report_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_report_teacher")
        batch_op.drop_index(
            "ix_rec_ach_report_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_report_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_report_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_report")
    with op.batch_alter_table("rec_ach_project", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_project_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_project_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_project_teacher")
        batch_op.drop_index(
            "ix_rec_ach_project_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_project_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_project_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_project")
    with op.batch_alter_table("rec_ach_patent", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_patent_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_patent_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_patent_teacher")
        batch_op.drop_index(
            "ix_rec_ach_patent_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_patent_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_patent_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_patent")
    with op.batch_alter_table("rec_ach_paper", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_paper_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_paper_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_paper_teacher")
        batch_op.drop_index(
            "ix_rec_ach_paper_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_paper_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_paper_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_paper")
    with op.batch_alter_table("rec_ach_medical", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_medical_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_medical_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_medical_teacher")
        batch_op.drop_index(
            "ix_rec_ach_medical_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_medical_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_medical_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_medical")
    with op.batch_alter_table("rec_ach_literary", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_literary_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_literary_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_literary_teacher")
        batch_op.drop_index(
            "ix_rec_ach_literary_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_literary_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_literary_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_literary")
    with op.batch_alter_table("rec_ach_award", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rec_ach_award_pending",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "uq_rec_ach_award_live",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index("ix_rec_ach_award_teacher")
        batch_op.drop_index(
            "ix_rec_ach_award_school",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_award_draft",
            postgresql_where=sa.text("valid_from IS NULL"),
            sqlite_where=sa.text("valid_from IS NULL"),
        )
        batch_op.drop_index(
            "ix_rec_ach_award_authority",
            postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        )

    op.drop_table("rec_ach_award")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_account")

    op.drop_table("notice")
    op.drop_table("none_answer")
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.drop_index("ix_import_batch_school")

    op.drop_table("import_batch")
    with op.batch_alter_table("form_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_form_draft_account_id"))

    op.drop_table("form_draft")
    with op.batch_alter_table("file_problem", schema=None) as batch_op:
        batch_op.drop_index("ix_file_problem_teacher")
        batch_op.drop_index("ix_file_problem_school")
        batch_op.drop_index("ix_file_problem_authority")

    op.drop_table("file_problem")
    with op.batch_alter_table("export_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_export_file_account_id"))

    op.drop_table("export_file")
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_correction_open",
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        )

    op.drop_table("correction")
    op.drop_table("contributor")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index("ix_attachment_record")

    op.drop_table("attachment")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index("ix_assignment_unit_role")
        batch_op.drop_index(batch_op.f("ix_assignment_account_id"))

    op.drop_table("assignment")
    op.drop_table("ab_user_role")
    with op.batch_alter_table("ab_user_group", schema=None) as batch_op:
        batch_op.drop_index("idx_user_id")
        batch_op.drop_index("idx_user_group_id")

    op.drop_table("ab_user_group")
    with op.batch_alter_table("ab_api_key", schema=None) as batch_op:
        batch_op.drop_index("idx_api_key_user_id")
        batch_op.drop_index("idx_api_key_prefix")
        batch_op.drop_index("idx_api_key_lookup_hash")

    op.drop_table("ab_api_key")
    op.drop_table("open_process")
    with op.batch_alter_table("name_gram", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_name_gram_teacher_id"))

    op.drop_table("name_gram")
    op.drop_table("file_version")
    op.drop_table("file_snapshot")
    with op.batch_alter_table("affiliation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_affiliation_personnel",
            postgresql_where=sa.text(
                "kind = 'personnel' AND valid_from IS NOT NULL AND valid_to IS NULL"
            ),
            sqlite_where=sa.text(
                "kind = 'personnel' AND valid_from IS NOT NULL AND valid_to IS NULL"
            ),
        )
        batch_op.drop_index(batch_op.f("ix_affiliation_teacher_id"))
        batch_op.drop_index("ix_affiliation_school")
        batch_op.drop_index("ix_affiliation_authority")

    op.drop_table("affiliation")
    op.drop_table("ab_user")
    with op.batch_alter_table("ab_permission_view_role", schema=None) as batch_op:
        batch_op.drop_index("idx_role_id")
        batch_op.drop_index("idx_permission_view_id")

    op.drop_table("ab_permission_view_role")
    with op.batch_alter_table("teacher", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_teacher_id_no_active",
            postgresql_where=sa.text("active"),
            sqlite_where=sa.text("active"),
        )
        batch_op.drop_index(
            "uq_teacher_id_no_active2",
            postgresql_where=sa.text("active"),
            sqlite_where=sa.text("active"),
        )
        batch_op.drop_index("ix_teacher_title")
        batch_op.drop_index("ix_teacher_submitted")
        batch_op.drop_index("ix_teacher_school_state")
        batch_op.drop_index("ix_teacher_school_name")
        batch_op.drop_index(
            "ix_teacher_progress",
            postgresql_where=sa.text("active"),
            sqlite_where=sa.text("active"),
        )
        batch_op.drop_index("ix_teacher_pinyin")
        batch_op.drop_index("ix_teacher_name")
        batch_op.drop_index(batch_op.f("ix_teacher_id_no_index"))
        batch_op.drop_index(batch_op.f("ix_teacher_id_no_index2"))
        batch_op.drop_index(
            "ix_teacher_figures",
            postgresql_where=sa.text(
                "active AND state IN ('effective','city_accepted','reported')"
            ),
            sqlite_where=sa.text("active AND state IN ('effective','city_accepted','reported')"),
        )
        batch_op.drop_index("ix_teacher_education")
        batch_op.drop_index("ix_teacher_authority_submitted")
        batch_op.drop_index("ix_teacher_authority_state")
        batch_op.drop_index("ix_teacher_authority_name")

    op.drop_table("teacher")
    op.drop_table("round")
    with op.batch_alter_table("ab_permission_view", schema=None) as batch_op:
        batch_op.drop_index("idx_view_menu_id")
        batch_op.drop_index("idx_permission_id")

    op.drop_table("ab_permission_view")
    with op.batch_alter_table("ab_group_role", schema=None) as batch_op:
        batch_op.drop_index("idx_group_role_id")
        batch_op.drop_index("idx_group_id")

    op.drop_table("ab_group_role")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_name"))
        batch_op.drop_index(batch_op.f("ix_unit_district_code"))
        batch_op.drop_index("ix_unit_authority")

    op.drop_table("unit")
    with op.batch_alter_table("transition", schema=None) as batch_op:
        batch_op.drop_index("ix_transition_teacher_id")
        batch_op.drop_index("ix_transition_object")

    op.drop_table("transition")
    with op.batch_alter_table("school_type", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_school_type_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_school_type_valid_to")

    op.drop_table("school_type")
    with op.batch_alter_table("region", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_region_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_region_valid_to")

    op.drop_table("region")
    op.drop_table("parameter")
    op.drop_table("number_sequence")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("ix_job_state_run_at")
        batch_op.drop_index("ix_job_account_id")

    op.drop_table("job")
    with op.batch_alter_table("indicator_set", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_indicator_set_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_indicator_set_valid_to")

    op.drop_table("indicator_set")
    with op.batch_alter_table("indicator_rule", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_indicator_rule_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_indicator_rule_valid_to")

    op.drop_table("indicator_rule")
    with op.batch_alter_table("indicator", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_indicator_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_indicator_valid_to")

    op.drop_table("indicator")
    with op.batch_alter_table("code", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_code_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_code_valid_to")

    op.drop_table("code")
    with op.batch_alter_table("check_rule", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_check_rule_current",
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index("ix_check_rule_valid_to")

    op.drop_table("check_rule")
    op.drop_table("key_fingerprint")
    op.drop_table("audit_seal")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_teacher_id")
        batch_op.drop_index("ix_audit_object")
        batch_op.drop_index("ix_audit_at")
        batch_op.drop_index("ix_audit_account_id")

    op.drop_table("audit")
    op.drop_table("ab_view_menu")
    op.drop_table("ab_role")
    op.drop_table("ab_register_user")
    op.drop_table("ab_permission")
    op.drop_table("ab_group")
