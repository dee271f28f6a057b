"""ACDC cardiac cine-MR [Bernard 2018]: what it is, how it is prepared, predicted and validated."""
classes = ('background', 'RV', 'myocardium', 'LV')
prepare = [dict(type='clip_percentiles', low=0.5, high=99.5), dict(type='normalise')]
inferer = [dict(type='sliding_window', window=(1, None, None), batch_size=8)]
postprocess = [dict(type='largest_component')]
val_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(
    type='FolderDataset', data_root='data', images='ACDC/images', labels='ACDC/labels', split='ACDC/splits/valid.txt')))
