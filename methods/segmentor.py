"""The one trainable module: networks, a pure method, and how to predict."""
from __future__ import annotations

from functools import partial

import torch
from mmengine.model import BaseModel

from scarceseg.registry import INFERERS, LOSSES, METHODS, MODELS, SCHEDULES, UserError
from scarceseg.registry.binding import nearest

from .contract import check_needs, check_pieces, check_whole
from .networks import build_networks, load_pretrained
from .weighing import at, build_numbers, weigh

INNERMOST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the axes of a tensor


@MODELS.register_module()
class Segmentor(BaseModel):
    """Networks trained by a method.

    Args:
        networks: {name: config}. A config with ``average_of`` is an averaged copy of that network, moved after every
            step: dict(type='MovingAverage', average_of='student', decay=0.99). One with ``pretrained`` starts
            from the weights of another: pretrained=dict(checkpoint='run/last.pth', source='networks.net.encoder',
            target='encoder'), a relative path starting at the working directory. One with ``frozen=True`` stays as it is, in
            evaluation mode.
        method: config of a method; its settings are numbers or schedules.
        losses: {name: config} of the losses the method asks for.
        weights: {term: number or schedule}; a term without weight counts once.
        predict: name of the network that predicts; default the first that the method names.
        heads: indices of that network's outputs that are averaged, as probabilities, where it has several; default all.
        inferer: configs of functions of INFERERS, the outermost first, that predict a whole image; default the image at once.
        channels_last: keep images and weights with channels innermost, which convolutions prefer on CPUs and GPUs.

    Raises:
        UserError: names that do not fit together.
    """

    def __init__(self, networks, method, losses=None, weights=None, predict=None, heads=None, inferer=None, channels_last=True,
                 data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.averages = {name: config['average_of'] for name, config in networks.items() if 'average_of' in config}
        self.networks, self.network_configs = build_networks(networks), networks
        self.frozen = [name for name, config in networks.items() if config.get('frozen')]
        self.formats = INNERMOST if channels_last else {}
        for weight in self.networks.parameters():
            weight.data = weight.data.contiguous(memory_format=self.formats.get(weight.ndim, torch.preserve_format))
        self.method, self.settings = build_method(method)
        self.losses = {name: LOSSES.build(config) for name, config in (losses or {}).items()}
        self.weights = build_numbers(weights or {})
        check_needs(self.method, networks, self.losses, self.weights)
        check_pieces(self.method, self.networks)
        self.predict_name, self.heads = predict or self.method.func.needs.networks[0], heads
        if self.predict_name not in networks:
            raise UserError(f'predict={predict!r} is none of the networks{nearest(predict, networks)}: {", ".join(networks)}')
        chain = [inferer] if isinstance(inferer, dict) else inferer or []
        self.inferers = [INFERERS.build(config) for config in chain]
        self.iteration, self.is_checked = None, False

    def forward(self, mode='tensor', **parts):
        """mmengine's entry: ``loss`` for the terms of a training batch, ``predict`` for probabilities of whole cases."""
        parts = {part: {key: self.arrange(value) if key.startswith('image') and torch.is_tensor(value) else value
                        for key, value in batch.items()} for part, batch in parts.items()}
        if mode == 'loss':
            if self.iteration is None:
                raise RuntimeError('a Segmentor is trained by MethodTrainLoop, which tells it the iteration')
            if not self.is_checked:
                check_whole(self.method, self.networks, next(iter(parts.values()))['image'][:1])
                self.is_checked = True
            terms = self.method(self.networks, parts, self.losses, **at(self.settings, self.iteration))
            return weigh(terms, at(self.weights, self.iteration))
        if mode == 'predict':
            return [self.predict(image[None]) for image in parts['case']['image']]
        return self.networks[self.predict_name](parts['case']['image'])

    def probabilities(self, image):
        """(N, C, *window) to class probabilities (N, K, *window) of the predicting network, averaged over its heads."""
        outputs = self.networks[self.predict_name](self.arrange(image))
        if not isinstance(outputs, (tuple, list)):
            return outputs.float().softmax(1)
        chosen = [outputs[i] for i in self.heads] if self.heads is not None else outputs
        return sum(z.float().softmax(1) for z in chosen) / len(chosen)

    @torch.no_grad()
    def predict(self, image, *, around=()):
        """Class probabilities of a whole image: (1, C, *space) to (1, K, *space).

        Args:
            around: further bound functions of INFERERS, put around those of the config, such as test-time flips.
        """
        predict = self.probabilities
        for inferer in reversed([*around, *self.inferers]):
            predict = partial(inferer, predict)
        return predict(image)

    def train(self, mode=True):
        """Training or evaluation mode; frozen networks stay in the latter."""
        super().train(mode)
        for name in self.frozen:
            self.networks[name].eval()
        return self

    def start(self):
        """Before the first iteration: load what is pretrained, then make every average equal to its source."""
        load_pretrained(self.networks, self.network_configs)
        self.sync_averages()

    def sync_averages(self):
        """Make every average equal to its source, once the weights are initialised and loaded."""
        for name, source in self.averages.items():
            self.networks[name].module.load_state_dict(self.networks[source].state_dict())

    def move_averages(self):
        """Update every average after a step of its source."""
        for name, source in self.averages.items():
            self.networks[name].update_parameters(self.networks[source])

    def arrange(self, image):
        """The image with channels innermost, or as it is."""
        return image.contiguous(memory_format=self.formats.get(image.ndim, torch.contiguous_format))


def build_method(config):
    """The method bound to its fixed settings, and those settings that the iteration decides."""
    scheduled = {k: v for k, v in config.items() if isinstance(v, dict) and SCHEDULES.get(v.get('type', '')) is not None}
    fixed = {k: v for k, v in config.items() if k not in scheduled}
    method = METHODS.build({**fixed, **dict.fromkeys(scheduled)})
    return method, build_numbers(scheduled)
