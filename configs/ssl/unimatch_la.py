"""UniMatch on left atria, 7 of 72 labelled, at the paper's budget."""
_base_ = ['../_base_/datasets/la_full_semi.py', '../_base_/augmentation/blocks_views.py', '../_base_/schedules/adam_20k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet3D', in_channels=1, num_classes=2)),
    method=dict(type='unimatch', confidence=0.95),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='thresholded_cross_entropy')),
    weights=dict(sup=0.5, strong=0.25, features=0.25))
