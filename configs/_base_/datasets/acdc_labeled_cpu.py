"""ACDC with a tenth of the full labels for a CPU: slices brought to one size."""
_base_ = './acdc_labeled.py'
prepare = [dict(type='clip_percentiles', low=1, high=99), dict(type='normalise')]
inferer = [dict(type='rescaled', longest=(192, 240)), dict(type='sliding_window', window=(1, None, None), batch_size=8)]
postprocess = [dict(type='largest_component'), dict(type='largest_component', per_class=True)]
train_dataloader = dict(batch_sampler=dict(parts=dict(labeled=8)))
