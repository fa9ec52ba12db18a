"""the school that sends somebody on rotation, whatever becomes of the file later"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = "ck_rotation_other_school"
BEFORE = "to_school_id IS NULL OR to_school_id <> school_id"
SINCE = "to_school_id IS NULL OR to_school_id <> from_school_id"
# SQLite copies the table and does not tell what it checks: what is not named here is left behind.
CHECKS = (
    sa.CheckConstraint("to_school_id IS NULL OR to_text IS NULL", name="ck_rotation_one_host"),
    sa.CheckConstraint(
        "ended_on IS NULL OR state IN ('ended','terminated')", name="ck_rotation_end_if_over"
    ),
)
KEPT = {"sqlite_autoincrement": True}


def upgrade():
    op.add_column("rotation", sa.Column("from_school_id", sa.Integer(), nullable=True))
    op.execute("UPDATE rotation SET from_school_id = school_id")
    with op.batch_alter_table("rotation", table_args=CHECKS, table_kwargs=KEPT) as batch_op:
        if op.get_bind().dialect.name != "sqlite":
            batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.alter_column("from_school_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(
            op.f("fk_rotation_from_school_id_unit"), "unit", ["from_school_id"], ["id"]
        )
        batch_op.create_check_constraint(op.f(NAME), SINCE)


def downgrade():
    with op.batch_alter_table("rotation", table_args=CHECKS, table_kwargs=KEPT) as batch_op:
        if op.get_bind().dialect.name != "sqlite":
            batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.drop_constraint(op.f("fk_rotation_from_school_id_unit"), type_="foreignkey")
        batch_op.drop_column("from_school_id")
        batch_op.create_check_constraint(op.f(NAME), BEFORE)
