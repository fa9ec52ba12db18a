"""rotations, and one guest place of a person at a time"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIVE = sa.text("state = 'active'")
GUEST = sa.text("kind = 'guest' AND valid_from IS NOT NULL AND valid_to IS NULL")
UNITS = ("authority_id", "school_id", "to_authority_id", "to_school_id")


def upgrade():
    op.create_table(
        "rotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("to_school_id", sa.Integer(), nullable=True),
        sa.Column("to_authority_id", sa.Integer(), nullable=True),
        sa.Column("to_text", sa.String(length=100), nullable=True),
        sa.Column("type", sa.String(length=1), nullable=True),
        sa.Column("direction", sa.String(length=1), nullable=True),
        sa.Column("full_time", sa.Boolean(), nullable=True),
        sa.Column("start", sa.String(length=7), nullable=True),
        sa.Column("planned_end", sa.String(length=7), nullable=True),
        sa.Column("asked_end", sa.String(length=7), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("started_at", app.models.base.UtcDateTime(), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("record_uuid", sa.String(length=32), nullable=True),
        sa.Column("transfer_personnel", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("document_no", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state_since", app.models.base.UtcDateTime(), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_role", sa.String(length=32), nullable=False),
        sa.Column("opened_at", app.models.base.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "to_school_id IS NULL OR to_text IS NULL", name=op.f("ck_rotation_one_host")
        ),
        sa.CheckConstraint(
            "to_school_id IS NULL OR to_school_id <> school_id",
            name=op.f("ck_rotation_other_school"),
        ),
        sa.CheckConstraint(
            "ended_on IS NULL OR state IN ('ended','terminated')",
            name=op.f("ck_rotation_end_if_over"),
        ),
        *(
            sa.ForeignKeyConstraint([name], ["unit.id"], name=op.f(f"fk_rotation_{name}_unit"))
            for name in UNITS
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["ab_user.id"], name=op.f("fk_rotation_opened_by_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"], ["teacher.id"], name=op.f("fk_rotation_teacher_id_teacher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation")),
        sa.UniqueConstraint("uuid", name=op.f("uq_rotation_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.create_index("ix_rotation_authority", ["authority_id", "state"], unique=False)
        batch_op.create_index(
            "ix_rotation_host",
            ["to_school_id"],
            unique=False,
            postgresql_where=ACTIVE,
            sqlite_where=ACTIVE,
        )
        batch_op.create_index("ix_rotation_school", ["school_id", "state"], unique=False)
        batch_op.create_index("ix_rotation_teacher", ["teacher_id", "state"], unique=False)
    op.create_index(
        "uq_affiliation_guest",
        "affiliation",
        ["teacher_id"],
        unique=True,
        postgresql_where=GUEST,
        sqlite_where=GUEST,
    )


def downgrade():
    op.drop_index("uq_affiliation_guest", "affiliation", postgresql_where=GUEST, sqlite_where=GUEST)
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.drop_index("ix_rotation_teacher")
        batch_op.drop_index("ix_rotation_school")
        batch_op.drop_index("ix_rotation_host", postgresql_where=ACTIVE, sqlite_where=ACTIVE)
        batch_op.drop_index("ix_rotation_authority")
    op.drop_table("rotation")
