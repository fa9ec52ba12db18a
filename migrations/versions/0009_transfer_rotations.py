"""transfers that are rotations with change of personnel relation"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("transfer", sa.Column("rotation_type", sa.String(length=1), nullable=True))
    op.add_column("transfer", sa.Column("planned_end", sa.String(length=7), nullable=True))


def downgrade():
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.drop_column("planned_end")
        batch_op.drop_column("rotation_type")
