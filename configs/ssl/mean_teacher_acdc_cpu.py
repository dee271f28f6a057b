"""Mean teacher on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        student=dict(type='UNet2D', in_channels=1, num_classes=4),
        teacher=dict(type='MovingAverage', average_of='student', decay=0.99)),
    method=dict(type='mean_teacher', noise=0.1),
    losses=dict(sup=dict(type='dice_ce'), consistency=dict(type='mean_squared_error')),
    weights=dict(consistency=dict(type='sigmoid_rampup', stop=3.0, length=1000)),
    predict='teacher')
