"""Cross pseudo supervision on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        first=dict(type='UNet3D', in_channels=1, num_classes=2),
        second=dict(type='UNet3D', in_channels=1, num_classes=2)),
    method=dict(type='cps'),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='cross_entropy')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.1, length=300)))
