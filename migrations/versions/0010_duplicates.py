"""pairs of files that may describe one person"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "duplicate_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("found_at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_duplicate_case_one_order")),
        sa.CheckConstraint(
            "kind IN ('number','likeness')", name=op.f("ck_duplicate_case_known_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open','dismissed')", name=op.f("ck_duplicate_case_known_state")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (state = 'open') = (reason IS NULL)",
            name=op.f("ck_duplicate_case_reason_if_decided"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["ab_user.id"], name=op.f("fk_duplicate_case_decided_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["first_id"], ["teacher.id"], name=op.f("fk_duplicate_case_first_id_teacher")
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["teacher.id"], name=op.f("fk_duplicate_case_second_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_case")),
        sa.UniqueConstraint(
            "first_id", "second_id", name=op.f("uq_duplicate_case_first_id_second_id")
        ),
    )
    with op.batch_alter_table("duplicate_case", schema=None) as batch_op:
        batch_op.create_index("ix_duplicate_case_second", ["second_id"], unique=False)
        batch_op.create_index("ix_duplicate_case_state", ["state", "found_at"], unique=False)


def downgrade():
    with op.batch_alter_table("duplicate_case", schema=None) as batch_op:
        batch_op.drop_index("ix_duplicate_case_state")
        batch_op.drop_index("ix_duplicate_case_second")
    op.drop_table("duplicate_case")
