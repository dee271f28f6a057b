"""UniMatch on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128_views.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='unimatch', confidence=0.95),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='dice_ce')),
    weights=dict(sup=0.5, strong=0.25, features=0.25))
