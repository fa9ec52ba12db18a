"""additions to effective files and changes of them"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('draft','pending_school','pending_authority')")


def upgrade():
    op.create_table(
        "record_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("flow", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("set", sa.String(length=20), nullable=False),
        sa.Column("record_uuid", sa.String(length=32), nullable=False),
        sa.Column("before_id", sa.Integer(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state_since", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("document_no", sa.String(length=60), nullable=True),
        sa.Column("correction_id", sa.Integer(), nullable=True),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_role", sa.String(length=32), nullable=False),
        sa.Column("opened_at", app.models.base.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "flow IN ('addition','change')", name=op.f("ck_record_change_known_flow")
        ),
        sa.CheckConstraint(
            "kind IN ('add','fill','modify','delete')", name=op.f("ck_record_change_known_kind")
        ),
        sa.CheckConstraint(
            "(kind = 'add') = (before_id IS NULL)", name=op.f("ck_record_change_before_unless_new")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_record_change_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["correction_id"],
            ["correction.id"],
            name=op.f("fk_record_change_correction_id_correction"),
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["ab_user.id"], name=op.f("fk_record_change_opened_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_record_change_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_record_change_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_change")),
        sa.UniqueConstraint("uuid", name=op.f("uq_record_change_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("record_change", schema=None) as batch_op:
        batch_op.create_index(
            "ix_record_change_authority", ["authority_id", "flow", "state"], unique=False
        )
        batch_op.create_index(
            "ix_record_change_record", ["teacher_id", "set", "record_uuid"], unique=False
        )
        batch_op.create_index(
            "ix_record_change_school", ["school_id", "flow", "state"], unique=False
        )
        batch_op.create_index(
            "uq_record_change_open",
            ["teacher_id", "set", "record_uuid"],
            unique=True,
            postgresql_where=OPEN,
            sqlite_where=OPEN,
        )


def downgrade():
    with op.batch_alter_table("record_change", schema=None) as batch_op:
        batch_op.drop_index("uq_record_change_open", postgresql_where=OPEN, sqlite_where=OPEN)
        batch_op.drop_index("ix_record_change_school")
        batch_op.drop_index("ix_record_change_record")
        batch_op.drop_index("ix_record_change_authority")
    op.drop_table("record_change")
