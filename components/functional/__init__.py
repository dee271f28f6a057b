"""Maths that methods share."""
from ..losses.arithmetic import probabilities
from .mixing import box_mask, copy_paste, cutmix, draw_boxes, draw_ratios, mixup, paste, structure_mask
from .noise import clipped_noise
from .perturbations import drop_channels, feature_drop, feature_noise, virtual_adversarial
from .pseudo import largest_parts, mixed_pseudo_label, pseudo_label
from .sharpening import sharpen
from .uncertainty import entropy_of, rectified_consistency

__all__ = ['box_mask', 'clipped_noise', 'copy_paste', 'cutmix', 'draw_boxes', 'draw_ratios', 'drop_channels', 'entropy_of',
           'feature_drop', 'feature_noise', 'largest_parts', 'mixed_pseudo_label', 'mixup', 'paste', 'probabilities',
           'pseudo_label', 'rectified_consistency', 'sharpen', 'structure_mask', 'virtual_adversarial']
