"""Five-fold cross-validation on MyoPS 2020: each case is judged by the network of the fold that was not trained on it."""
suite = dict(members=[dict(name='U-Net', config='fsl/unet2d_myops', folds=(1, 2, 3, 4, 5))], test=dict(tta=True))
