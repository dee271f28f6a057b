"""MyoPS 2020 [Li 2023]: three MR sequences of a heart as channels, five structures, five folds.

Unpack the training cases and their labels to MyoPS/train25 and MyoPS/train25_myops_gd below the data folder, and split them once:
python tools/split.py data/MyoPS/train25 --strip _C0 --folds 5 --out data/MyoPS/splits
"""
classes = ('background', 'myocardium', 'LV', 'RV', 'edema', 'scar')
fold = 1
prepare = [dict(type='normalise')]
inferer = [dict(type='sliding_window', window=(1, None, None), batch_size=8)]
postprocess = [dict(type='largest_component')]
folder = dict(
    type='FolderDataset', data_root='data', images='MyoPS/train25', channels=('_C0', '_DE', '_T2'),
    labels='MyoPS/train25_myops_gd', label_suffix='_gd', label_values=(0, 200, 500, 600, 1220, 2221))
train_dataloader = dict(
    dataset=dict(type='PartsDataset', slices=True, parts=dict(labeled=dict(split='MyoPS/splits/fold{fold}_train.txt', **folder))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=4)))
val_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(split='MyoPS/splits/fold{fold}_valid.txt', **folder)))
del folder
