"""A trained mean teacher distilled into half its width on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        student=dict(type='UNet2D', in_channels=1, num_classes=4, channels=(8, 16, 32, 64, 128)),
        teacher=dict(type='UNet2D', in_channels=1, num_classes=4, frozen=True, pretrained=dict(
            checkpoint='work_dirs/mean_teacher_acdc_cpu/last.pth', source='networks.teacher.module'))),
    method=dict(type='distillation', temperature=2.0),
    losses=dict(
        sup=dict(type='dice_ce'), logits=dict(type='soft_cross_entropy'),
        features=dict(type='attention_transfer')),
    weights=dict(features=0.1))
