"""Which files make a case, what their labels say, and which cases go where: folders, lists, tables, ``dataset.json``, folds."""
