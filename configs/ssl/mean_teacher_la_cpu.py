"""Mean teacher on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        student=dict(type='UNet3D', in_channels=1, num_classes=2),
        teacher=dict(type='MovingAverage', average_of='student', decay=0.99)),
    method=dict(type='mean_teacher', noise=0.1),
    losses=dict(sup=dict(type='dice_ce'), consistency=dict(type='mean_squared_error')),
    weights=dict(consistency=dict(type='sigmoid_rampup', stop=0.1, length=300)),
    predict='teacher')
