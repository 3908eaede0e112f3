"""What turns a run into a page: parameters, records, ledger, execution. Knows no model."""
