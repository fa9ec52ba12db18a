"""what a file said when it was last submitted"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
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


def downgrade():
    op.drop_table("file_snapshot")
