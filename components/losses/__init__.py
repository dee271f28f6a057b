"""Losses: pure functions on logits (or probabilities where the name says so); one scalar or one map out, never by an option."""
from .combined import combined, dice_ce
from .consistency import (
    attention_transfer,
    cosine_distance,
    cosine_similarity_map,
    js_divergence,
    js_divergence_map,
    kl_divergence,
    kl_divergence_map,
    mean_squared_error,
    symmetric_kl,
    symmetric_kl_map,
)
from .contrastive import info_nce
from .deep_supervision import deep_supervision, deep_supervision_average, deep_supervision_majority
from .gated_crf import gated_crf
from .overlap import group_dice, soft_dice, soft_dice_per_class, tversky
from .pixelwise import (
    cross_entropy,
    cross_entropy_map,
    partial_cross_entropy,
    soft_cross_entropy,
    thresholded_cross_entropy,
)
from .robust import generalized_cross_entropy, mae, mse, noise_robust_dice, symmetric_cross_entropy
from .shape import boundary_length, compactness, size_constraint
from .smoothing import label_smoothing, slsr
from .smoothness import entropy, entropy_map, gradient_length, mumford_shah, total_variation
from .unbalanced import exp_log, focal, focal_dice

__all__ = ['attention_transfer', 'boundary_length', 'combined', 'compactness', 'cosine_distance', 'cosine_similarity_map',
           'cross_entropy', 'cross_entropy_map', 'deep_supervision', 'deep_supervision_average', 'deep_supervision_majority',
           'dice_ce', 'entropy', 'entropy_map', 'exp_log', 'focal', 'focal_dice', 'gated_crf', 'generalized_cross_entropy',
           'gradient_length', 'group_dice', 'info_nce', 'js_divergence', 'js_divergence_map', 'kl_divergence', 'kl_divergence_map',
           'label_smoothing', 'mae', 'mean_squared_error', 'mse', 'mumford_shah', 'noise_robust_dice', 'partial_cross_entropy',
           'size_constraint', 'slsr', 'soft_cross_entropy', 'soft_dice', 'soft_dice_per_class', 'symmetric_cross_entropy',
           'symmetric_kl', 'symmetric_kl_map', 'thresholded_cross_entropy', 'total_variation', 'tversky']
