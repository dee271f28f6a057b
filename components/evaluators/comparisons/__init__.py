"""Methods beside each other: paired statistics, ranks, tables and figures of them."""
