"""Blocks that a data set has cut already; of unlabelled ones a weak view and two strong ones in other light."""
_base_ = './strong_views.py'
transforms = [dict(type='random_flip', axes=(-2, -1))]
