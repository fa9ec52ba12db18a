"""transfers of teachers, and what the sending school keeps of a file"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UNITS = ("school_id", "authority_id", "from_school_id", "from_authority_id")


def upgrade():
    op.create_table(
        "transfer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in UNITS),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state_since", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("position", sa.String(length=50), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("document_no", sa.String(length=60), nullable=True),
        sa.Column("join_month", sa.String(length=7), nullable=True),
        sa.Column("staff_category", sa.String(length=5), nullable=True),
        sa.Column("post_category", sa.String(length=1), nullable=True),
        sa.Column("post_grade", sa.String(length=3), nullable=True),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("issued_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_at", app.models.base.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "school_id <> from_school_id", name=op.f("ck_transfer_to_another_school")
        ),
        sa.CheckConstraint(
            "issued_at IS NOT NULL OR state NOT IN"
            " ('pending_out_school','pending_out_authority','ready_to_take','completed')",
            name=op.f("ck_transfer_issued_before_others_see_it"),
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_transfer_teacher_id_teacher")
        ),
        *(
            sa.ForeignKeyConstraint([name], ["unit.id"], name=op.f(f"fk_transfer_{name}_unit"))
            for name in UNITS
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["transfer.id"], name=op.f("fk_transfer_previous_id_transfer")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["ab_user.id"], name=op.f("fk_transfer_opened_by_ab_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("uuid", name=op.f("uq_transfer_uuid")),
    )
    for name in ("teacher", "school", "authority", "from_school", "from_authority"):
        op.create_index(f"ix_transfer_{name}", "transfer", [f"{name}_id", "state"], unique=False)
    op.create_table(
        "file_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("at", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("teacher_no", sa.String(length=10), nullable=True),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_file_grant_teacher_id_teacher")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_file_grant_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_grant")),
        sa.UniqueConstraint(
            "teacher_id", "unit_id", "at", name=op.f("uq_file_grant_teacher_id_unit_id_at")
        ),
    )
    op.create_index("ix_file_grant_unit", "file_grant", ["unit_id", "at"], unique=False)


def downgrade():
    op.drop_index("ix_file_grant_unit", table_name="file_grant")
    op.drop_table("file_grant")
    for name in ("teacher", "school", "authority", "from_school", "from_authority"):
        op.drop_index(f"ix_transfer_{name}", table_name="transfer")
    op.drop_table("transfer")
