"""Mean teacher on left atria, 7 of 72 labelled, at the paper's budget."""
_base_ = ['../_base_/datasets/la_full_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adam_20k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        student=dict(type='UNet3D', in_channels=1, num_classes=2),
        teacher=dict(type='MovingAverage', average_of='student', decay=0.99)),
    method=dict(type='mean_teacher', noise=0.1),
    losses=dict(sup=dict(type='dice_ce'), consistency=dict(type='mean_squared_error')),
    weights=dict(consistency=dict(type='sigmoid_rampup', stop=0.1, begin=2000, length=12_000)),
    predict='teacher')
