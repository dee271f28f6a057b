"""Chest radiographs with lungs, PNG of 256×256 pixels: what they are, how they are prepared, predicted and validated."""
classes = ('background', 'lung')
prepare = [dict(type='clip_percentiles', low=0.5, high=99.5), dict(type='normalise')]
inferer = [dict(type='sliding_window', window=(256, 256), batch_size=4)]
val_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(
    type='FolderDataset', data_root='data', images='CXR/images', labels='CXR/labels', split='CXR/splits/valid.txt')))
