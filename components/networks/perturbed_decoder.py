"""Networks whose auxiliary decoders see perturbed features."""
from functools import partial

from torch import nn

from scarceseg.components.functional.perturbations import feature_drop, feature_noise, virtual_adversarial
from scarceseg.registry import NETWORKS, UserError

from .blocks import Decoder, Encoder
from .layers import DROPOUT, choose
from .layout import check_image
from .unet import UShaped

PERTURBATIONS = ('noise', 'drop', 'dropout', 'vat')


@NETWORKS.register_module()
class PerturbedDecoderUNet(UShaped):
    """U-Net with auxiliary decoders on perturbed features, to be taught by the main decoder [Ouali 2020].

    (N, in_channels, *space) to logits (N, num_classes, *space) in evaluation, and in training to a tuple of them, the main
    decoder's first. ``encoder``, ``decoder`` and ``auxiliary(features)`` may be called apart, so that a method spends the
    auxiliary decoders on the samples that need them.

    Args:
        perturbations: what each auxiliary decoder sees of the clean features: 'noise' (scaled by random factors), 'drop' (without
            the most active places), 'dropout' (without random channels), 'vat' (moved to where the decoder's answer changes
            most).
        noise: largest relative change by 'noise'.
        drop: interval of the share of the largest activity from which on 'drop' takes places away.
        channel_dropout: rate of 'dropout'.
        vat: length of the step of 'vat' relative to the features' own.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, perturbations=PERTURBATIONS, noise=0.3, drop=(0.7, 0.9), channel_dropout=0.5,
                 vat=0.1, **settings):
        super().__init__(in_channels, num_classes, **settings)
        if isinstance(perturbations, str) or not perturbations:
            raise UserError(f'perturbations={perturbations!r} must be one or more of {", ".join(PERTURBATIONS)}')
        self.perturbations = [choose(PERTURBATIONS, name, 'perturbations') for name in perturbations]
        self.encoder = Encoder(self.layout)
        self.decoder, *auxiliary = (Decoder(self.layout, num_classes) for _ in range(1 + len(perturbations)))
        self.auxiliary_decoders = nn.ModuleList(auxiliary)
        self.dropout = DROPOUT[self.layout.dims](channel_dropout)
        self._perturb = dict(noise=partial(feature_noise, strength=noise), drop=partial(feature_drop, interval=drop),
                             dropout=self._drop_channels, vat=partial(virtual_adversarial, length=vat))

    def forward(self, image):
        check_image(self, image)
        features = self.encoder(image)
        main = self.decoder(features)
        return (main, *self.auxiliary(features)) if self.training else main

    def auxiliary(self, features):
        """The clean features of every level to the logits of each auxiliary decoder, a list."""
        outputs = []
        for name, decoder in zip(self.perturbations, self.auxiliary_decoders):
            perturb = partial(self._perturb[name], decode=decoder) if name == 'vat' else self._perturb[name]
            outputs.append(decoder(perturb(features)))
        return outputs

    def _drop_channels(self, features):
        return [self.dropout(f) for f in features]
