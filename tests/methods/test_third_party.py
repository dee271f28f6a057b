"""Networks of other libraries, by dotted type and without glue."""
import pytest
import torch

from scarceseg.registry import MODELS

from ..third_party import import_torchvision
from .test_methods import CLASSES

MONAI, SMP, VISION = 'monai.networks.nets.', 'segmentation_models_pytorch.', 'torchvision.models.segmentation.'
FLAT = dict(spatial_dims=2, in_channels=1, out_channels=CLASSES)
DEEP = dict(spatial_dims=3, in_channels=1, out_channels=CLASSES)
LEVELS = dict(channels=(4, 8, 16), strides=(2, 2))
DYNAMIC = dict(kernel_size=[3] * 3, strides=[1, 2, 2], upsample_kernel_size=[2, 2], filters=[4, 8, 8])
SEGMENTER = dict(encoder_name='resnet18', encoder_weights=None, in_channels=1, classes=CLASSES)
UNTRAINED = dict(weights=None, weights_backbone=None, num_classes=CLASSES)
# config, channels and dimensions of the image, outputs in training
CASES = [
    (dict(type=MONAI + 'BasicUNet', features=(4, 4, 8, 8, 8, 4), **FLAT), 1, 2, 1),
    (dict(type=MONAI + 'UNet', num_res_units=2, **LEVELS, **FLAT), 1, 2, 1),
    (dict(type=MONAI + 'UNet', **LEVELS, **DEEP), 1, 3, 1),
    (dict(type=MONAI + 'AttentionUnet', **LEVELS, **DEEP), 1, 3, 1),
    (dict(type=MONAI + 'DynUNet', deep_supervision=True, deep_supr_num=1, **DYNAMIC, **FLAT), 1, 2, 2),
    (dict(type=MONAI + 'DynUNet', deep_supervision=True, deep_supr_num=1, **DYNAMIC, **DEEP), 1, 3, 2),
    (dict(type=MONAI + 'SegResNet', init_filters=8, **DEEP), 1, 3, 1),
    (dict(type=MONAI + 'SegResNetDS', init_filters=8, blocks_down=(1, 1, 1), dsdepth=2, **DEEP), 1, 3, 2),
    (dict(type=MONAI + 'BasicUnetPlusPlus', features=(4, 4, 8, 8, 8, 4), **FLAT), 1, 2, 1),
    (dict(type=MONAI + 'SwinUNETR', feature_size=12, **FLAT), 1, 2, 1),
    (dict(type=SMP + 'Unet', **SEGMENTER), 1, 2, 1),
    (dict(type=SMP + 'FPN', **SEGMENTER), 1, 2, 1),
    (dict(type=SMP + 'Unet', **SEGMENTER, aux_params=dict(classes=2)), 1, 2, 1),
    (dict(type=SMP + 'create_model', arch='Unet', **SEGMENTER), 1, 2, 1),
    (dict(type=VISION + 'lraspp_mobilenet_v3_large', **UNTRAINED), 3, 2, 1),
    (dict(type=VISION + 'fcn_resnet50', aux_loss=True, **UNTRAINED), 3, 2, 2),
]


@pytest.mark.parametrize('network, channels, dims, outputs', CASES,
                         ids=lambda v: v['type'].split('.')[-1] if isinstance(v, dict) else '')
def test_a_network_of_another_library_learns_and_predicts_images_of_any_size(network, channels, dims, outputs):
    if not network['type'].startswith(MONAI):
        import_torchvision()
    pytest.importorskip(network['type'].split('.')[0])
    model = MODELS.build(dict(
        type='Segmentor', networks=dict(net=network), method=dict(type='supervised'), inferer=dict(type='padded', divisor=32),
        losses=dict(sup=dict(type='deep_supervision', loss=dict(type='dice_ce')))))
    size = (64,) * dims if dims == 2 else (32,) * dims
    batch = dict(labeled=dict(image=torch.randn(2, channels, *size), label=torch.randint(0, CLASSES, (2, *size))))
    found = model.networks['net'](batch['labeled']['image'])
    assert (len(found) if isinstance(found, tuple) else 1) == outputs
    model.iteration = 0
    model(mode='loss', **batch)['loss_sup'].backward()
    assert any(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in model.parameters())
    image = torch.randn(1, channels, *[n + 3 for n in size])
    prob = model.eval().predict(image)
    assert prob.shape == (1, CLASSES, *image.shape[2:]) and torch.allclose(prob.sum(1), torch.ones(()), atol=1e-4)
