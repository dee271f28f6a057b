"""What training, validation and test see of whole cases: parts, patches, batches."""
