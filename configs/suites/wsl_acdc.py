"""Methods for scribbles on ACDC at the paper's budget, between partial cross entropy and the full labels of all volumes."""
suite = dict(
    members=[
        dict(name='partial CE', config='wsl/partial_ce_acdc', seeds=(0, 1, 2)),
        dict(name='DMPLS', config='wsl/dmpls_acdc', seeds=(0, 1, 2)),
        dict(name='full labels', config='fsl/unet2d_acdc', seeds=(0, 1, 2),
             options={'train_dataloader.dataset.parts.labeled.split': 'ACDC/splits/train.txt'})],
    baseline='partial CE',
    test=dict(tta=True))
