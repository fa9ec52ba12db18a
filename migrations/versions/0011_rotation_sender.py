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
# SQLite copies the table.
KEPT = {"sqlite_autoincrement": True}


def upgrade():
    op.add_column("rotation", sa.Column("from_school_id", sa.Integer(), nullable=True))
    op.execute("UPDATE rotation SET from_school_id = school_id")
    with op.batch_alter_table("rotation", table_kwargs=KEPT) as batch_op:
        batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.alter_column("from_school_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(
            op.f("fk_rotation_from_school_id_unit"), "unit", ["from_school_id"], ["id"]
        )
        batch_op.create_check_constraint(op.f(NAME), SINCE)


def downgrade():
    with op.batch_alter_table("rotation", table_kwargs=KEPT) as batch_op:
        batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.drop_constraint(op.f("fk_rotation_from_school_id_unit"), type_="foreignkey")
        batch_op.drop_column("from_school_id")
        batch_op.create_check_constraint(op.f(NAME), BEFORE)
