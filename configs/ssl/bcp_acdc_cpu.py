"""Bidirectional copy-paste on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
train_dataloader = dict(batch_sampler=dict(parts=dict(unlabeled=8)))
model = dict(
    networks=dict(
        student=dict(type='UNet2D', in_channels=1, num_classes=4),
        teacher=dict(type='MovingAverage', average_of='student', decay=0.99)),
    method=dict(type='bcp', alone=dict(type='step', before=1, after=0, at=1000)),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='dice_ce')),
    weights=dict(pseudo=0.5))
