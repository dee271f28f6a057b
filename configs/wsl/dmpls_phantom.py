"""The main job on built-in data: dynamically mixed pseudo labels on generated hearts with scribbles."""
_base_ = ['../_base_/datasets/phantom_scribble.py', '../_base_/augmentation/slices_96.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(dual=dict(type='DualBranchUNet2D', in_channels=1, num_classes=4)),
    method=dict(type='dmpls'),
    losses=dict(sup=dict(type='partial_cross_entropy', implied_weight=0.5), pseudo=dict(type='soft_dice')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.5, begin=0, length=300)))
