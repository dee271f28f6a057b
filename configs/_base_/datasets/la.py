"""Left atrium of the 2018 challenge, LGE-MR [Xiong 2021], at half resolution: what it is, how it is prepared and validated.

Voxels of 1.25 mm, about 44×71×95 (z, y, x) around the atrium, and networks that see blocks of 32×48×48.
"""
classes = ('background', 'left atrium')
prepare = [dict(type='clip_percentiles', low=0.5, high=99.5), dict(type='normalise')]
inferer = [dict(type='sliding_window', window=(32, 48, 48), batch_size=4)]
postprocess = [dict(type='largest_component')]
val_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(
    type='FolderDataset', data_root='data', images='LA/images', labels='LA/labels', split='LA/splits/valid.txt')))
