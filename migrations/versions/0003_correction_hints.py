"""correction hints of teachers"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade():
    op.create_table(
        "correction_hint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("set", sa.String(length=20), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("record_uuid", sa.String(length=32), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("given_by", sa.Integer(), nullable=False),
        sa.Column("given_at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("settled_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "state IN ('open','taken_up','set_aside')", name=op.f("ck_correction_hint_known_state")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (settled_at IS NULL)",
            name=op.f("ck_correction_hint_settled_unless_open"),
        ),
        sa.CheckConstraint(
            "state <> 'set_aside' OR reason IS NOT NULL",
            name=op.f("ck_correction_hint_reason_if_set_aside"),
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_correction_hint_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["ab_user.id"], name=op.f("fk_correction_hint_given_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_correction_hint_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["ab_user.id"], name=op.f("fk_correction_hint_settled_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_correction_hint_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_hint")),
        sa.UniqueConstraint("uuid", name=op.f("uq_correction_hint_uuid")),
    )
    with op.batch_alter_table("correction_hint", schema=None) as batch_op:
        batch_op.create_index(
            "ix_correction_hint_school",
            ["school_id"],
            unique=False,
            postgresql_where=OPEN,
            sqlite_where=OPEN,
        )
        batch_op.create_index("ix_correction_hint_teacher", ["teacher_id", "set"], unique=False)


def downgrade():
    with op.batch_alter_table("correction_hint", schema=None) as batch_op:
        batch_op.drop_index("ix_correction_hint_teacher")
        batch_op.drop_index("ix_correction_hint_school", postgresql_where=OPEN, sqlite_where=OPEN)
    op.drop_table("correction_hint")
