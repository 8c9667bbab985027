"""What follows from predictions and tags: decisions, the plan of changes, the audit, exports, the report. Pure."""
