"""Cross-consistency training on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='PerturbedDecoderUNet', in_channels=1, num_classes=4)),
    method=dict(type='cct'),
    losses=dict(sup=dict(type='dice_ce'), consistency=dict(type='mean_squared_error')),
    weights=dict(consistency=dict(type='sigmoid_rampup', stop=0.1, length=1000)))
