"""Cross pseudo supervision on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        first=dict(type='UNet2D', in_channels=1, num_classes=4),
        second=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='cps', confidence=0.8),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='dice_ce')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.3, length=1500)))
