"""Generated hearts with scribbles; validation and test hearts are other ones, with full labels."""
classes = ('background', 'right ventricle', 'myocardium', 'left ventricle')
prepare = [dict(type='clip_percentiles', low=1, high=99), dict(type='normalise'), dict(type='implied_background', margin=0.1)]
inferer = [dict(type='sliding_window', window=(1, None, None), batch_size=8)]
postprocess = [dict(type='largest_component')]
train_dataloader = dict(
    dataset=dict(type='PartsDataset', slices=True, parts=dict(scribbled=dict(type='PhantomDataset', count=40, scribbles=True))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(scribbled=8)))
val_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(type='PhantomDataset', count=4, first=1000)))
test_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(type='PhantomDataset', count=12, first=2000)))
