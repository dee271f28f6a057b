"""Methods for scribbles on generated hearts, with no data to download, in about ten minutes on two cores."""
suite = dict(
    members=[
        dict(name='partial CE', config='wsl/partial_ce_phantom', seeds=(0, 1)),
        dict(name='DMPLS', config='wsl/dmpls_phantom', seeds=(0, 1)),
        dict(name='full labels', config='wsl/partial_ce_phantom', seeds=(0, 1),
             options={'train_dataloader.dataset.parts.scribbled.scribbles': False})],
    baseline='partial CE',
    test=dict(tta=True))
