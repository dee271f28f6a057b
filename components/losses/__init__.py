"""Losses: pure functions on logits (or probabilities where the name says so); one scalar or one map out, never by an option."""
from .combined import dice_ce
from .overlap import soft_dice, soft_dice_per_class
from .pixelwise import cross_entropy, cross_entropy_map, partial_cross_entropy

__all__ = ['cross_entropy', 'cross_entropy_map', 'dice_ce', 'partial_cross_entropy', 'soft_dice', 'soft_dice_per_class']
