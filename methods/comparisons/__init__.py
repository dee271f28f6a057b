"""What is stored with a result, what results must agree on, and tables of those that do."""
