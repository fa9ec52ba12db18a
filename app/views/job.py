"""Jobs: long acts with progress, cancelling, resuming, and what they brought."""
