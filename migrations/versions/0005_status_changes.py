"""status changes of teachers"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REGISTERED = sa.text("state IN ('draft','pending_authority','scheduled')")


def upgrade():
    op.create_table(
        "status_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("from_status", sa.String(length=6), nullable=False),
        sa.Column("to_status", sa.String(length=6), nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("on_its_day", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state_since", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("document_no", sa.String(length=60), nullable=True),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("ended_roles", sa.JSON(), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_role", sa.String(length=32), nullable=False),
        sa.Column("opened_at", app.models.base.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "from_status <> to_status", name=op.f("ck_status_change_another_status")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["ab_user.id"], name=op.f("fk_status_change_approved_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["unit.id"], name=op.f("fk_status_change_authority_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["ab_user.id"], name=op.f("fk_status_change_opened_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["unit.id"], name=op.f("fk_status_change_school_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_status_change_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_change")),
        sa.UniqueConstraint("uuid", name=op.f("uq_status_change_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.create_index("ix_status_change_authority", ["authority_id", "state"], unique=False)
        batch_op.create_index("ix_status_change_school", ["school_id", "state"], unique=False)
        batch_op.create_index(
            "ix_status_change_teacher", ["teacher_id", "state_since"], unique=False
        )
        batch_op.create_index(
            "uq_status_change_registered",
            ["teacher_id"],
            unique=True,
            postgresql_where=REGISTERED,
            sqlite_where=REGISTERED,
        )


def downgrade():
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_status_change_registered", postgresql_where=REGISTERED, sqlite_where=REGISTERED
        )
        batch_op.drop_index("ix_status_change_teacher")
        batch_op.drop_index("ix_status_change_school")
        batch_op.drop_index("ix_status_change_authority")
    op.drop_table("status_change")
