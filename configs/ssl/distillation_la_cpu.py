"""A trained mean teacher distilled into half its width on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        student=dict(type='UNet3D', in_channels=1, num_classes=2, channels=(8, 16, 32, 64, 128)),
        teacher=dict(type='UNet3D', in_channels=1, num_classes=2, frozen=True, pretrained=dict(
            checkpoint='work_dirs/mean_teacher_la_cpu/last.pth', source='networks.teacher.module'))),
    method=dict(type='distillation', temperature=2.0),
    losses=dict(
        sup=dict(type='dice_ce'), logits=dict(type='soft_cross_entropy'),
        features=dict(type='attention_transfer')),
    weights=dict(features=0.1))
