"""Image files of every kind: ``load_image``, ``save_image`` and ``open_volume`` of ``images``; a format is a row of its table."""
